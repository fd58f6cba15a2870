// SPDX-License-Identifier: Apache-2.0
// Checkpoints whose digest is right: what lies behind it would never be reached otherwise.
#include "engine/trainer/checkpoint.h"

#include <algorithm>
#include <string>

#include "engine/base/sha256.h"
#include "engine/base/status.h"
#include "engine/formats/safetensors.h"
#include "tests/fuzz/target.h"

namespace gradus::fuzz {
namespace {

constexpr size_t kDigits = 64;

// `file` with the digest that it should name.
std::string WithDigest(std::string file) {
  const auto view = formats::SafetensorsView::Parse(std::as_bytes(std::span<const char>(file)));
  if (!view.ok()) return file;
  const auto named = view->metadata().find("digest");
  if (named == view->metadata().end() || named->second.size() != kDigits) return file;
  const size_t at = file.find(named->second);
  if (at == std::string::npos) return file;
  file.replace(at, kDigits, std::string(kDigits, '0'));
  return file.replace(at, kDigits, base::Sha256Hex(std::string_view(file)));
}

absl::Status Run(std::span<const std::byte> bytes) {
  const std::string file =
      WithDigest(std::string(reinterpret_cast<const char*>(bytes.data()), bytes.size()));
  ASSIGN_OR_RETURN(const trainer::Checkpoint checkpoint,
                   trainer::ReadCheckpoint(std::as_bytes(std::span<const char>(file))));
  size_t values = 0;
  for (const auto* tensors :
       {&checkpoint.weights, &checkpoint.slots, &checkpoint.callbacks.kept_weights}) {
    for (const plan::NamedTensor& tensor : *tensors) {
      size_t extent = 1;
      for (const int64_t dimension : tensor.shape) extent *= static_cast<size_t>(dimension);
      Require(tensor.values.size() == extent, "a tensor has as many values as its shape");
      values += extent;
    }
  }
  Require(values * sizeof(float) <= bytes.size(), "all values come from the file");
  return absl::OkStatus();
}

}  // namespace

extern constinit const FuzzTarget checkpoint_kind = {.name = "checkpoint", .run = Run};

}  // namespace gradus::fuzz
