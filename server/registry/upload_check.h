// SPDX-License-Identifier: Apache-2.0
// What must hold for an upload before it begins, and for its columns before they are a dataset.
#pragma once

#include <cstdint>
#include <vector>

#include "absl/status/status.h"
#include "gradus/v1/dataset_service.pb.h"
#include "server/registry/parser.h"

namespace gradus::registry {

// Names, formats, digests, sizes together at most `max_upload`, no (split, column) twice.
//   Errors  INVALID_ARGUMENT with the field's path.
absl::Status CheckUploadRequest(const v1::BeginUploadRequest& request, int64_t max_upload);

// That a parsed column makes sense by itself and that its values take `output_bytes`. INTERNAL: the
// parser said something else than it wrote.
absl::Status CheckColumn(const ParsedColumn& column, int64_t output_bytes);

// That the columns of each split have as many rows. INVALID_ARGUMENT names both files.
absl::Status CheckRows(const v1::BeginUploadRequest& request,
                       const std::vector<ParsedColumn>& columns);

}  // namespace gradus::registry
