// SPDX-License-Identifier: Apache-2.0
// A profile: one JSON file with all that a client needs to reach a server. It holds secrets.
#pragma once

#include <string>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "gradus/v1/config.pb.h"

namespace gradus {

using Profile = v1::Profile;

// Where `gradus auth login` keeps the profile: $XDG_CONFIG_HOME/gradus/profile, or
// ~/.config/gradus/profile. FAILED_PRECONDITION when there is neither variable.
absl::StatusOr<std::string> DefaultProfilePath();

// The file that LoadProfile(path) would read: `path`, or where that is empty GRADUS_PROFILE, or the
// default.
absl::StatusOr<std::string> ProfilePath(const std::string& path);

// Reads and checks the profile at ProfilePath(path).
//   Errors   NOT_FOUND when there is no file, with what to do about it; INVALID_ARGUMENT when it is
//            no profile. Messages never hold the file's contents.
absl::StatusOr<Profile> LoadProfile(const std::string& path = "");

// Checks a profile's text.
absl::StatusOr<Profile> ParseProfile(absl::string_view text);

// Writes atomically with mode 0600, making the folders on the way with 0700.
absl::Status SaveProfile(const Profile& profile, const std::string& path);

}  // namespace gradus
