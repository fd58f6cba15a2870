// SPDX-License-Identifier: Apache-2.0
// A model's weights as the file that a fetch sends.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <string>
#include <vector>

#include "absl/functional/function_ref.h"
#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "engine/base/mapped_file.h"
#include "gradus/v1/model_service.pb.h"

namespace gradus::registry {

// What one fetch sends: a safetensors file, whole or of some layers, verified before its first
// byte; or another file of the model.
class ModelFile {
 public:
  // Of these bytes.
  static ModelFile Of(v1::Model model, std::string bytes);

  const v1::Model& model() const { return model_; }
  int64_t size() const { return static_cast<int64_t>(size_); }
  const std::string& sha256() const { return sha256_; }

  // The values of a tensor of a safetensors file. DATA_LOSS where it has none of that name.
  absl::StatusOr<std::vector<float>> Values(absl::string_view tensor) const;

  // Passes the bytes from `offset` on to `sink`, at most `piece` at once. OUT_OF_RANGE for an
  // offset beyond the end; the sink's errors as they are.
  absl::Status Send(int64_t offset, size_t piece,
                    absl::FunctionRef<absl::Status(std::span<const std::byte>)> sink) const;

 private:
  friend class Models;

  // A tensor's bytes in a piece.
  struct Range {
    std::string tensor;
    size_t piece = 0;  // index into pieces_
    uint64_t offset = 0;
    uint64_t size = 0;
  };

  v1::Model model_;
  std::string header_;
  std::vector<base::MappedFile> pieces_;
  std::vector<Range> ranges_;
  uint64_t size_ = 0;
  std::string sha256_;
};

}  // namespace gradus::registry
