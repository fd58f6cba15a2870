// SPDX-License-Identifier: Apache-2.0
#include "server/worker/blob_folder.h"

#include <utility>

#include "absl/strings/str_cat.h"
#include "engine/base/sha256.h"
#include "engine/base/status.h"

namespace gradus::worker {

std::string BlobPath(const std::string& folder, const std::string& sha256) {
  return absl::StrCat(folder, "/sha256/", sha256.substr(0, 2), "/", sha256.substr(2));
}

absl::StatusOr<std::shared_ptr<const base::MappedFile>> VerifyBlob(const v1::BlobRef& ref,
                                                                   base::MappedFile mapped) {
  if (mapped.size() != static_cast<uint64_t>(ref.size()) ||
      base::Sha256Hex(mapped.bytes()) != ref.sha256()) {
    return absl::DataLossError(absl::StrCat("blob ", ref.sha256(), " has other bytes on disk"));
  }
  return std::make_shared<const base::MappedFile>(std::move(mapped));
}

absl::StatusOr<std::shared_ptr<const base::MappedFile>> MapBlob(base::Files& files,
                                                                const v1::BlobRef& ref,
                                                                const std::string& path) {
  ASSIGN_OR_RETURN(base::MappedFile mapped, files.Map(path));
  return VerifyBlob(ref, std::move(mapped));
}

}  // namespace gradus::worker
