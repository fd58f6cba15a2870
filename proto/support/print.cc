// SPDX-License-Identifier: Apache-2.0
// protobuf's own JSON printer with our options.
#include "proto/support/print.h"

#include <google/protobuf/descriptor.h>
#include <google/protobuf/io/coded_stream.h>
#include <google/protobuf/io/zero_copy_stream_impl_lite.h>
#include <google/protobuf/message.h>
#include <google/protobuf/util/json_util.h>
#include <google/protobuf/util/type_resolver.h>
#include <google/protobuf/util/type_resolver_util.h>

#include "absl/strings/str_cat.h"

namespace gradus::support {
namespace {

constexpr char kUrlPrefix[] = "type.googleapis.com";

// Bytes whose maps are in the order of their keys, unlike those of the usual printer.
std::string InOrder(const google::protobuf::Message& message) {
  std::string bytes;
  google::protobuf::io::StringOutputStream stream(&bytes);
  google::protobuf::io::CodedOutputStream coded(&stream);
  coded.SetSerializationDeterministic(true);
  message.SerializeToCodedStream(&coded);
  coded.Trim();
  return bytes;
}

// Of the messages compiled into this program; kept, since making one takes its time.
google::protobuf::util::TypeResolver& Types() {
  static auto* const types = google::protobuf::util::NewTypeResolverForDescriptorPool(
      kUrlPrefix, google::protobuf::DescriptorPool::generated_pool());
  return *types;
}

}  // namespace

absl::StatusOr<std::string> PrintJson(const google::protobuf::Message& message,
                                      const JsonOptions& options) {
  google::protobuf::util::JsonPrintOptions print;
  print.preserve_proto_field_names = true;
  print.always_print_primitive_fields = options.zero_values;
  print.add_whitespace = options.indent;
  std::string json;
  const auto status = google::protobuf::util::BinaryToJsonString(
      &Types(), absl::StrCat(kUrlPrefix, "/", message.GetDescriptor()->full_name()),
      InOrder(message), &json, print);
  if (!status.ok())
    return absl::InvalidArgumentError(absl::StrCat("no JSON for it: ", status.ToString()));
  return json;
}

}  // namespace gradus::support
