// SPDX-License-Identifier: Apache-2.0
// protobuf's own JSON printer with our options.
#include "proto/support/print.h"

#include <google/protobuf/message.h>
#include <google/protobuf/util/json_util.h>

#include "absl/strings/str_cat.h"

namespace gradus::support {

absl::StatusOr<std::string> PrintJson(const google::protobuf::Message& message,
                                      const JsonOptions& options) {
  google::protobuf::util::JsonPrintOptions print;
  print.preserve_proto_field_names = true;
  print.always_print_primitive_fields = options.zero_values;
  print.add_whitespace = options.indent;
  std::string json;
  const auto status = google::protobuf::util::MessageToJsonString(message, &json, print);
  if (!status.ok())
    return absl::InvalidArgumentError(absl::StrCat("no JSON for it: ", status.ToString()));
  return json;
}

}  // namespace gradus::support
