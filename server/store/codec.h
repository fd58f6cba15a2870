// SPDX-License-Identifier: Apache-2.0
// Messages as they lie in text columns: base64 of the wire format, exact and open to new fields.
#pragma once

#include <string>
#include <string_view>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "google/protobuf/message_lite.h"

namespace gradus::store {

// Deterministic: equal messages give equal text.
std::string Encode(const google::protobuf::MessageLite& message);

// DATA_LOSS when `text` is not what Encode made of such a message.
absl::Status DecodeInto(std::string_view text, google::protobuf::MessageLite* message);

template <typename Message>
absl::StatusOr<Message> Decode(std::string_view text) {
  Message message;
  const absl::Status status = DecodeInto(text, &message);
  if (!status.ok()) return status;
  return message;
}

// SHA-256 of Encode's bytes, in hexadecimal: what a request is recognised by when it is repeated.
std::string Fingerprint(const google::protobuf::MessageLite& message);

}  // namespace gradus::store
