// SPDX-License-Identifier: Apache-2.0
// A dataset whose blobs are vectors: for tests of what reads datasets.
#pragma once

#include <cstring>
#include <map>
#include <memory>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/str_cat.h"
#include "engine/base/mapped_file.h"
#include "engine/base/sha256.h"
#include "engine/data/view.h"
#include "gradus/v1/data.pb.h"

namespace gradus::test_support {

// Splits are added column by column; `opener()` gives their bytes.
//   Owns  the bytes, which mapped files share.
class MemoryDataset {
 public:
  explicit MemoryDataset(const std::string& name) { dataset_.set_name(name); }

  template <typename T>
  void Add(const std::string& split, const std::string& column, const std::string& dtype,
           const std::vector<int64_t>& shape, const std::vector<T>& values) {
    int64_t elements = 1;
    for (int64_t extent : shape) elements *= extent;
    v1::Split* added = SplitNamed(split);
    added->set_rows(static_cast<int64_t>(values.size()) / elements);
    v1::Column* description = added->add_columns();
    description->set_name(column);
    description->set_dtype(dtype);
    description->mutable_shape()->Assign(shape.begin(), shape.end());
    auto bytes = std::make_shared<std::vector<std::byte>>(values.size() * sizeof(T));
    if (!values.empty()) std::memcpy(bytes->data(), values.data(), bytes->size());
    description->mutable_blob()->set_sha256(base::Sha256Hex(std::span<const std::byte>(*bytes)));
    description->mutable_blob()->set_size(static_cast<int64_t>(bytes->size()));
    blobs_[description->blob().sha256()] = std::move(bytes);
  }

  v1::Dataset& dataset() { return dataset_; }

  data::BlobOpener opener() const {
    return [blobs = blobs_](
               const v1::BlobRef& ref) -> absl::StatusOr<std::shared_ptr<const base::MappedFile>> {
      const auto found = blobs.find(ref.sha256());
      if (found == blobs.end()) return absl::NotFoundError(absl::StrCat("no blob ", ref.sha256()));
      return std::make_shared<const base::MappedFile>(*found->second, [kept = found->second] {});
    };
  }

 private:
  v1::Split* SplitNamed(const std::string& name) {
    for (v1::Split& split : *dataset_.mutable_splits()) {
      if (split.name() == name) return &split;
    }
    v1::Split* split = dataset_.add_splits();
    split->set_name(name);
    return split;
  }

  v1::Dataset dataset_;
  std::map<std::string, std::shared_ptr<std::vector<std::byte>>> blobs_;
};

}  // namespace gradus::test_support
