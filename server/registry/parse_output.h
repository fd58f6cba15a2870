// SPDX-License-Identifier: Apache-2.0
// A file of the blob folder that a parser fills, and the blobs that its bytes become.
#pragma once

#include <cstdint>
#include <string>

#include "absl/status/statusor.h"
#include "engine/base/files.h"
#include "gradus/v1/data.pb.h"
#include "server/store/blobs.h"

namespace gradus::registry {

// Removes its file unless that became a blob.
//   Threads  one.
//   Errors   of the functions: as BlobStore::Adopt and base::File.
class ParseOutput {
 public:
  // `blobs` and `files`, whose tree the blob folder is of, must outlive it.
  static absl::StatusOr<ParseOutput> Create(store::BlobStore* blobs, base::Files* files);
  ParseOutput(ParseOutput&& other) = default;
  ~ParseOutput();

  const std::string& path() const { return file_.path; }
  absl::StatusOr<uint64_t> Size() const { return file_.file->Size(); }

  // The file itself becomes a blob; nothing else may follow.
  absl::StatusOr<v1::BlobRef> Whole();
  // A copy of `size` bytes from `offset` on. DATA_LOSS where they are not there.
  absl::StatusOr<v1::BlobRef> Part(uint64_t offset, uint64_t size) const;

 private:
  ParseOutput(store::BlobStore* blobs, base::Files* files, base::TemporaryFile file)
      : blobs_(blobs), files_(files), file_(std::move(file)) {}

  store::BlobStore* blobs_;
  base::Files* files_;
  base::TemporaryFile file_;  // without a file once moved from or adopted
};

}  // namespace gradus::registry
