// SPDX-License-Identifier: Apache-2.0
// JSON from a pipe.
#include "server/worker/config.h"

#include <google/protobuf/util/json_util.h>
#include <unistd.h>

#include <cerrno>
#include <string>

#include "absl/status/status.h"
#include "engine/base/descriptor.h"
#include "engine/base/status.h"

namespace gradus::worker {
namespace {

constexpr size_t kMaxConfig = size_t{1} << 20;

absl::Status Check(const v1::WorkerConfig& config) {
  if (config.job_id().empty()) return base::InvalidArgument("job_id", "nothing", "a job's id");
  if (config.work_dir().empty()) return base::InvalidArgument("work_dir", "nothing", "a folder");
  if (config.profile().server().empty() && config.endpoint_file().empty())
    return base::InvalidArgument("profile.server", "nothing", "HOST:PORT");
  return absl::OkStatus();
}

}  // namespace

absl::StatusOr<v1::WorkerConfig> ReadConfig(int fd) {
  const base::Descriptor owned(fd);
  std::string text;
  char buffer[4096];
  while (true) {
    const ssize_t got = base::RetryOnInterrupt([&] { return ::read(fd, buffer, sizeof(buffer)); });
    if (got < 0)
      return base::ErrnoStatus(errno, "reading the rank's configuration from a descriptor");
    if (got == 0) break;
    text.append(buffer, static_cast<size_t>(got));
    if (text.size() > kMaxConfig)
      return absl::InvalidArgumentError("the rank's configuration is larger than 1 MiB");
  }
  v1::WorkerConfig config;
  if (!google::protobuf::util::JsonStringToMessage(text, &config).ok()) {
    return absl::InvalidArgumentError("the rank's configuration is not a WorkerConfig in JSON");
  }
  RETURN_IF_ERROR(Check(config));
  return config;
}

}  // namespace gradus::worker
