// SPDX-License-Identifier: Apache-2.0
// A model's weights, whole or in part, as a safetensors file that is put together while it is sent.
#include <algorithm>
#include <cstring>
#include <set>
#include <utility>

#include "absl/strings/str_cat.h"
#include "engine/base/file_ops.h"
#include "engine/base/sha256.h"
#include "engine/base/status.h"
#include "engine/formats/safetensors_writer.h"
#include "engine/formats/weights_index.h"
#include "server/registry/models.h"
#include "server/registry/weights.h"

namespace gradus::registry {
namespace {

std::vector<std::string> LayerNames(const v1::Model& model) {
  std::vector<std::string> names;
  for (const v1::LayerSummary& layer : model.layers()) names.push_back(layer.name());
  return names;
}

}  // namespace

absl::StatusOr<ModelFile> Models::Open(const std::string& ref) const {
  return Open(ref, [](std::span<const std::string> layers) -> absl::StatusOr<std::vector<int>> {
    std::vector<int> all(layers.size());
    for (size_t i = 0; i < all.size(); ++i) all[i] = static_cast<int>(i);
    return all;
  });
}

absl::StatusOr<ModelFile> Models::Open(const std::string& ref, SelectLayers select) const {
  ModelFile file;
  ASSIGN_OR_RETURN(file.model_, Get(ref));
  const std::vector<std::string> names = LayerNames(file.model_);
  ASSIGN_OR_RETURN(const std::vector<int> chosen, select(names));
  std::set<absl::string_view> layers;
  for (const int index : chosen) layers.insert(names.at(static_cast<size_t>(index)));
  ASSIGN_OR_RETURN(const v1::WeightsIndex index, ReadIndex(*blobs_, file.model_.weights()));
  std::vector<formats::TensorInfo> infos;
  for (const v1::WeightsPiece& piece : index.pieces()) {
    uint64_t at = 0;
    const size_t ranges_before = file.ranges_.size();
    for (const v1::WeightsTensor& tensor : piece.tensors()) {
      const uint64_t bytes = formats::TensorBytes(tensor);
      const uint64_t offset = std::exchange(at, at + bytes);
      if (layers.count(formats::LayerOfTensor(tensor.name())) == 0) continue;
      infos.push_back({.name = tensor.name(),
                       .dtype = "F32",
                       .shape = {tensor.shape().begin(), tensor.shape().end()}});
      file.ranges_.push_back({tensor.name(), file.pieces_.size(), offset, bytes});
    }
    if (file.ranges_.size() == ranges_before) continue;
    ASSIGN_OR_RETURN(base::MappedFile mapped, blobs_->Map(piece.blob()));
    file.pieces_.push_back(std::move(mapped));
  }
  ASSIGN_OR_RETURN(file.header_, formats::MakeSafetensorsHeader(
                                     infos, {{"weights_sha256", file.model_.weights_sha256()}}));
  base::Sha256 hash;
  hash.Update(file.header_);
  file.size_ = file.header_.size();
  for (const ModelFile::Range& range : file.ranges_) {
    hash.Update(file.pieces_[range.piece].bytes().subspan(range.offset, range.size));
    file.size_ += range.size;
  }
  file.sha256_ = base::ToHex(hash.Finish());
  return file;
}

ModelFile ModelFile::Of(v1::Model model, std::string bytes) {
  ModelFile file;
  file.model_ = std::move(model);
  file.header_ = std::move(bytes);
  file.size_ = file.header_.size();
  base::Sha256 hash;
  hash.Update(file.header_);
  file.sha256_ = base::ToHex(hash.Finish());
  return file;
}

absl::StatusOr<std::vector<float>> ModelFile::Values(absl::string_view tensor) const {
  for (const Range& range : ranges_) {
    if (range.tensor != tensor) continue;
    std::vector<float> values(range.size / sizeof(float));
    std::memcpy(values.data(), pieces_[range.piece].bytes().data() + range.offset, range.size);
    return values;
  }
  return absl::DataLossError(absl::StrCat("the weights have no tensor ", tensor));
}

absl::Status ModelFile::Send(
    int64_t offset, size_t piece,
    absl::FunctionRef<absl::Status(std::span<const std::byte>)> sink) const {
  if (offset < 0 || offset > size()) {
    return base::FieldError(absl::StatusCode::kOutOfRange, "offset",
                            absl::StrCat(offset, " is beyond the file's ", size_, " bytes"));
  }
  uint64_t skip = static_cast<uint64_t>(offset);
  const auto send = [&](std::span<const std::byte> bytes) -> absl::Status {
    const uint64_t skipped = std::min<uint64_t>(skip, bytes.size());
    bytes = bytes.subspan(skipped);
    skip -= skipped;
    while (!bytes.empty()) {
      RETURN_IF_ERROR(sink(bytes.first(std::min(piece, bytes.size()))));
      bytes = bytes.subspan(std::min(piece, bytes.size()));
    }
    return absl::OkStatus();
  };
  RETURN_IF_ERROR(send(base::AsBytes(header_)));
  for (const Range& range : ranges_)
    RETURN_IF_ERROR(send(pieces_[range.piece].bytes().subspan(range.offset, range.size)));
  return absl::OkStatus();
}

}  // namespace gradus::registry
