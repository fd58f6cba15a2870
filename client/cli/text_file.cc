// SPDX-License-Identifier: Apache-2.0
#include "client/cli/text_file.h"

#include <iostream>

#include "internal/file.h"

namespace gradus::cli {

absl::StatusOr<std::string> ReadTextFile(const std::string& path, size_t most) {
  if (path != "-") return internal::ReadWholeFile(path, most);
  std::string text(most + 1, '\0');
  std::cin.read(text.data(), static_cast<std::streamsize>(text.size()));
  text.resize(static_cast<size_t>(std::cin.gcount()));
  return text;
}

}  // namespace gradus::cli
