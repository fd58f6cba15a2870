// SPDX-License-Identifier: Apache-2.0
// The seam through which unpredictable bytes come in: tokens, keys, identifiers. Numbers for
// training come from philox.h instead.
#pragma once

#include <cstddef>
#include <span>
#include <string>

namespace gradus::base {

// A source of random bytes.
//   Threads  any.
class RandomSource {
 public:
  virtual ~RandomSource() = default;
  virtual void Fill(std::span<std::byte> dst) = 0;
};

// The kernel's generator, fit for secrets. A kernel that refuses ends the process: there is no safe
// way on. Lives for ever.
RandomSource& SystemRandom();

// `count` random bytes as 2 * count lower-case hexadecimal digits.
std::string RandomHex(RandomSource& source, size_t count);

// `count` random characters of Crockford's base32 in lower case (5 bits each; no i, l, o, u).
std::string RandomBase32(RandomSource& source, size_t count);

}  // namespace gradus::base
