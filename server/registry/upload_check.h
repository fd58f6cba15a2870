// SPDX-License-Identifier: Apache-2.0
// What must hold for an upload before it begins, and for what was parsed before it is registered.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "gradus/v1/dataset_service.pb.h"
#include "gradus/v1/model_service.pb.h"
#include "server/registry/parser.h"

namespace gradus::registry {

// Names, formats, digests, sizes together at most `max_upload`, no (split, column) twice.
//   Errors  INVALID_ARGUMENT with the field's path.
absl::Status CheckUploadRequest(const v1::BeginUploadRequest& request, int64_t max_upload);

// The same for what becomes a model; whether the definition makes a network is not asked.
absl::Status CheckUploadRequest(const v1::PushModelRequest& request, int64_t max_upload);

// Columns of one dataset: its description travels in a message.
inline constexpr size_t kMaxColumns = 1024;
// A graph is read as a whole.
inline constexpr int64_t kMaxOnnxBytes = int64_t{512} << 20;

// Bytes of a parsed column's values.
//   Errors  INTERNAL: what the parser says of it makes no sense.
absl::StatusOr<int64_t> ColumnBytes(const ParsedColumn& column);

// A column, and the split that it is put into.
struct PlacedColumn {
  std::string split;
  std::string name;
};

// Where each column goes: as the request says of its file, else as its array's name says.
//   Errors  INVALID_ARGUMENT names the file: too many columns, a name that is none, or that comes
//           twice in a split, or another number of rows than the split's first column has.
absl::StatusOr<std::vector<PlacedColumn>> PlaceColumns(const v1::BeginUploadRequest& request,
                                                       const std::vector<ParsedColumn>& columns);

}  // namespace gradus::registry
