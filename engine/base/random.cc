// SPDX-License-Identifier: Apache-2.0
// Random bytes from getrandom, and their spellings.
#include "engine/base/random.h"

#include <sys/random.h>

#include <cerrno>
#include <cstdio>
#include <cstdlib>
#include <vector>

#include "engine/base/hex.h"

namespace gradus::base {
namespace {

class KernelRandom final : public RandomSource {
 public:
  void Fill(std::span<std::byte> dst) override {
    size_t done = 0;
    while (done < dst.size()) {
      const ssize_t count = ::getrandom(dst.data() + done, dst.size() - done, 0);
      if (count < 0) {
        if (errno == EINTR) continue;
        std::perror("getrandom");
        std::abort();
      }
      done += static_cast<size_t>(count);
    }
  }
};

}  // namespace

RandomSource& SystemRandom() {
  static KernelRandom random;
  return random;
}

std::string RandomHex(RandomSource& source, size_t count) {
  std::vector<std::byte> bytes(count);
  source.Fill(bytes);
  return HexEncode(bytes);
}

std::string RandomBase32(RandomSource& source, size_t count) {
  constexpr char kAlphabet[] = "0123456789abcdefghjkmnpqrstvwxyz";
  std::vector<std::byte> bytes(count);
  source.Fill(bytes);
  std::string text;
  text.reserve(count);
  for (const std::byte byte : bytes) text += kAlphabet[std::to_integer<unsigned>(byte) & 31U];
  return text;
}

}  // namespace gradus::base
