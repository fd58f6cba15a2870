// SPDX-License-Identifier: Apache-2.0
// Walks a path through a message, then hands its last step to the reader of job files.
#include "proto/support/set_path.h"

#include <google/protobuf/descriptor.h>
#include <google/protobuf/message.h>

#include <span>
#include <string>
#include <vector>

#include "absl/strings/ascii.h"
#include "absl/strings/str_cat.h"
#include "proto/support/message_reader.h"
#include "proto/support/path.h"
#include "proto/support/scalar.h"
#include "proto/support/status.h"
#include "proto/support/status_macros.h"
#include "proto/support/yaml_tree.h"

namespace gradus::support {
namespace {

using google::protobuf::FieldDescriptor;
using google::protobuf::Message;
using google::protobuf::Reflection;

struct Target {
  Message* message;
  std::string path;
};

absl::Status CheckIndex(const Message& message, const FieldDescriptor& field, size_t index,
                        absl::string_view path) {
  const auto size = static_cast<size_t>(message.GetReflection()->FieldSize(message, &field));
  if (index <= size) return absl::OkStatus();
  return FieldError(path,
                    absl::StrCat("there are ", size, " entries, so the index may be 0 to ", size));
}

// Takes entry `index` out of a list, keeping the order of the others.
void RemoveEntry(Message& message, const FieldDescriptor& field, size_t index) {
  const Reflection& reflection = *message.GetReflection();
  for (int i = static_cast<int>(index); i + 1 < reflection.FieldSize(message, &field); ++i) {
    reflection.SwapElements(&message, &field, i, i + 1);
  }
  reflection.RemoveLast(&message, &field);
}

// Sets entry `index`: reads it to the end of the list, then puts it in the old one's place.
absl::Status SetEntry(const YamlNode& value, const Target& at, const FieldDescriptor& field,
                      size_t index) {
  const Reflection& reflection = *at.message->GetReflection();
  const auto before = reflection.FieldSize(*at.message, &field);
  const bool exists = static_cast<int>(index) < before;
  if (value.kind == YamlNode::Kind::kNull) {
    if (exists) RemoveEntry(*at.message, field, index);
    return absl::OkStatus();
  }
  RETURN_IF_ERROR(MessageReader().ReadValue(value, JoinIndex(at.path, index), field, *at.message));
  if (exists) {
    reflection.SwapElements(at.message, &field, static_cast<int>(index), before);
    reflection.RemoveLast(at.message, &field);
  }
  return absl::OkStatus();
}

// The message at entry `index` of a list of messages, made where it is one past the end.
Message* EntryMessage(Message& message, const FieldDescriptor& field, size_t index) {
  const Reflection& reflection = *message.GetReflection();
  const bool exists = static_cast<int>(index) < reflection.FieldSize(message, &field);
  return exists ? reflection.MutableRepeatedMessage(&message, &field, static_cast<int>(index))
                : reflection.AddMessage(&message, &field);
}

absl::Status SetAt(Target at, std::span<const PathStep> steps, const YamlNode& value) {
  const std::string& key = steps.front().key;
  const std::string path = JoinKey(at.path, key);
  const absl::StatusOr<const FieldDescriptor*> found = FindKey(*at.message->GetDescriptor(), key);
  if (!found.ok()) return FieldError(path, found.status().message());
  const FieldDescriptor& field = **found;
  const bool indexed = steps.size() > 1 && steps[1].index.has_value();
  const Reflection& reflection = *at.message->GetReflection();
  if (indexed && (!field.is_repeated() || field.is_map()))
    return FieldError(path, "is not a list, so it has no index");
  // A list of one may be written without its brackets.
  const bool of_one = field.is_repeated() && !field.is_map() &&
                      field.cpp_type() == FieldDescriptor::CPPTYPE_MESSAGE &&
                      reflection.FieldSize(*at.message, &field) == 1;
  if (!indexed && steps.size() > 1 && field.is_repeated() && !of_one)
    return FieldError(path, "is a list; say which entry, as in [0]");

  const std::span<const PathStep> rest = steps.subspan(indexed ? 2 : 1);
  if (indexed) RETURN_IF_ERROR(CheckIndex(*at.message, field, *steps[1].index, path));
  if (rest.empty()) {
    if (indexed) return SetEntry(value, {at.message, path}, field, *steps[1].index);
    at.message->GetReflection()->ClearField(at.message, &field);
    if (value.kind == YamlNode::Kind::kNull) return absl::OkStatus();
    return MessageReader().ReadField(value, path, field, *at.message);
  }
  if (!rest.front().key.empty() && field.cpp_type() == FieldDescriptor::CPPTYPE_MESSAGE) {
    if (!indexed && of_one) {
      return SetAt({EntryMessage(*at.message, field, 0), JoinIndex(path, 0)}, rest, value);
    }
    Message* inner = indexed ? EntryMessage(*at.message, field, *steps[1].index)
                             : reflection.MutableMessage(at.message, &field);
    return SetAt({inner, indexed ? JoinIndex(path, *steps[1].index) : path}, rest, value);
  }
  return FieldError(path, "is a single value, so there is nothing inside it");
}

}  // namespace

absl::Status SetPath(absl::string_view path, absl::string_view value, Message& message) {
  ASSIGN_OR_RETURN(const std::vector<PathStep> steps, ParsePath(path));
  const absl::StatusOr<YamlRef> tree = ParseYaml(value, {.count_lines = false});
  if (!tree.ok())
    return FieldError(path, absl::StrCat(Shown(value), " is ", tree.status().message()));
  // Changes are made on a copy, so that a refused value leaves everything as it was.
  const std::unique_ptr<Message> changed(message.New());
  changed->CopyFrom(message);
  RETURN_IF_ERROR(SetAt({changed.get(), ""}, steps, **tree));
  message.GetReflection()->Swap(&message, changed.get());
  return absl::OkStatus();
}

absl::Status ApplySetting(absl::string_view setting, Message& message) {
  const size_t equals = setting.find('=');
  if (equals == absl::string_view::npos) {
    return absl::InvalidArgumentError(
        absl::StrCat(Shown(setting), " is not PATH=VALUE, such as fit.seed=7"));
  }
  return SetPath(absl::StripAsciiWhitespace(setting.substr(0, equals)), setting.substr(equals + 1),
                 message);
}

}  // namespace gradus::support
