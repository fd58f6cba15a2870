// SPDX-License-Identifier: Apache-2.0
// SHA-256: the name of every blob, and how tokens are stored.
#pragma once

#include <array>
#include <cstddef>
#include <memory>
#include <span>
#include <string>
#include <string_view>

#include "absl/status/statusor.h"

namespace gradus::base {

using Sha256Digest = std::array<std::byte, 32>;

// Hashes what is given piece by piece.
//   Owns     its state; movable.
//   Threads  one.
class Sha256 {
 public:
  Sha256();
  Sha256(Sha256&&) noexcept;
  Sha256& operator=(Sha256&&) noexcept;
  ~Sha256();

  void Update(std::span<const std::byte> bytes);
  void Update(std::string_view text);
  // The digest of everything so far; the object starts anew.
  Sha256Digest Finish();

 private:
  struct State;
  std::unique_ptr<State> state_;
};

Sha256Digest Sha256Of(std::span<const std::byte> bytes);
// 64 lower-case hexadecimal digits.
std::string Sha256Hex(std::span<const std::byte> bytes);
std::string Sha256Hex(std::string_view text);
std::string ToHex(const Sha256Digest& digest);
// INVALID_ARGUMENT unless `hex` is 64 hexadecimal digits in lower case: one digest has one
// spelling, as it names files.
absl::StatusOr<Sha256Digest> ParseSha256(std::string_view hex);

// Whether two secrets are equal, in a time that depends on their lengths alone.
bool ConstantTimeEqual(std::string_view a, std::string_view b);

}  // namespace gradus::base
