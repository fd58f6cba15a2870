// SPDX-License-Identifier: Apache-2.0
// Files that processes of one user share: held by those that use them, removed by none meanwhile.
#pragma once

#include <string>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "engine/base/descriptor.h"
#include "engine/base/mapped_file.h"

namespace gradus::worker {

// The file at `path`, mapped, and counted as used now. Until the bytes are let go, or the process
// ends however it does, TakeUnheld does not get it.
//   Errors   NOT_FOUND, also while somebody removes it; FAILED_PRECONDITION for a link or what is no regular file,
//            PERMISSION_DENIED for another user's file; of the system.
absl::StatusOr<base::MappedFile> MapHeld(const std::string& path);

// The file at `path` while nobody holds it: as long as the result lives nobody can.
//   Errors   FAILED_PRECONDITION when it is held; as MapHeld.
absl::StatusOr<base::Descriptor> TakeUnheld(const std::string& path);

}  // namespace gradus::worker
