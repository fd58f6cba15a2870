// SPDX-License-Identifier: Apache-2.0
// What the ranks of a meeting leave for each other, where they find each other.
#pragma once

#include <cstdint>
#include <map>
#include <set>
#include <string>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "engine/base/mutex.h"
#include "gradus/v1/worker_service.pb.h"
#include "server/executors/executor.h"

namespace gradus::jobs {

// The notes of each job's newest meeting, in memory alone: who has lost them says that the meeting
// is broken, and gets another one.
//   Threads  any.
class Notes {
 public:
  static constexpr size_t kLongestKey = 128;
  static constexpr size_t kLongestValue = 16 << 10;
  static constexpr size_t kMostNotes = 4096;
  static constexpr size_t kMostBytes = size_t{16} << 20;  // of a meeting's keys and values
  static constexpr int kMostKeys = 1024;                  // of one question
  static constexpr size_t kMostAnswered = size_t{3} << 20;

  // A meeting of these ranks begins; the notes of the one before go.
  void Open(const std::string& job, int64_t generation, std::set<int64_t> fences);
  void Close(const std::string& job);

  // See WorkerService. `key`: who asks.
  //   Errors   ABORTED for an older meeting than the newest, and where none was called since this
  //            server has started: whoever still needs notes then can only meet again.
  //            FAILED_PRECONDITION for a rank that is not in it, UNAVAILABLE for a meeting that
  //            this server does not know yet, INVALID_ARGUMENT and RESOURCE_EXHAUSTED for more than
  //            is allowed.
  absl::Status Put(const executors::RankKey& key, const v1::PutNoteRequest& request);
  absl::StatusOr<v1::GetNotesResponse> Get(const executors::RankKey& key,
                                           const v1::GetNotesRequest& request);

 private:
  struct Board {
    int64_t generation = 0;
    std::set<int64_t> fences;
    std::map<std::string, std::string> notes;
    size_t bytes = 0;
  };

  absl::StatusOr<Board*> Find(const executors::RankKey& key, int64_t generation)
      ABSL_EXCLUSIVE_LOCKS_REQUIRED(mu_);

  base::Mutex mu_;
  std::map<std::string, Board> boards_ ABSL_GUARDED_BY(mu_);  // by job
};

}  // namespace gradus::jobs
