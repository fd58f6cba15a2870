// SPDX-License-Identifier: Apache-2.0
// libFuzzer's entry; the build says for which target.
#include <cstddef>
#include <cstdint>
#include <span>

#include "tests/fuzz/target.h"

namespace gradus::fuzz {
extern const FuzzTarget GRADUS_FUZZ_TARGET;
}  // namespace gradus::fuzz

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  gradus::fuzz::GRADUS_FUZZ_TARGET.run(std::as_bytes(std::span(data, size))).IgnoreError();
  return 0;
}
