// SPDX-License-Identifier: Apache-2.0
// A walk over the fields that are set, writing block style for messages and flow style for lists of
// scalars.
#include "proto/support/yaml_printer.h"

#include <google/protobuf/descriptor.h>
#include <google/protobuf/message.h>
#include <google/protobuf/timestamp.pb.h>
#include <google/protobuf/util/time_util.h>

#include <algorithm>
#include <charconv>
#include <cmath>
#include <cstdint>
#include <vector>

#include "absl/strings/ascii.h"
#include "absl/strings/escaping.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "proto/support/message_reader.h"

namespace gradus::support {
namespace {

using google::protobuf::FieldDescriptor;
using google::protobuf::Message;
using google::protobuf::Reflection;

constexpr int kNotRepeated = -1;

// Words that some YAML reader takes for something else than text.
bool IsReserved(absl::string_view text) {
  const std::string lower = absl::AsciiStrToLower(text);
  constexpr absl::string_view kWords[] = {"null", "true", "false", "yes", "no",
                                          "on",   "off",  "y",     "n"};
  return std::find(std::begin(kWords), std::end(kWords), lower) != std::end(kWords);
}

bool IsPlain(absl::string_view text) {
  if (text.empty() || IsReserved(text) ||
      !absl::ascii_isalpha(static_cast<unsigned char>(text.front())))
    return false;
  return std::all_of(text.begin(), text.end(), [](char c) {
    return absl::ascii_isalnum(static_cast<unsigned char>(c)) || c == '_' || c == '-' || c == '.' ||
           c == '@' || c == '/';
  });
}

std::string Quoted(absl::string_view text) {
  std::string result = "\"";
  for (const char c : text) {
    const auto byte = static_cast<unsigned char>(c);
    if (c == '"' || c == '\\') {
      absl::StrAppend(&result, "\\", absl::string_view(&c, 1));
    } else if (c == '\n') {
      result += "\\n";
    } else if (byte < 0x20 || byte == 0x7F) {
      absl::StrAppend(&result, "\\x", absl::Hex(byte, absl::kZeroPad2));
    } else {
      result += c;
    }
  }
  return result + "\"";
}

std::string Text(absl::string_view text) {
  return IsPlain(text) ? std::string(text) : Quoted(text);
}

template <typename Float>
std::string Number(Float value) {
  if (std::isnan(value)) return ".nan";
  if (std::isinf(value)) return value > 0 ? ".inf" : "-.inf";
  char buffer[40];
  const std::to_chars_result end = std::to_chars(buffer, buffer + sizeof(buffer), value);
  std::string text(buffer, end.ptr);
  // Readers of YAML 1.1 take "1e-07" for a word.
  const size_t exponent = text.find('e');
  if (exponent != std::string::npos && text.find('.') == std::string::npos)
    text.insert(exponent, ".0");
  return text;
}

#define GRADUS_GET(Type)                                         \
  (index == kNotRepeated ? reflection.Get##Type(message, &field) \
                         : reflection.GetRepeated##Type(message, &field, index))

std::string Scalar(const Message& message, const FieldDescriptor& field, int index) {
  const Reflection& reflection = *message.GetReflection();
  switch (field.cpp_type()) {
    case FieldDescriptor::CPPTYPE_INT32:
      return absl::StrCat(GRADUS_GET(Int32));
    case FieldDescriptor::CPPTYPE_INT64:
      return absl::StrCat(GRADUS_GET(Int64));
    case FieldDescriptor::CPPTYPE_UINT32:
      return absl::StrCat(GRADUS_GET(UInt32));
    case FieldDescriptor::CPPTYPE_UINT64:
      return absl::StrCat(GRADUS_GET(UInt64));
    case FieldDescriptor::CPPTYPE_DOUBLE:
      return Number(GRADUS_GET(Double));
    case FieldDescriptor::CPPTYPE_FLOAT:
      return Number(GRADUS_GET(Float));
    case FieldDescriptor::CPPTYPE_BOOL:
      return GRADUS_GET(Bool) ? "true" : "false";
    case FieldDescriptor::CPPTYPE_ENUM:
      return absl::AsciiStrToLower(GRADUS_GET(Enum)->name());
    case FieldDescriptor::CPPTYPE_STRING: {
      const std::string text = GRADUS_GET(String);
      return field.type() == FieldDescriptor::TYPE_BYTES ? Quoted(absl::Base64Escape(text))
                                                         : Text(text);
    }
    case FieldDescriptor::CPPTYPE_MESSAGE:
      break;
  }
  return "";
}

std::vector<const FieldDescriptor*> SetFields(const Message& message) {
  std::vector<const FieldDescriptor*> fields;
  message.GetReflection()->ListFields(message, &fields);
  return fields;
}

// The bare word that says all of `message`, or "".
std::string BareWord(const Message& message) {
  const std::vector<const FieldDescriptor*> fields = SetFields(message);
  if (fields.size() != 1 || !TakesBareWord(*message.GetDescriptor())) return "";
  const FieldDescriptor& kind = *fields.front();
  const bool is_kind = kind.real_containing_oneof() != nullptr &&
                       kind.cpp_type() == FieldDescriptor::CPPTYPE_MESSAGE;
  if (!is_kind || !SetFields(message.GetReflection()->GetMessage(message, &kind)).empty())
    return "";
  return kind.name();
}

// The value that says both ends of the range `message`, or "".
std::string OneValue(const Message& message) {
  const std::vector<const FieldDescriptor*> fields = SetFields(message);
  if (fields.size() != 2 || !TakesOneValue(*message.GetDescriptor())) return "";
  const std::string value = Scalar(message, *fields[0], kNotRepeated);
  return value == Scalar(message, *fields[1], kNotRepeated) ? value : "";
}

class Printer {
 public:
  // Every field on lines of its own, indented by `indent`; the first line has its indentation
  // already if `hanging`.
  void Fields(const Message& message, int indent, bool hanging) {
    for (const FieldDescriptor* field : SetFields(message)) {
      if (!hanging) out_.append(static_cast<size_t>(indent), ' ');
      hanging = false;
      absl::StrAppend(&out_, field->name(), ":");
      if (field->is_repeated()) {
        Repeated(message, *field, indent);
      } else if (field->cpp_type() == FieldDescriptor::CPPTYPE_MESSAGE) {
        Nested(message.GetReflection()->GetMessage(message, field), indent + 2);
      } else {
        absl::StrAppend(&out_, " ", Scalar(message, *field, kNotRepeated), "\n");
      }
    }
  }

  std::string Take() { return std::move(out_); }

 private:
  // What a message is on one line, or "" when it needs several.
  static std::string OneLine(const Message& message) {
    if (message.GetDescriptor() == google::protobuf::Timestamp::descriptor()) {
      google::protobuf::Timestamp time;
      time.CopyFrom(message);
      return Quoted(google::protobuf::util::TimeUtil::ToString(time));
    }
    if (SetFields(message).empty()) return "{}";
    const std::string word = BareWord(message);
    return word.empty() ? OneValue(message) : word;
  }

  // After "key:".
  void Nested(const Message& message, int indent) {
    const std::string line = OneLine(message);
    if (!line.empty()) {
      absl::StrAppend(&out_, " ", line, "\n");
      return;
    }
    out_ += '\n';
    Fields(message, indent, false);
  }

  void Repeated(const Message& message, const FieldDescriptor& field, int indent) {
    if (field.is_map()) return Map(message, field, indent + 2);
    const int size = message.GetReflection()->FieldSize(message, &field);
    if (field.cpp_type() != FieldDescriptor::CPPTYPE_MESSAGE) {
      std::vector<std::string> items;
      for (int i = 0; i < size; ++i) items.push_back(Scalar(message, field, i));
      absl::StrAppend(&out_, " [", absl::StrJoin(items, ", "), "]\n");
      return;
    }
    out_ += '\n';
    for (int i = 0; i < size; ++i) {
      const Message& item = message.GetReflection()->GetRepeatedMessage(message, &field, i);
      out_.append(static_cast<size_t>(indent) + 2, ' ');
      out_ += "- ";
      const std::string line = OneLine(item);
      if (line.empty()) {
        Fields(item, indent + 4, true);
      } else {
        absl::StrAppend(&out_, line, "\n");
      }
    }
  }

  // Pairs in the order of their keys' text, which is the same every time.
  void Map(const Message& message, const FieldDescriptor& field, int indent) {
    const FieldDescriptor& key = *field.message_type()->map_key();
    const FieldDescriptor& value = *field.message_type()->map_value();
    std::vector<std::pair<std::string, const Message*>> pairs;
    for (int i = 0; i < message.GetReflection()->FieldSize(message, &field); ++i) {
      const Message& pair = message.GetReflection()->GetRepeatedMessage(message, &field, i);
      pairs.emplace_back(Scalar(pair, key, kNotRepeated), &pair);
    }
    std::sort(pairs.begin(), pairs.end());
    out_ += '\n';
    for (const auto& [name, pair] : pairs) {
      absl::StrAppend(&out_, std::string(static_cast<size_t>(indent), ' '), name, ":");
      if (value.cpp_type() == FieldDescriptor::CPPTYPE_MESSAGE) {
        Nested(pair->GetReflection()->GetMessage(*pair, &value), indent + 2);
      } else {
        absl::StrAppend(&out_, " ", Scalar(*pair, value, kNotRepeated), "\n");
      }
    }
  }

  std::string out_;
};

}  // namespace

std::string PrintYaml(const Message& message) {
  if (SetFields(message).empty()) return "{}\n";
  Printer printer;
  printer.Fields(message, 0, false);
  return printer.Take();
}

}  // namespace gradus::support
