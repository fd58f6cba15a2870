// SPDX-License-Identifier: Apache-2.0
// A decoder for one code point at a time, and what stands on it.
#include "proto/support/utf8.h"

#include <cstdint>

#include "absl/strings/str_cat.h"

namespace gradus::support {
namespace {

struct CodePoint {
  uint32_t value = 0;
  size_t length = 0;  // 0: not well formed
};

uint8_t ByteAt(absl::string_view text, size_t i) { return static_cast<uint8_t>(text[i]); }

CodePoint DecodeAt(absl::string_view text, size_t at) {
  const uint8_t lead = ByteAt(text, at);
  if (lead < 0x80) return {lead, 1};
  const size_t length = lead >= 0xF0 ? 4 : lead >= 0xE0 ? 3 : 2;
  if (lead < 0xC2 || lead > 0xF4 || at + length > text.size()) return {};
  uint32_t value = lead & (0xFFu >> (length + 1));
  for (size_t i = 1; i < length; ++i) {
    const uint8_t next = ByteAt(text, at + i);
    if ((next & 0xC0) != 0x80) return {};
    value = value << 6 | (next & 0x3Fu);
  }
  constexpr uint32_t kSmallest[] = {0, 0, 0x80, 0x800, 0x10000};
  const bool surrogate = value >= 0xD800 && value <= 0xDFFF;
  if (value < kSmallest[length] || value > 0x10FFFF || surrogate) return {};
  return {value, length};
}

bool IsUnsafe(uint32_t c) {
  const bool control = c < 0x20 || (c >= 0x7F && c < 0xA0);
  // These reorder or hide text: a name could show as another one.
  const bool bidirectional = (c >= 0x202A && c <= 0x202E) || (c >= 0x2066 && c <= 0x2069) ||
                             c == 0x200E || c == 0x200F || c == 0x061C;
  const bool separator = c == 0x2028 || c == 0x2029;
  return control || bidirectional || separator;
}

}  // namespace

std::optional<size_t> FirstInvalidUtf8(absl::string_view text) {
  for (size_t at = 0; at < text.size();) {
    const CodePoint point = DecodeAt(text, at);
    if (point.length == 0) return at;
    at += point.length;
  }
  return std::nullopt;
}

absl::string_view CutUtf8(absl::string_view text, size_t max_bytes) {
  if (text.size() <= max_bytes) return text;
  size_t end = max_bytes;
  while (end > 0 && (ByteAt(text, end) & 0xC0) == 0x80) --end;
  return text.substr(0, end);
}

std::string Printable(absl::string_view text, bool one_line) {
  std::string result;
  result.reserve(text.size());
  for (size_t at = 0; at < text.size();) {
    const CodePoint point = DecodeAt(text, at);
    const bool blank = point.value == '\n' || point.value == '\t';
    if (point.length == 0) {
      result += '?';
    } else if (blank) {
      result += one_line ? ' ' : static_cast<char>(point.value);
    } else if (IsUnsafe(point.value)) {
      result += '?';
    } else {
      result.append(text.data() + at, point.length);
    }
    at += point.length == 0 ? 1 : point.length;
  }
  return result;
}

std::string JsonForTerminal(absl::string_view json) {
  std::string result;
  result.reserve(json.size());
  for (size_t at = 0; at < json.size();) {
    const CodePoint point = DecodeAt(json, at);
    const size_t length = point.length == 0 ? 1 : point.length;
    const bool layout = point.value == '\n' || point.value == '\t';
    if (point.length == 0) {
      result += "\\ufffd";
    } else if (IsUnsafe(point.value) && !layout) {
      absl::StrAppend(&result, "\\u", absl::Hex(point.value, absl::kZeroPad4));
    } else {
      result.append(json.data() + at, length);
    }
    at += length;
  }
  return result;
}

size_t DisplayWidth(absl::string_view text) {
  size_t width = 0;
  for (size_t i = 0; i < text.size(); ++i) {
    if ((ByteAt(text, i) & 0xC0) != 0x80) ++width;
  }
  return width;
}

}  // namespace gradus::support
