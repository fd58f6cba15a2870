// SPDX-License-Identifier: Apache-2.0
// The machine's open files, mappings and locks, made from descriptors that real_files.cc opened.
#pragma once

#include <memory>
#include <string>

#include "absl/status/statusor.h"
#include "engine/base/descriptor.h"
#include "engine/base/files.h"

namespace gradus::base {

// A File over an open descriptor; `name` is for messages.
std::unique_ptr<File> MakeRealFile(Descriptor fd, std::string name);

// fsync. A failure is DATA_LOSS whatever its errno.
absl::Status SyncDescriptor(const Descriptor& fd, const std::string& name);

// A read-only mapping of the whole file behind `fd`.
absl::StatusOr<MappedFile> MapDescriptor(const Descriptor& fd, const std::string& name);

// flock without waiting; the lock lives as long as the result.
absl::StatusOr<std::unique_ptr<FileLock>> LockDescriptor(Descriptor fd, const std::string& name);

}  // namespace gradus::base
