// SPDX-License-Identifier: Apache-2.0
// Ranks for tests: as threads of this process, or as processes of their own.
#pragma once

#include <sys/types.h>

#include <functional>
#include <string>

#include "engine/collective/gloo_group.h"
#include "tests/support/temp_dir.h"

namespace gradus::collective {

// Notes as files, so that other processes see them too.
class NoteBoard {
 public:
  // As they are for one meeting.
  Notes notes() const;
  // What was left under `key`, once it is there.
  std::string Await(const std::string& key) const;

 private:
  test_support::TempDir dir_;
};

// Options for a rank of a meeting on the loopback. Who is silent is waited for longer than a test
// may take.
GlooOptions RankOf(const NoteBoard& board, int rank, int size);

// Connects `size` ranks and runs `body` on each, in a thread of its own.
void WithRanks(int size, const std::function<void(Group& group)>& body);

// Runs `body` in a process of its own, which ends when the body does; the process's number.
pid_t InProcess(const std::function<void()>& body);

}  // namespace gradus::collective
