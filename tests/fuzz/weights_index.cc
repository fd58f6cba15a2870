// SPDX-License-Identifier: Apache-2.0
#include "engine/formats/weights_index.h"

#include <string>

#include "engine/base/status.h"
#include "tests/fuzz/same_message.h"
#include "tests/fuzz/target.h"

namespace gradus::fuzz {
namespace {

absl::Status Run(std::span<const std::byte> bytes) {
  ASSIGN_OR_RETURN(const v1::WeightsIndex index, formats::ParseWeightsIndex(bytes));
  for (const v1::WeightsPiece& piece : index.pieces()) {
    uint64_t size = 0;
    for (const v1::WeightsTensor& tensor : piece.tensors()) {
      size += formats::TensorBytes(tensor);
      Require(formats::LayerOfTensor(tensor.name()).size() <= tensor.name().size(),
              "a layer's name is a part of its tensor's");
    }
    Require(size == static_cast<uint64_t>(piece.blob().size()), "a piece is its tensors");
  }
  const std::string written = BytesOf(index);
  const auto again = formats::ParseWeightsIndex(std::as_bytes(std::span<const char>(written)));
  Require(again.ok() && BytesOf(*again) == written, "what is written says the same");
  return absl::OkStatus();
}

}  // namespace

extern constinit const FuzzTarget weights_index_kind = {.name = "weights_index", .run = Run};

}  // namespace gradus::fuzz
