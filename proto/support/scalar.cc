// SPDX-License-Identifier: Apache-2.0
// Text to numbers, words and bytes by a field's type.
#include "proto/support/scalar.h"

#include <google/protobuf/descriptor.h>
#include <google/protobuf/message.h>

#include <cmath>
#include <cstdint>
#include <limits>
#include <optional>

#include "absl/strings/ascii.h"
#include "absl/strings/escaping.h"
#include "absl/strings/match.h"
#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "proto/support/nearest.h"
#include "proto/support/utf8.h"

namespace gradus::support {
namespace {

using google::protobuf::EnumDescriptor;
using google::protobuf::EnumValueDescriptor;
using google::protobuf::FieldDescriptor;
using google::protobuf::Message;
using google::protobuf::Reflection;

absl::Status IsNot(absl::string_view found, absl::string_view allowed) {
  return absl::InvalidArgumentError(absl::StrCat(Shown(found), " is not ", allowed));
}

std::optional<double> ToDouble(absl::string_view text) {
  const std::string lower = absl::AsciiStrToLower(text);
  if (lower == ".nan" || lower == "nan") return std::numeric_limits<double>::quiet_NaN();
  if (lower == ".inf" || lower == "+.inf" || lower == "infinity")
    return std::numeric_limits<double>::infinity();
  if (lower == "-.inf" || lower == "-infinity") return -std::numeric_limits<double>::infinity();
  double value = 0;
  if (text.find_first_not_of("0123456789+-.eE") != absl::string_view::npos) return std::nullopt;
  if (!absl::SimpleAtod(text, &value)) return std::nullopt;
  return value;
}

// Digits alone keep all 64 bits; "1e3" and "5.0" are whole too, as in protobuf's JSON.
template <typename Int>
std::optional<Int> ToInt(absl::string_view text) {
  const absl::string_view digits = text.substr(!text.empty() && text.front() == '-' ? 1 : 0);
  if (digits.empty() || !absl::ascii_isdigit(static_cast<unsigned char>(digits.front())))
    return std::nullopt;
  if (digits.find_first_not_of("0123456789") == absl::string_view::npos) {
    // YAML 1.1 reads 010 as 8, YAML 1.2 as 10, JSON not at all.
    if (digits.size() > 1 && digits.front() == '0') return std::nullopt;
    Int value = 0;
    if (!absl::SimpleAtoi(text, &value)) return std::nullopt;
    return value;
  }
  const std::optional<double> value = ToDouble(text);
  constexpr double kExact = 9007199254740992.0;  // 2^53
  if (!value.has_value() || std::trunc(*value) != *value || std::abs(*value) > kExact)
    return std::nullopt;
  const auto whole = static_cast<int64_t>(*value);
  if (!std::in_range<Int>(whole)) return std::nullopt;
  return static_cast<Int>(whole);
}

template <typename Int>
std::string WholeNumber() {
  constexpr Int lowest = std::numeric_limits<Int>::min();
  constexpr Int highest = std::numeric_limits<Int>::max();
  return absl::StrCat("a whole number from ", lowest, " to ", highest);
}

std::optional<bool> ToBool(absl::string_view text) {
  if (text == "true" || text == "True" || text == "TRUE") return true;
  if (text == "false" || text == "False" || text == "FALSE") return false;
  return std::nullopt;
}

const EnumValueDescriptor* FindEnumValue(absl::string_view text, const EnumDescriptor& type) {
  for (int i = 0; i < type.value_count(); ++i) {
    if (absl::EqualsIgnoreCase(type.value(i)->name(), text)) return type.value(i);
  }
  const std::optional<int32_t> number = ToInt<int32_t>(text);
  return number.has_value() ? type.FindValueByNumber(*number) : nullptr;
}

absl::Status NoSuchWord(absl::string_view text, const EnumDescriptor& type) {
  const std::vector<std::string> words = EnumWords(type);
  const std::optional<std::string> nearest = NearestWord(text, words);
  return IsNot(
      text,
      absl::StrCat("one of ", absl::StrJoin(words, ", "),
                   nearest.has_value() ? absl::StrCat("; did you mean \"", *nearest, "\"?") : ""));
}

// Sets or appends with the matching pair of reflection calls.
#define GRADUS_PUT(Type, value)                                        \
  (field.is_repeated() ? reflection.Add##Type(&message, &field, value) \
                       : reflection.Set##Type(&message, &field, value))

absl::Status StoreText(absl::string_view text, const FieldDescriptor& field, Message& message) {
  const Reflection& reflection = *message.GetReflection();
  std::string value(text);
  if (field.type() == FieldDescriptor::TYPE_BYTES && !absl::Base64Unescape(text, &value)) {
    return IsNot(text, "base64");
  }
  GRADUS_PUT(String, value);
  return absl::OkStatus();
}

absl::Status StoreEnum(absl::string_view text, const FieldDescriptor& field, Message& message) {
  const Reflection& reflection = *message.GetReflection();
  const EnumValueDescriptor* value = FindEnumValue(text, *field.enum_type());
  if (value == nullptr) return NoSuchWord(text, *field.enum_type());
  GRADUS_PUT(Enum, value);
  return absl::OkStatus();
}

#define GRADUS_STORE_NUMBER(Type, converted, allowed)    \
  {                                                      \
    const auto value = converted;                        \
    if (!value.has_value()) return IsNot(text, allowed); \
    GRADUS_PUT(Type, *value);                            \
    return absl::OkStatus();                             \
  }

}  // namespace

absl::Status StoreScalar(absl::string_view text, const FieldDescriptor& field, Message& message) {
  const Reflection& reflection = *message.GetReflection();
  switch (field.cpp_type()) {
    case FieldDescriptor::CPPTYPE_INT32:
      GRADUS_STORE_NUMBER(Int32, ToInt<int32_t>(text), WholeNumber<int32_t>());
    case FieldDescriptor::CPPTYPE_INT64:
      GRADUS_STORE_NUMBER(Int64, ToInt<int64_t>(text), WholeNumber<int64_t>());
    case FieldDescriptor::CPPTYPE_UINT32:
      GRADUS_STORE_NUMBER(UInt32, ToInt<uint32_t>(text), WholeNumber<uint32_t>());
    case FieldDescriptor::CPPTYPE_UINT64:
      GRADUS_STORE_NUMBER(UInt64, ToInt<uint64_t>(text), WholeNumber<uint64_t>());
    case FieldDescriptor::CPPTYPE_DOUBLE:
      GRADUS_STORE_NUMBER(Double, ToDouble(text), "a number");
    case FieldDescriptor::CPPTYPE_FLOAT: {
      const std::optional<double> value = ToDouble(text);
      if (!value.has_value()) return IsNot(text, "a number");
      GRADUS_PUT(Float, static_cast<float>(*value));
      return absl::OkStatus();
    }
    case FieldDescriptor::CPPTYPE_BOOL:
      GRADUS_STORE_NUMBER(Bool, ToBool(text), "true or false");
    case FieldDescriptor::CPPTYPE_ENUM:
      return StoreEnum(text, field, message);
    case FieldDescriptor::CPPTYPE_STRING:
      return StoreText(text, field, message);
    case FieldDescriptor::CPPTYPE_MESSAGE:
      break;
  }
  return IsNot(text, "a mapping");
}

std::vector<std::string> EnumWords(const EnumDescriptor& type) {
  std::vector<std::string> words;
  for (int i = 0; i < type.value_count(); ++i) {
    if (type.value(i)->number() != 0) words.push_back(absl::AsciiStrToLower(type.value(i)->name()));
  }
  return words;
}

std::string Shown(absl::string_view text) {
  constexpr size_t kLongest = 60;
  const bool cut = text.size() > kLongest;
  const std::string shown = Printable(text.substr(0, kLongest), true);
  const bool number = !text.empty() && ToDouble(text).has_value();
  return number && !cut ? shown : absl::StrCat("\"", shown, cut ? "..." : "", "\"");
}

}  // namespace gradus::support
