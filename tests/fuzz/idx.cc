// SPDX-License-Identifier: Apache-2.0
#include "engine/formats/idx.h"

#include "tests/fuzz/pieces.h"
#include "tests/fuzz/target.h"

namespace gradus::fuzz {
namespace {

uint64_t ValueBytes(const formats::IdxHeader& header) { return header.data_bytes; }

absl::Status Run(std::span<const std::byte> bytes) {
  return DecodeInPieces<formats::IdxDecoder, formats::IdxHeader>(bytes, ValueBytes);
}

}  // namespace

extern constinit const FuzzTarget idx_kind = {.name = "idx", .run = Run};

}  // namespace gradus::fuzz
