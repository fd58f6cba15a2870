// SPDX-License-Identifier: Apache-2.0
// The process that holds one version of a model, and the messages to and from it.
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "engine/base/descriptor.h"
#include "engine/base/frames.h"
#include "gradus/v1/serving.pb.h"
#include "server/registry/child_process.h"
#include "server/serving/pool.h"

namespace gradus::serving {

// `gradus-worker serve`, started with the setup on descriptor 3 and a socket on descriptor 4.
//   Owns     the process: it ends with this, and with the thread that has started it.
//   Threads  one. Nothing here waits but Start, for the kernel, and the end.
class ServedProcess {
 public:
  // `memory_limit`: bytes that it may take; see executors::LimitMemory.
  static absl::StatusOr<std::unique_ptr<ServedProcess>> Start(const std::string& program,
                                                              const v1::ServeSetup& setup,
                                                              int64_t memory_limit);
  ~ServedProcess();

  // Readable when there are answers, or none any more.
  int fd() const { return socket_.get(); }
  bool wants_to_write() const { return sent_ < unsent_.size(); }

  // Sends it, or as much of it as does not wait.
  void Ask(const v1::ServeRequest& request);
  // Sends and takes what there is, as far as that does not wait. UNAVAILABLE once the process has
  // gone, DATA_LOSS where it says what makes no sense; answers from before are there all the same.
  absl::Status Exchange(std::vector<v1::ServeAnswer>* answers);
  // Ends it where it has not; says how it had ended by itself, else that it was killed.
  absl::Status End();

 private:
  ServedProcess(registry::ChildSpec spec, registry::Child child, base::Descriptor socket)
      : spec_(std::move(spec)), child_(std::move(child)), socket_(std::move(socket)) {}
  absl::Status Send();

  const registry::ChildSpec spec_;
  registry::Child child_;
  base::Descriptor socket_;
  std::string unsent_;
  size_t sent_ = 0;  // of it
  // What is beside an answer's values in its message is small.
  base::FrameReader reader_{static_cast<size_t>(kMostAnswerBytes) + (size_t{64} << 10)};
};

}  // namespace gradus::serving
