// SPDX-License-Identifier: Apache-2.0
// Texts that people write.
#pragma once

#include <cstddef>
#include <string>

#include "absl/status/statusor.h"

namespace gradus::cli {

// A file of at most `most` bytes, or of standard input ("-") one byte more than that at most.
absl::StatusOr<std::string> ReadTextFile(const std::string& path, size_t most);

}  // namespace gradus::cli
