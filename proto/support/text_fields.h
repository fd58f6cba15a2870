// SPDX-License-Identifier: Apache-2.0
// The strings of a message, checked before they are sent.
#pragma once

#include "absl/status/status.h"

namespace google::protobuf {
class Message;
}  // namespace google::protobuf

namespace gradus::support {

// That every string is UTF-8: protobuf would send another one all the same, and no receiver reads
// it.
//   Errors   INVALID_ARGUMENT with the path of the first string that is not.
absl::Status CheckTextFields(const google::protobuf::Message& message);

}  // namespace gradus::support
