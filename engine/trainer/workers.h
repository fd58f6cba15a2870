// SPDX-License-Identifier: Apache-2.0
// The other ranks of a job, as its run sees them.
#pragma once

#include <cstdint>
#include <memory>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "engine/collective/group.h"

namespace gradus::trainer {

// Ranks that are connected, and which of their meetings this is.
struct Meeting {
  int64_t generation = 0;  // grows with each meeting of the job
  std::unique_ptr<collective::Group> group;
};

// Brings the ranks of a job together, again after each that is lost or comes. Rank 0 of every
// meeting is the same process, the job's leader: it alone writes checkpoints and tells events.
//   Threads  Meet and Broken: the run's. announced: any.
class Workers {
 public:
  virtual ~Workers() = default;

  // Waits until the server has called a meeting newer than `after`, and its ranks are connected.
  // A meeting that fails is tried again when the next one is called.
  //   Errors   CANCELLED when the run is to end instead (a cancel, an attempt that is over).
  virtual absl::StatusOr<Meeting> Meet(int64_t after) = 0;

  // The newest meeting that was called, 0 before the first: where it is newer than the one that
  // goes on, ranks leave that at the next step that all of them do together.
  virtual int64_t announced() const = 0;

  // The meeting cannot go on, as `why` says: the server finds out who is missing.
  virtual void Broken(int64_t generation, const absl::Status& why) = 0;
};

}  // namespace gradus::trainer
