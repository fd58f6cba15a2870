// SPDX-License-Identifier: Apache-2.0
// What decoders make of a file that is pushed piece by piece.
#pragma once

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <span>
#include <string>

#include "absl/status/status.h"
#include "tests/fuzz/target.h"

namespace gradus::fuzz {

struct Decoded {
  absl::Status status;
  std::string values;
  uint64_t value_bytes = 0;  // as the header announced
  int headers = 0;
};

// Of IdxDecoder and its like; `value_bytes` reads a header.
template <typename Decoder, typename Header>
Decoded Decode(std::span<const std::byte> file, size_t piece,
               uint64_t (*value_bytes)(const Header&)) {
  Decoded decoded;
  Decoder decoder;
  const auto on_header = [&](const Header& header) {
    ++decoded.headers;
    decoded.value_bytes = value_bytes(header);
    return absl::OkStatus();
  };
  const auto on_values = [&](std::span<const std::byte> values) {
    Require(decoded.headers == 1, "values come behind one header");
    decoded.values.append(reinterpret_cast<const char*>(values.data()), values.size());
    return absl::OkStatus();
  };
  while (!file.empty() && decoded.status.ok()) {
    const std::span<const std::byte> next = file.first(std::min(piece, file.size()));
    decoded.status = decoder.Push(next, on_header, on_values);
    file = file.subspan(next.size());
  }
  if (decoded.status.ok()) decoded.status = decoder.Finish();
  Require(decoded.values.size() <= decoded.value_bytes, "no more values than announced");
  return decoded;
}

// The decoder's word, the same whatever the pieces.
template <typename Decoder, typename Header>
absl::Status DecodeInPieces(std::span<const std::byte> file,
                            uint64_t (*value_bytes)(const Header&)) {
  const Decoded whole = Decode<Decoder, Header>(file, file.size(), value_bytes);
  const Decoded pieces = Decode<Decoder, Header>(file, 7, value_bytes);
  Require(whole.status == pieces.status, "the same word whatever the pieces");
  if (!whole.status.ok()) return whole.status;
  Require(whole.values == pieces.values, "the same values whatever the pieces");
  Require(whole.values.size() == whole.value_bytes, "as many values as announced");
  return absl::OkStatus();
}

}  // namespace gradus::fuzz
