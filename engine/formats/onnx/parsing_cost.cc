// SPDX-License-Identifier: Apache-2.0
// A walk over the wire format, which keeps nothing.
#include "engine/formats/onnx/parsing_cost.h"

#include <google/protobuf/descriptor.h>
#include <google/protobuf/io/coded_stream.h>
#include <google/protobuf/wire_format_lite.h>

#include <cstdint>

#include "absl/strings/str_cat.h"
#include "engine/base/status.h"

namespace gradus::onnx {
namespace {

using google::protobuf::Descriptor;
using google::protobuf::FieldDescriptor;
using google::protobuf::internal::WireFormatLite;

// Upper bounds of what protobuf 3.21 takes, a list's growth by doubling and an old copy included.
constexpr uint64_t kMessageCost = 512;
constexpr uint64_t kTextCost = 96;
constexpr uint64_t kNumberCost = 48;
constexpr uint64_t kPackedByteCost = 24;
constexpr uint64_t kPackedFixedByteCost = 3;

absl::Status NoMessage() {
  return absl::InvalidArgumentError("its bytes are no ONNX model, or not all of one");
}

bool IsFixed(const FieldDescriptor& field) {
  const auto type =
      WireFormatLite::WireTypeForFieldType(static_cast<WireFormatLite::FieldType>(field.type()));
  return type == WireFormatLite::WIRETYPE_FIXED32 || type == WireFormatLite::WIRETYPE_FIXED64;
}

class Walk {
 public:
  explicit Walk(std::span<const std::byte> bytes)
      : input_(reinterpret_cast<const uint8_t*>(bytes.data()), static_cast<int>(bytes.size())),
        left_(kMostFreeCost + kMostCostPerByte * bytes.size()) {
    input_.PushLimit(static_cast<int>(bytes.size()));
  }

  absl::Status Message(const Descriptor& type, int depth) {
    if (depth > kMostDepth)
      return absl::InvalidArgumentError(
          absl::StrCat("messages lie more than ", kMostDepth, " deep in each other"));
    while (const uint32_t tag = input_.ReadTag()) RETURN_IF_ERROR(Field(type, tag, depth));
    return input_.ConsumedEntireMessage() ? absl::OkStatus() : NoMessage();
  }

 private:
  absl::Status Field(const Descriptor& type, uint32_t tag, int depth) {
    uint64_t number = 0;
    uint32_t half = 0;
    switch (WireFormatLite::GetTagWireType(tag)) {
      case WireFormatLite::WIRETYPE_VARINT:
        return input_.ReadVarint64(&number) ? Take(kNumberCost) : NoMessage();
      case WireFormatLite::WIRETYPE_FIXED64:
        return input_.ReadLittleEndian64(&number) ? Take(kNumberCost) : NoMessage();
      case WireFormatLite::WIRETYPE_FIXED32:
        return input_.ReadLittleEndian32(&half) ? Take(kNumberCost) : NoMessage();
      case WireFormatLite::WIRETYPE_LENGTH_DELIMITED:
        return Delimited(type.FindFieldByNumber(WireFormatLite::GetTagFieldNumber(tag)), depth);
      default:
        return NoMessage();
    }
  }

  absl::Status Delimited(const FieldDescriptor* field, int depth) {
    int length = 0;
    if (!input_.ReadVarintSizeAsInt(&length) || length > input_.BytesUntilLimit())
      return NoMessage();
    const auto bytes = static_cast<uint64_t>(length);
    if (field != nullptr && field->cpp_type() == FieldDescriptor::CPPTYPE_MESSAGE) {
      RETURN_IF_ERROR(Take(kMessageCost));
      const auto limit = input_.PushLimit(length);
      RETURN_IF_ERROR(Message(*field->message_type(), depth + 1));
      input_.PopLimit(limit);
      return absl::OkStatus();
    }
    const bool text = field == nullptr || field->cpp_type() == FieldDescriptor::CPPTYPE_STRING;
    RETURN_IF_ERROR(Take(text
                             ? kTextCost + bytes
                             : bytes * (IsFixed(*field) ? kPackedFixedByteCost : kPackedByteCost)));
    return input_.Skip(length) ? absl::OkStatus() : NoMessage();
  }

  absl::Status Take(uint64_t cost) {
    if (cost > left_) {
      return absl::InvalidArgumentError(
          "so many small parts would take far more memory than the file; weights belong into "
          "raw_data");
    }
    left_ -= cost;
    return absl::OkStatus();
  }

  google::protobuf::io::CodedInputStream input_;
  uint64_t left_;
};

}  // namespace

absl::Status CheckParsingCost(const Descriptor& type, std::span<const std::byte> bytes) {
  return Walk(bytes).Message(type, 1);
}

}  // namespace gradus::onnx
