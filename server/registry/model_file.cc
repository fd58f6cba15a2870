// SPDX-License-Identifier: Apache-2.0
// Opening a model's weights, whole or in part, and sending them.
#include <algorithm>
#include <set>
#include <utility>

#include "absl/strings/str_cat.h"
#include "engine/base/file_ops.h"
#include "engine/base/sha256.h"
#include "engine/base/status.h"
#include "server/registry/models.h"

namespace gradus::registry {
namespace {

std::vector<std::string> LayerNames(const v1::Model& model) {
  std::vector<std::string> names;
  for (const v1::LayerSummary& layer : model.layers()) names.push_back(layer.name());
  return names;
}

// Tensors are called LAYER/kernel; a layer's name has no slash.
std::vector<std::string> TensorsOf(const formats::SafetensorsHeader& header,
                                   const std::set<std::string>& layers) {
  std::vector<std::string> names;
  for (const formats::TensorInfo& tensor : header.tensors) {
    if (layers.count(tensor.name.substr(0, tensor.name.find('/'))) != 0)
      names.push_back(tensor.name);
  }
  return names;
}

}  // namespace

absl::StatusOr<ModelFile> Models::Open(const std::string& ref) const {
  ModelFile file;
  ASSIGN_OR_RETURN(file.model_, Get(ref));
  ASSIGN_OR_RETURN(file.weights_, blobs_->Map(file.model_.weights()));
  file.size_ = file.weights_.size();
  file.sha256_ = file.model_.weights().sha256();
  file.ranges_ = {{.offset = 0, .size = file.size_}};
  return file;
}

absl::StatusOr<ModelFile> Models::Open(const std::string& ref, SelectLayers select) const {
  ASSIGN_OR_RETURN(ModelFile file, Open(ref));
  const std::vector<std::string> names = LayerNames(file.model_);
  ASSIGN_OR_RETURN(const std::vector<int> chosen, select(names));
  std::set<std::string> layers;
  for (const int index : chosen) layers.insert(names.at(static_cast<size_t>(index)));
  const std::span<const std::byte> bytes = file.weights_.bytes();
  ASSIGN_OR_RETURN(const formats::SafetensorsHeader header,
                   formats::ParseSafetensorsHeader(bytes, bytes.size()));
  ASSIGN_OR_RETURN(formats::SafetensorsSubset subset,
                   formats::SelectTensors(header, TensorsOf(header, layers)));
  file.header_ = std::move(subset.header);
  file.ranges_ = std::move(subset.ranges);
  file.size_ = subset.size;
  base::Sha256 hash;
  hash.Update(file.header_);
  for (const formats::ByteRange& range : file.ranges_)
    hash.Update(bytes.subspan(range.offset, range.size));
  file.sha256_ = base::ToHex(hash.Finish());
  return file;
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
  for (const formats::ByteRange& range : ranges_) {
    RETURN_IF_ERROR(send(weights_.bytes().subspan(range.offset, range.size)));
  }
  return absl::OkStatus();
}

}  // namespace gradus::registry
