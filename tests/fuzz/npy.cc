// SPDX-License-Identifier: Apache-2.0
#include "engine/formats/npy.h"

#include "tests/fuzz/pieces.h"
#include "tests/fuzz/target.h"

namespace gradus::fuzz {
namespace {

uint64_t ValueBytes(const formats::NpyHeader& header) { return header.value_bytes; }

absl::Status Run(std::span<const std::byte> bytes) {
  return DecodeInPieces<formats::NpyDecoder, formats::NpyHeader>(bytes, ValueBytes);
}

}  // namespace

extern constinit const FuzzTarget npy_kind = {.name = "npy", .run = Run};

}  // namespace gradus::fuzz
