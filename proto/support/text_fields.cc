// SPDX-License-Identifier: Apache-2.0
// A walk over the fields that are set.
#include "proto/support/text_fields.h"

#include <google/protobuf/descriptor.h>
#include <google/protobuf/message.h>

#include <string>
#include <vector>

#include "absl/strings/str_cat.h"
#include "proto/support/path.h"
#include "proto/support/scalar.h"
#include "proto/support/status.h"
#include "proto/support/status_macros.h"
#include "proto/support/utf8.h"

namespace gradus::support {
namespace {

using google::protobuf::FieldDescriptor;
using google::protobuf::Message;
using google::protobuf::Reflection;

absl::Status CheckText(const std::string& text, const std::string& path) {
  if (!FirstInvalidUtf8(text).has_value()) return absl::OkStatus();
  return FieldError(path, absl::StrCat(Shown(text), " is not UTF-8 text"));
}

absl::Status CheckMessage(const Message& message, const std::string& path);

// Entry `index` of a field; -1 for one that is no list.
absl::Status CheckEntry(const Message& message, const FieldDescriptor& field, int index,
                        const std::string& path) {
  const Reflection& reflection = *message.GetReflection();
  if (field.cpp_type() == FieldDescriptor::CPPTYPE_MESSAGE) {
    return CheckMessage(index < 0 ? reflection.GetMessage(message, &field)
                                  : reflection.GetRepeatedMessage(message, &field, index),
                        path);
  }
  return CheckText(index < 0 ? reflection.GetString(message, &field)
                             : reflection.GetRepeatedString(message, &field, index),
                   path);
}

absl::Status CheckMessage(const Message& message, const std::string& path) {
  const Reflection& reflection = *message.GetReflection();
  std::vector<const FieldDescriptor*> fields;
  reflection.ListFields(message, &fields);
  for (const FieldDescriptor* field : fields) {
    const bool has_text = field->type() == FieldDescriptor::TYPE_STRING ||
                          field->cpp_type() == FieldDescriptor::CPPTYPE_MESSAGE;
    if (!has_text) continue;
    const std::string inner = JoinKey(path, field->name());
    if (!field->is_repeated()) {
      RETURN_IF_ERROR(CheckEntry(message, *field, -1, inner));
      continue;
    }
    for (int i = 0; i < reflection.FieldSize(message, field); ++i) {
      RETURN_IF_ERROR(CheckEntry(message, *field, i, JoinIndex(inner, static_cast<size_t>(i))));
    }
  }
  return absl::OkStatus();
}

}  // namespace

absl::Status CheckTextFields(const Message& message) { return CheckMessage(message, ""); }

}  // namespace gradus::support
