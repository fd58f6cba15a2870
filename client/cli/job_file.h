// SPDX-License-Identifier: Apache-2.0
// Job files from disk, with the changes of the command line.
#pragma once

#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "gradus/v1/job.pb.h"

namespace gradus::cli {

// The job in `path` ("-": standard input) with each "PATH=VALUE" of `settings` applied in order.
// Errors say the file and the line, or the setting.
absl::StatusOr<v1::JobSpec> ReadJobFile(const std::string& path,
                                        const std::vector<std::string>& settings);

}  // namespace gradus::cli
