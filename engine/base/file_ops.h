// SPDX-License-Identifier: Apache-2.0
// What is done to whole files, on top of any Files.
#pragma once

#include <cstddef>
#include <span>
#include <string>
#include <string_view>

#include "engine/base/files.h"

namespace gradus::base {

// Replaces `path` by `bytes` so that a crash or power cut at any moment leaves the old file or the
// new one, whole: temporary file in the same directory, Sync, Rename, SyncDir. On an error the
// temporary file is removed and nothing is retried; only when SyncDir was what failed may the new
// file already be seen.
absl::Status WriteFileAtomically(Files& files, const std::string& path,
                                 std::span<const std::byte> bytes);
absl::Status WriteFileAtomically(Files& files, const std::string& path, std::string_view text);

// The whole file. RESOURCE_EXHAUSTED when it is larger than `max_bytes`, found before memory is
// taken.
absl::StatusOr<std::string> ReadFile(Files& files, const std::string& path, size_t max_bytes);

// Makes `dir` and its missing parents, each made durable by a SyncDir of its parent.
absl::Status MakeDirs(Files& files, const std::string& dir, uint32_t mode = 0700);

// Removes `path` and all below it; OK when there is nothing. Does not follow symbolic links.
absl::Status RemoveTree(Files& files, const std::string& path);

// The part before the last '/': "." when there is none, "/" for entries of the root.
std::string ParentOf(std::string_view path);
// DIR/NAME with exactly one slash between.
std::string JoinPath(std::string_view dir, std::string_view name);

inline std::span<const std::byte> AsBytes(std::string_view text) {
  return std::as_bytes(std::span<const char>(text.data(), text.size()));
}

}  // namespace gradus::base
