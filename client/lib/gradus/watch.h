// SPDX-License-Identifier: Apache-2.0
// A job's events, from any point on, whatever happens to the connection meanwhile.
#pragma once

#include <cstdint>
#include <functional>
#include <string>

#include "absl/status/status.h"
#include "absl/time/time.h"
#include "gradus/client.h"
#include "gradus/v1/events.pb.h"

namespace gradus {

struct WatchOptions {
  // Events up to this seq are left out; 0 for all.
  int64_t after_seq = 0;
  // How long the server may be away, from the moment a stream broke, before the watch gives up.
  absl::Duration longest_outage = absl::Minutes(10);
  // Called once when the connection is lost (true) and once when the server answers again (false).
  std::function<void(bool lost)> on_outage;
};

// Calls `handle` with each event, in order, each exactly once: a broken stream is opened again
// after the last event seen. Ends OK after the event that made the job's state final.
//   Threads  `handle` and on_outage run on the calling thread.
//   Errors   what `handle` returned, if not OK; CANCELLED when client.stop() is asked for;
//            NOT_FOUND for no such job; OUT_OF_RANGE when after_seq is beyond the job's last event;
//            DATA_LOSS when the server skips events; UNAVAILABLE after longest_outage.
absl::Status WatchJob(const Client& client, const std::string& id, const WatchOptions& options,
                      const std::function<absl::Status(const v1::Event&)>& handle);

// The job's log lines, oldest first, each once; with `follow` until the job ends. Else as WatchJob.
absl::Status StreamLogs(const Client& client, const std::string& id, bool follow,
                        const WatchOptions& options,
                        const std::function<absl::Status(const v1::Event&)>& handle);

}  // namespace gradus
