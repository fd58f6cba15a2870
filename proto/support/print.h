// SPDX-License-Identifier: Apache-2.0
// Messages as JSON, for programs.
#pragma once

#include <string>

#include "absl/status/statusor.h"

namespace google::protobuf {
class Message;
}  // namespace google::protobuf

namespace gradus::support {

struct JsonOptions {
  // Fields that are not set are written with their zero value too (`optional` ones and messages are
  // left out).
  bool zero_values = false;
  // Over several lines, for people.
  bool indent = false;
};

// protobuf's JSON form with the field names of the proto (snake_case); 64-bit integers are strings,
// maps in the order of their keys, so that the same message is the same text. Of messages that are
// compiled in.
//   Errors   INVALID_ARGUMENT when a field holds what JSON cannot say, such as a time out of range.
absl::StatusOr<std::string> PrintJson(const google::protobuf::Message& message,
                                      const JsonOptions& options = {});

}  // namespace gradus::support
