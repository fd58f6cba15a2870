// SPDX-License-Identifier: Apache-2.0
#include "server/registry/parse_output.h"

#include <algorithm>
#include <cstddef>
#include <span>
#include <utility>
#include <vector>

#include "engine/base/status.h"

namespace gradus::registry {
namespace {

constexpr uint64_t kPiece = 512 << 10;

absl::Status Copy(const base::File& from, uint64_t offset, uint64_t size, base::File& to) {
  std::vector<std::byte> buffer(std::min(size, kPiece));
  for (const uint64_t end = offset + size; offset < end;) {
    const std::span<std::byte> piece = std::span(buffer).first(std::min(end - offset, kPiece));
    ASSIGN_OR_RETURN(const size_t count, from.ReadAt(offset, piece));
    if (count != piece.size()) return absl::DataLossError("a parsed file became shorter");
    RETURN_IF_ERROR(to.Append(piece));
    offset += count;
  }
  return absl::OkStatus();
}

}  // namespace

absl::StatusOr<ParseOutput> ParseOutput::Create(store::BlobStore* blobs, base::Files* files) {
  ASSIGN_OR_RETURN(base::TemporaryFile file, blobs->NewFile());
  return ParseOutput(blobs, files, std::move(file));
}

ParseOutput::~ParseOutput() {
  if (file_.file == nullptr) return;
  file_.file.reset();
  files_->Remove(file_.path).IgnoreError();  // else removed with other abandoned files, after a day
}

absl::StatusOr<v1::BlobRef> ParseOutput::Whole() { return blobs_->Adopt(std::move(file_)); }

absl::StatusOr<v1::BlobRef> ParseOutput::Part(uint64_t offset, uint64_t size) const {
  ASSIGN_OR_RETURN(base::TemporaryFile part, blobs_->NewFile());
  const absl::Status copied = Copy(*file_.file, offset, size, *part.file);
  if (copied.ok()) return blobs_->Adopt(std::move(part));
  part.file.reset();
  files_->Remove(part.path).IgnoreError();
  return copied;
}

}  // namespace gradus::registry
