// SPDX-License-Identifier: Apache-2.0
// YAML (and so JSON) text as a tree that remembers lines; nothing is interpreted yet.
#pragma once

#include <cstddef>
#include <memory>
#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"

namespace gradus::support {

struct YamlNode;
// Shared where the text has aliases.
using YamlRef = std::shared_ptr<const YamlNode>;

struct YamlEntry {
  std::string key;
  int line = 0;
  YamlRef value;
};

struct YamlNode {
  enum class Kind { kNull, kScalar, kList, kMap };
  Kind kind = Kind::kNull;
  // From 1; 0 when the text is no file.
  int line = 0;
  // Scalars: as written, quotes and escapes resolved.
  std::string text;
  std::vector<YamlRef> items;
  // In the order of the text; keys may repeat.
  std::vector<YamlEntry> entries;
};

struct YamlOptions {
  size_t max_bytes = 1 << 20;
  // Lists and mappings inside one another.
  size_t max_depth = 64;
  // False for text that is no file: nodes then have line 0.
  bool count_lines = true;
};

// The one document in `text`.
//   Errors   INVALID_ARGUMENT, "line N: ...", for text that is too large, too deep, not UTF-8, with
//            a zero byte, not YAML, more than one document, has tags, keys that are no scalars, the
//            escapes \_ and \N, or aliases to what is not complete yet.
// Aliases share their node: the tree is never larger than the text, but a walk over it may be:
// count the steps.
absl::StatusOr<YamlRef> ParseYaml(absl::string_view text, const YamlOptions& options = {});

}  // namespace gradus::support
