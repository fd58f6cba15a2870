// SPDX-License-Identifier: Apache-2.0
// Ranks that MPI connects: for clusters whose fast network or launcher calls for it.
#pragma once

#include <chrono>
#include <memory>

#include "absl/status/statusor.h"
#include "engine/collective/group.h"

namespace gradus::collective {

// This process as one of those that mpirun or srun started; their number is fixed, and when one is
// lost all must be started anew.
//   Threads  the thread that made it makes the group and ends this; the group has its own rule.
class MpiProcess {
 public:
  struct Options {
    // A wait this long ends the group.
    std::chrono::milliseconds silence_timeout{600'000};
  };

  // Initializes MPI, once a process. The error handler of the world returns errors from then on.
  //   Errors   UNAVAILABLE, also where MPI cannot serve several threads one at a time.
  static absl::StatusOr<std::unique_ptr<MpiProcess>> Start(const Options& options);

  // Finalizes MPI, which waits for all ranks; not once the group has broken: then the process is
  // only good for ending.
  ~MpiProcess();
  MpiProcess(const MpiProcess&) = delete;
  MpiProcess& operator=(const MpiProcess&) = delete;

  // All ranks of the world, one group at a time. It must not outlive this. Channels go up to MPI's
  // largest tag, at least 32767, and a message has at most 2^31 - 1 bytes. A message of another
  // size than the Receive it meets breaks the group. After an error no function of MPI's is called
  // any more, so nothing touches what was lent to it.
  absl::StatusOr<std::unique_ptr<Group>> Join();

  // What the world's processes share with this group.
  struct World;

 private:
  explicit MpiProcess(std::unique_ptr<World> world);

  std::unique_ptr<World> world_;
};

}  // namespace gradus::collective
