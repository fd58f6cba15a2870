// SPDX-License-Identifier: Apache-2.0
// Profiles: the one file with which a person's client reaches this server.
#pragma once

#include <string>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "engine/base/files.h"
#include "gradus/v1/config.pb.h"

namespace gradus::auth {

// Writes `profile` as JSON, mode 0600, atomically.
absl::Status WriteProfile(base::Files& files, const std::string& path, const v1::Profile& profile);

// NOT_FOUND when there is no file, DATA_LOSS when it is no profile.
absl::StatusOr<v1::Profile> ReadProfile(base::Files& files, const std::string& path);

}  // namespace gradus::auth
