// SPDX-License-Identifier: Apache-2.0
// Blobs as they lie in a folder beside the server, which is read and never written.
#pragma once

#include <memory>
#include <string>

#include "absl/status/statusor.h"
#include "engine/base/files.h"
#include "engine/base/mapped_file.h"
#include "gradus/v1/data.pb.h"

namespace gradus::worker {

// FOLDER/sha256/ab/cdef... REQUIRES: `sha256` is one.
std::string BlobPath(const std::string& folder, const std::string& sha256);

// `mapped` itself. DATA_LOSS where it is not that blob.
absl::StatusOr<std::shared_ptr<const base::MappedFile>> VerifyBlob(const v1::BlobRef& ref,
                                                                   base::MappedFile mapped);

// The file at `path`, mapped. DATA_LOSS where it is not that blob.
absl::StatusOr<std::shared_ptr<const base::MappedFile>> MapBlob(base::Files& files,
                                                                const v1::BlobRef& ref,
                                                                const std::string& path);

}  // namespace gradus::worker
