// SPDX-License-Identifier: Apache-2.0
// Folders on a node that belong to this user alone.
#pragma once

#include <string>

#include "absl/status/status.h"

namespace gradus::worker {

// Makes folder `path` and its missing parents with mode 0700, or finds that it is there already as
// it would have been made: anybody may make folders in a place like /tmp before us.
//   Errors   PERMISSION_DENIED for one that is a link, another user's, or open to others; of the
//            system.
absl::Status MakePrivateFolder(const std::string& path);

}  // namespace gradus::worker
