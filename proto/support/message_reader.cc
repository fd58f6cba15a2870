// SPDX-License-Identifier: Apache-2.0
// The walk over tree and descriptor together.
#include "proto/support/message_reader.h"

#include <google/protobuf/descriptor.h>
#include <google/protobuf/message.h>
#include <google/protobuf/timestamp.pb.h>
#include <google/protobuf/util/time_util.h>

#include <map>
#include <optional>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "proto/support/nearest.h"
#include "proto/support/path.h"
#include "proto/support/scalar.h"
#include "proto/support/status.h"
#include "proto/support/status_macros.h"
#include "proto/support/utf8.h"

namespace gradus::support {
namespace {

using google::protobuf::Descriptor;
using google::protobuf::FieldDescriptor;
using google::protobuf::Message;
using google::protobuf::OneofDescriptor;
using google::protobuf::Timestamp;
using Kind = YamlNode::Kind;

// Aliases make a walk longer than the text, and what it copies larger; no honest job file comes
// near these.
constexpr size_t kMostSteps = 300'000;
constexpr size_t kMostTextBytes = 8 << 20;
// A longer key is nobody's typing error, and no help in a message.
constexpr size_t kMostKeyBytes = 60;
// More known keys than this are no help in a message.
constexpr size_t kMostKeysShown = 24;

absl::Status At(int line, absl::string_view path, absl::string_view message) {
  const absl::Status status = FieldError(path, message);
  return line == 0 ? status : Annotate(status, absl::StrCat("line ", line));
}

std::string Found(const YamlNode& node) {
  switch (node.kind) {
    case Kind::kNull:
      return "null";
    case Kind::kScalar:
      return Shown(node.text);
    case Kind::kList:
      return "a list";
    case Kind::kMap:
      return "a mapping";
  }
  return "";
}

// A key as errors show it.
std::string KeyShown(absl::string_view key) {
  return absl::StrCat(Printable(key.substr(0, kMostKeyBytes), true),
                      key.size() > kMostKeyBytes ? "..." : "");
}

absl::Status Null(const YamlNode& node, const std::string& path) {
  return At(node.line, path, "null is not a value; leave the key out to have the default");
}

std::string UnknownWord(absl::string_view what, absl::string_view word,
                        const std::vector<std::string>& known) {
  const std::optional<std::string> nearest = NearestWord(word, known);
  if (nearest.has_value()) return absl::StrCat(what, "; did you mean \"", *nearest, "\"?");
  if (known.empty()) return absl::StrCat(what, "; nothing may be set here");
  if (known.size() > kMostKeysShown) return std::string(what);
  return absl::StrCat(what, "; known are ", absl::StrJoin(known, ", "));
}

std::vector<std::string> KindWords(const OneofDescriptor& kinds) {
  std::vector<std::string> words;
  for (int i = 0; i < kinds.field_count(); ++i) words.push_back(kinds.field(i)->name());
  return words;
}

// The other member of `field`'s oneof that the message has already, if any.
const FieldDescriptor* Rival(const FieldDescriptor& field, const Message& message) {
  const OneofDescriptor* oneof = field.real_containing_oneof();
  return oneof == nullptr ? nullptr
                          : message.GetReflection()->GetOneofFieldDescriptor(message, oneof);
}

absl::Status ReadTimestamp(const YamlNode& node, const std::string& path, Message& message) {
  Timestamp time;
  if (node.kind != Kind::kScalar ||
      !google::protobuf::util::TimeUtil::FromString(node.text, &time)) {
    return At(node.line, path,
              absl::StrCat(Found(node), " is not a time such as 2024-01-31T12:00:00Z"));
  }
  message.CopyFrom(time);
  return absl::OkStatus();
}

}  // namespace

std::vector<std::string> KnownKeys(const Descriptor& type) {
  std::vector<std::string> keys;
  for (int i = 0; i < type.field_count(); ++i) keys.push_back(type.field(i)->name());
  return keys;
}

absl::StatusOr<const FieldDescriptor*> FindKey(const Descriptor& type, absl::string_view key) {
  const std::string name(key);
  const FieldDescriptor* field = type.FindFieldByName(name);
  for (int i = 0; field == nullptr && i < type.field_count(); ++i) {
    if (type.field(i)->json_name() == name) field = type.field(i);
  }
  if (field != nullptr) return field;
  return absl::InvalidArgumentError(UnknownWord("unknown key", key, KnownKeys(type)));
}

bool TakesBareWord(const Descriptor& type) {
  return type.real_oneof_decl_count() == 1 && type.oneof_decl(0)->name() == "kind";
}

bool TakesOneValue(const Descriptor& type) {
  const FieldDescriptor* const min = type.FindFieldByName("min");
  const FieldDescriptor* const max = type.FindFieldByName("max");
  return type.field_count() == 2 && min != nullptr && max != nullptr && !min->is_repeated() &&
         !max->is_repeated() && min->type() == max->type() &&
         min->cpp_type() != FieldDescriptor::CPPTYPE_MESSAGE;
}

absl::Status MessageReader::CountStep(const YamlNode& node, const std::string& path) {
  text_bytes_ += node.text.size();
  if (++steps_ <= kMostSteps && text_bytes_ <= kMostTextBytes) return absl::OkStatus();
  return At(node.line, path,
            absl::StrCat("more than ", kMostSteps, " values or ", kMostTextBytes,
                         " bytes of text, aliases counted each time they are used"));
}

absl::Status MessageReader::ReadMessage(const YamlNode& node, const std::string& path,
                                        Message& message) {
  RETURN_IF_ERROR(CountStep(node, path));
  if (message.GetDescriptor() == Timestamp::descriptor()) return ReadTimestamp(node, path, message);
  if (node.kind == Kind::kMap) return ReadEntries(node, path, message);
  if (node.kind == Kind::kNull) return Null(node, path);
  if (node.kind == Kind::kScalar && TakesBareWord(*message.GetDescriptor()))
    return ReadBareWord(node, path, message);
  if (node.kind == Kind::kScalar && TakesOneValue(*message.GetDescriptor()))
    return ReadOneValue(node, path, message);
  return At(node.line, path, absl::StrCat(Found(node), " is not a mapping of keys to values"));
}

absl::Status MessageReader::ReadEntries(const YamlNode& node, const std::string& path,
                                        Message& message) {
  std::map<const FieldDescriptor*, int> seen;
  for (const YamlEntry& entry : node.entries) {
    const std::string inner = JoinKey(path, KeyShown(entry.key));
    const absl::StatusOr<const FieldDescriptor*> field =
        FindKey(*message.GetDescriptor(), entry.key);
    if (!field.ok()) return At(entry.line, inner, field.status().message());
    const auto [first, is_new] = seen.emplace(*field, entry.line);
    if (!is_new) {
      return At(entry.line, inner, absl::StrCat("given twice, first on line ", first->second));
    }
    if (const FieldDescriptor* rival = Rival(**field, message); rival != nullptr) {
      return At(entry.line, path,
                absl::StrCat("both \"", rival->name(), "\" and \"", (*field)->name(),
                             "\"; only one of them is allowed"));
    }
    RETURN_IF_ERROR(ReadField(*entry.value, inner, **field, message));
  }
  return absl::OkStatus();
}

absl::Status MessageReader::ReadBareWord(const YamlNode& node, const std::string& path,
                                         Message& message) {
  const OneofDescriptor& kinds = *message.GetDescriptor()->oneof_decl(0);
  const FieldDescriptor* field = message.GetDescriptor()->FindFieldByName(node.text);
  const bool is_kind = field != nullptr && field->real_containing_oneof() == &kinds &&
                       field->cpp_type() == FieldDescriptor::CPPTYPE_MESSAGE;
  if (!is_kind)
    return At(node.line, path,
              UnknownWord(absl::StrCat(Found(node), " is unknown"), node.text, KindWords(kinds)));
  message.GetReflection()->MutableMessage(&message, field);
  return absl::OkStatus();
}

absl::Status MessageReader::ReadOneValue(const YamlNode& node, const std::string& path,
                                         Message& message) {
  for (const char* const end : {"min", "max"}) {
    const absl::Status stored =
        StoreScalar(node.text, *message.GetDescriptor()->FindFieldByName(end), message);
    if (!stored.ok()) return At(node.line, path, stored.message());
  }
  return absl::OkStatus();
}

absl::Status MessageReader::ReadField(const YamlNode& node, const std::string& path,
                                      const FieldDescriptor& field, Message& message) {
  if (field.is_map()) return ReadMap(node, path, field, message);
  if (field.is_repeated()) return ReadList(node, path, field, message);
  return ReadValue(node, path, field, message);
}

absl::Status MessageReader::ReadList(const YamlNode& node, const std::string& path,
                                     const FieldDescriptor& field, Message& message) {
  if (node.kind == Kind::kNull) return Null(node, path);
  if (node.kind != Kind::kList) return ReadItem(node, JoinIndex(path, 0), field, message);
  for (size_t i = 0; i < node.items.size(); ++i) {
    RETURN_IF_ERROR(ReadItem(*node.items[i], JoinIndex(path, i), field, message));
  }
  return absl::OkStatus();
}

// A word with a value, such as top: 2, is written like a mapping.
absl::Status MessageReader::ReadItem(const YamlNode& node, const std::string& path,
                                     const FieldDescriptor& field, Message& message) {
  const bool pair = node.kind == Kind::kMap && node.entries.size() == 1 &&
                    node.entries[0].value->kind == Kind::kScalar;
  if (!pair || field.cpp_type() != FieldDescriptor::CPPTYPE_STRING)
    return ReadValue(node, path, field, message);
  YamlNode word = *node.entries[0].value;
  word.text = absl::StrCat(node.entries[0].key, ":", word.text);
  return ReadValue(word, path, field, message);
}

absl::Status MessageReader::ReadValue(const YamlNode& node, const std::string& path,
                                      const FieldDescriptor& field, Message& message) {
  if (field.cpp_type() == FieldDescriptor::CPPTYPE_MESSAGE) {
    Message* inner = field.is_repeated()
                         ? message.GetReflection()->AddMessage(&message, &field)
                         : message.GetReflection()->MutableMessage(&message, &field);
    return ReadMessage(node, path, *inner);
  }
  RETURN_IF_ERROR(CountStep(node, path));
  if (node.kind == Kind::kNull) return Null(node, path);
  if (node.kind != Kind::kScalar)
    return At(node.line, path, absl::StrCat(Found(node), " is not a single value"));
  const absl::Status stored = StoreScalar(node.text, field, message);
  return stored.ok() ? stored : At(node.line, path, stored.message());
}

absl::Status MessageReader::ReadMap(const YamlNode& node, const std::string& path,
                                    const FieldDescriptor& field, Message& message) {
  if (node.kind != Kind::kMap)
    return At(node.line, path, absl::StrCat(Found(node), " is not a mapping of keys to values"));
  std::map<std::string, int> seen;
  for (const YamlEntry& entry : node.entries) {
    const std::string inner = JoinKey(path, KeyShown(entry.key));
    const auto [first, is_new] = seen.emplace(entry.key, entry.line);
    if (!is_new)
      return At(entry.line, inner, absl::StrCat("given twice, first on line ", first->second));
    Message* pair = message.GetReflection()->AddMessage(&message, &field);
    const absl::Status key = StoreScalar(entry.key, *field.message_type()->map_key(), *pair);
    if (!key.ok()) return At(entry.line, inner, key.message());
    RETURN_IF_ERROR(ReadValue(*entry.value, inner, *field.message_type()->map_value(), *pair));
  }
  return absl::OkStatus();
}

}  // namespace gradus::support
