// SPDX-License-Identifier: Apache-2.0
// One scalar of a job file becomes one value of a message.
#pragma once

#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/strings/string_view.h"

namespace google::protobuf {
class EnumDescriptor;
class FieldDescriptor;
class Message;
}  // namespace google::protobuf

namespace gradus::support {

// Writes `text` into `field` of `message`; appends where the field is repeated. Numbers are exact,
// and take the quoted form of protobuf's JSON too; enum words come in any case; bytes are base64.
//   Errors   INVALID_ARGUMENT, "FOUND is not ALLOWED", without path; the message is as before.
absl::Status StoreScalar(absl::string_view text, const google::protobuf::FieldDescriptor& field,
                         google::protobuf::Message& message);

// An enum's words as people write them: lower-case, without the unspecified one.
std::vector<std::string> EnumWords(const google::protobuf::EnumDescriptor& type);

// `text` as an error shows it: a number as it is, other text in quotes, cut after 60 bytes, safe
// for a terminal.
std::string Shown(absl::string_view text);

}  // namespace gradus::support
