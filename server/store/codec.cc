// SPDX-License-Identifier: Apache-2.0
#include "server/store/codec.h"

#include "absl/strings/escaping.h"
#include "absl/strings/str_cat.h"
#include "engine/base/file_ops.h"
#include "engine/base/sha256.h"
#include "google/protobuf/io/coded_stream.h"
#include "google/protobuf/io/zero_copy_stream_impl_lite.h"

namespace gradus::store {
namespace {

std::string Bytes(const google::protobuf::MessageLite& message) {
  std::string bytes;
  {
    google::protobuf::io::StringOutputStream stream(&bytes);
    google::protobuf::io::CodedOutputStream coded(&stream);
    coded.SetSerializationDeterministic(true);
    message.SerializeToCodedStream(&coded);
  }
  return bytes;
}

}  // namespace

std::string Encode(const google::protobuf::MessageLite& message) {
  return absl::Base64Escape(Bytes(message));
}

absl::Status DecodeInto(std::string_view text, google::protobuf::MessageLite* message) {
  std::string bytes;
  if (!absl::Base64Unescape(absl::string_view(text.data(), text.size()), &bytes) ||
      !message->ParseFromString(bytes)) {
    return absl::DataLossError(
        absl::StrCat("a stored ", message->GetTypeName(), " cannot be read back"));
  }
  return absl::OkStatus();
}

std::string Fingerprint(const google::protobuf::MessageLite& message) {
  return base::Sha256Hex(base::AsBytes(Bytes(message)));
}

}  // namespace gradus::store
