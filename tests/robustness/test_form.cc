// SPDX-License-Identifier: Apache-2.0
#include "tests/robustness/test_form.h"

#include <cstdio>
#include <cstdlib>

#include "absl/strings/numbers.h"

namespace gradus::test {

uint64_t FormNumber(const char* name, uint64_t otherwise) {
  uint64_t number = otherwise;
  const char* const text = std::getenv(name);
  if (text != nullptr && !absl::SimpleAtoi(text, &number)) {
    std::fprintf(stderr, "%s=%s is no number\n", name, text);
    std::exit(2);
  }
  std::printf("%s=%llu\n", name, static_cast<unsigned long long>(number));
  return number;
}

}  // namespace gradus::test
