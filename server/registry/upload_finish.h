// SPDX-License-Identifier: Apache-2.0
// From a complete upload to a dataset or a model: digests, parsing, blobs, rows.
#pragma once

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "gradus/v1/dataset_service.pb.h"
#include "server/registry/upload_parts.h"
#include "server/registry/upload_rows.h"
#include "server/registry/uploads.h"

namespace gradus::registry {

// Turns an open upload into what it was begun for and ends it, both in one transaction. Blobs of a
// failed attempt have no reference and are collected.
//   Errors  FAILED_PRECONDITION while bytes are missing; INVALID_ARGUMENT for what is wrong with
//   the data; else what the parser and the store say.
absl::StatusOr<v1::FinishUploadResponse> FinishUpload(const UploadsParts& parts,
                                                      const UploadParts& folder,
                                                      const UploadRow& row, int64_t max_output);

// The same answer again, of an upload that is done.
absl::StatusOr<v1::FinishUploadResponse> AnswerOf(const UploadRow& row);

}  // namespace gradus::registry
