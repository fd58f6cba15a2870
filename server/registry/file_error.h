// SPDX-License-Identifier: Apache-2.0
// Errors about the files of an upload.
#pragma once

#include <cstddef>
#include <string>

#include "absl/status/status.h"
#include "absl/strings/string_view.h"

namespace gradus::registry {

// `files[1] "train-labels-idx1-ubyte.gz": MESSAGE`, with the field files[1].
absl::Status FileError(absl::StatusCode code, size_t index, absl::string_view name,
                       absl::string_view message);

// `file "base.onnx": MESSAGE`, with the field file: the only one of its upload.
absl::Status FileError(absl::StatusCode code, absl::string_view name, absl::string_view message);

// INTERNAL: what the parser says of a file is nothing, or not what it wrote.
absl::Status Nonsense();

}  // namespace gradus::registry
