// SPDX-License-Identifier: Apache-2.0
// Text of a job file, a configuration or a profile, in YAML or JSON, to the message that it stands
// for.
#pragma once

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"

namespace google::protobuf {
class Message;
}  // namespace google::protobuf

namespace gradus::support {

// Replaces `message` by what `text` says. It is protobuf's JSON form, in JSON or YAML, with three
// pieces of sugar: where a message is a choice between kinds a bare word stands for the kind with
// its defaults (`relu` for `{relu: {}}`), a scalar where a list is expected is a list of one, and
// one where a range is expected is both of its ends (`4` for `{min: 4, max: 4}`). Enum words come
// in any case; field names as in the proto.
//   Errors   INVALID_ARGUMENT: at most 1 MiB, 64 levels, one document. Messages say line, field,
//   what was found and what
//            is allowed: `line 12: model.layers[2].dense.unitz: unknown key; did you mean
//            "units"?`; the field's path is the payload kFieldPayloadUrl. Values are checked for
//            their type alone: NaN is a double.
absl::Status ParseText(absl::string_view text, google::protobuf::Message& message);

template <typename Message>
absl::StatusOr<Message> Parse(absl::string_view text) {
  Message message;
  absl::Status status = ParseText(text, message);
  if (!status.ok()) return status;
  return message;
}

}  // namespace gradus::support
