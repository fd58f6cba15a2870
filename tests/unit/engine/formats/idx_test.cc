// SPDX-License-Identifier: Apache-2.0
// Headers, sizes and the turn to little endian.
#include "engine/formats/idx.h"

#include <cstring>
#include <string>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace gradus::formats {
namespace {

using ::testing::HasSubstr;

std::string Header(int code, const std::vector<uint32_t>& shape) {
  std::string header = {'\0', '\0', static_cast<char>(code), static_cast<char>(shape.size())};
  for (const uint32_t dimension : shape) {
    for (int shift = 24; shift >= 0; shift -= 8) header += static_cast<char>(dimension >> shift);
  }
  return header;
}

struct Result {
  absl::Status status;
  std::string values;
  int headers = 0;
};

Result Decode(const std::string& file, size_t piece, IdxDecoder& decoder) {
  Result result;
  const std::span<const std::byte> bytes = std::as_bytes(std::span<const char>(file));
  for (size_t at = 0; at < bytes.size(); at += piece) {
    result.status = decoder.Push(
        bytes.subspan(at, std::min(piece, bytes.size() - at)),
        [&](const IdxHeader&) {
          ++result.headers;
          return absl::OkStatus();
        },
        [&](std::span<const std::byte> values) {
          result.values.append(reinterpret_cast<const char*>(values.data()), values.size());
          return absl::OkStatus();
        });
    if (!result.status.ok()) return result;
  }
  result.status = decoder.Finish();
  return result;
}

Result Decode(const std::string& file, size_t piece = 1 << 20) {
  IdxDecoder decoder;
  return Decode(file, piece, decoder);
}

TEST(Idx, GivesShapeAndValuesWhateverThePieces) {
  const std::string values = "abcdefghijkl";
  for (const size_t piece : {1, 3, 5, 100}) {
    IdxDecoder decoder;
    const Result result = Decode(Header(0x08, {2, 3, 2}) + values, piece, decoder);
    ASSERT_TRUE(result.status.ok()) << result.status;
    EXPECT_EQ(result.values, values);
    EXPECT_EQ(result.headers, 1);
    EXPECT_EQ(decoder.header().dtype, "U8");
    EXPECT_EQ(decoder.header().rows(), 2);
    EXPECT_EQ(decoder.header().row_shape()[1], 2);
  }
}

TEST(Idx, TurnsBigEndianValuesToLittle) {
  const struct {
    int code;
    const char* dtype;
    std::string big, little;
  } cases[] = {
      {0x09, "I8", "\x01\x02", "\x01\x02"},
      {0x0B, "I16", "\x01\x02\x03\x04", "\x02\x01\x04\x03"},
      {0x0C, "I32", "\x01\x02\x03\x04\x05\x06\x07\x08", "\x04\x03\x02\x01\x08\x07\x06\x05"},
      {0x0D, "F32", "\x01\x02\x03\x04\x05\x06\x07\x08", "\x04\x03\x02\x01\x08\x07\x06\x05"},
      {0x0E, "F64", "\x01\x02\x03\x04\x05\x06\x07\x08\x11\x12\x13\x14\x15\x16\x17\x18",
       "\x08\x07\x06\x05\x04\x03\x02\x01\x18\x17\x16\x15\x14\x13\x12\x11"}};
  for (const auto& c : cases) {
    for (const size_t piece : {1, 5, 1000}) {
      IdxDecoder decoder;
      const Result result = Decode(Header(c.code, {2}) + c.big, piece, decoder);
      ASSERT_TRUE(result.status.ok()) << result.status;
      EXPECT_EQ(result.values, c.little);
      EXPECT_EQ(decoder.header().dtype, c.dtype);
    }
  }
}

TEST(Idx, TurnsMoreThanOneBufferOfValues) {
  const uint32_t count = 100000;
  std::string big, little;
  for (uint32_t i = 0; i < count; ++i) {
    for (int shift = 24; shift >= 0; shift -= 8) big += static_cast<char>(i >> shift);
    little.append(reinterpret_cast<const char*>(&i), 4);
  }
  for (const size_t piece : {997, 1 << 20}) {
    const Result result = Decode(Header(0x0C, {count}) + big, static_cast<size_t>(piece));
    ASSERT_TRUE(result.status.ok());
    EXPECT_EQ(result.values, little);
  }
}

TEST(Idx, NamesBothSizesWhereTheyDisagree) {
  for (const size_t there : {0, 11, 13, 5000}) {
    const Result result = Decode(Header(0x08, {2, 6}) + std::string(there, 'x'), 7);
    EXPECT_EQ(result.status.code(), absl::StatusCode::kInvalidArgument);
    EXPECT_THAT(result.status.message(), HasSubstr("announces 24 bytes"));
    EXPECT_THAT(result.status.message(), HasSubstr("there are " + std::to_string(there + 12)));
    EXPECT_LE(result.values.size(), 12u);
  }
}

TEST(Idx, RefusesHeadersThatAreNone) {
  EXPECT_THAT(Decode("PK\x03\x04").status.message(), HasSubstr("zero bytes"));
  EXPECT_THAT(Decode(Header(0x0A, {1}) + "x").status.message(), HasSubstr("0x0a"));
  EXPECT_THAT(Decode(Header(0x08, {})).status.message(), HasSubstr("0 dimensions"));
  EXPECT_THAT(Decode(Header(0x08, std::vector<uint32_t>(17, 1)) + "x").status.message(),
              HasSubstr("17 dimensions"));
  EXPECT_THAT(Decode(Header(0x08, {1, 0})).status.message(), HasSubstr("dimension 1 is 0"));
  EXPECT_THAT(Decode(Header(0x0E, {1u << 31, 1u << 31, 8})).status.message(),
              HasSubstr("too large"));
  EXPECT_THAT(Decode(Header(0x08, {3, 3}).substr(0, 7)).status.message(),
              HasSubstr("early after 7 bytes"));
  EXPECT_FALSE(Decode("").status.ok());
}

TEST(Idx, PassesTheSinksErrorOn) {
  IdxDecoder decoder;
  const std::string file = Header(0x08, {1}) + "x";
  const absl::Status status = decoder.Push(
      std::as_bytes(std::span<const char>(file)), [](const IdxHeader&) { return absl::OkStatus(); },
      [](std::span<const std::byte>) { return absl::ResourceExhaustedError("disk full"); });
  EXPECT_EQ(status.code(), absl::StatusCode::kResourceExhausted);
}

}  // namespace
}  // namespace gradus::formats
