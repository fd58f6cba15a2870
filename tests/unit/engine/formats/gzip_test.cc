// SPDX-License-Identifier: Apache-2.0
// Inflating gives back what was deflated, however it is cut; damage and early ends are found.
#include "engine/formats/gzip.h"

#include <random>
#include <string>

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <zlib.h>

namespace gradus::formats {
namespace {

using ::testing::HasSubstr;

std::string Gzip(const std::string& text) {
  z_stream stream{};
  EXPECT_EQ(deflateInit2(&stream, 6, Z_DEFLATED, 15 + 16, 8, Z_DEFAULT_STRATEGY), Z_OK);
  std::string out(deflateBound(&stream, text.size()) + 64, '\0');
  stream.next_in = reinterpret_cast<Bytef*>(const_cast<char*>(text.data()));
  stream.avail_in = static_cast<uInt>(text.size());
  stream.next_out = reinterpret_cast<Bytef*>(out.data());
  stream.avail_out = static_cast<uInt>(out.size());
  EXPECT_EQ(deflate(&stream, Z_FINISH), Z_STREAM_END);
  out.resize(stream.total_out);
  deflateEnd(&stream);
  return out;
}

struct Result {
  absl::Status status;
  std::string text;
};

Result Inflate(const std::string& data, size_t piece, uint64_t limit = 1 << 30) {
  Result result;
  auto inflater = GzipInflater::Create(limit);
  EXPECT_TRUE(inflater.ok());
  const std::span<const std::byte> bytes = std::as_bytes(std::span<const char>(data));
  for (size_t at = 0; at < bytes.size(); at += piece) {
    result.status =
        inflater->Push(bytes.subspan(at, std::min(piece, bytes.size() - at)), [&](auto out) {
          result.text.append(reinterpret_cast<const char*>(out.data()), out.size());
          return absl::OkStatus();
        });
    if (!result.status.ok()) return result;
  }
  result.status = inflater->Finish();
  return result;
}

std::string Text(size_t size) {
  std::string text;
  std::mt19937 random(7);
  while (text.size() < size) text += std::string(random() % 20, static_cast<char>(random()));
  text.resize(size);
  return text;
}

TEST(Gzip, GivesBackWhatWasDeflatedInPiecesOfAnySize) {
  // 64 KiB and its multiples fill the output buffer exactly.
  for (const size_t size : {0, 1, 1000, 64 << 10, 128 << 10, 300000}) {
    const std::string text = Text(size);
    const std::string data = Gzip(text);
    for (const size_t piece : {1, 7, 4096, 1 << 20}) {
      const Result result = Inflate(data, piece);
      ASSERT_TRUE(result.status.ok()) << result.status;
      ASSERT_EQ(result.text, text);
    }
  }
}

TEST(Gzip, ReadsMembersOneAfterAnotherAndZerosBehindThem) {
  const std::string data = Gzip("one ") + Gzip("two") + std::string(100, '\0');
  for (const size_t piece : {1, 1000}) {
    const Result result = Inflate(data, piece);
    EXPECT_TRUE(result.status.ok()) << result.status;
    EXPECT_EQ(result.text, "one two");
  }
}

TEST(Gzip, RefusesSomethingElseBehindTheLastMember) {
  EXPECT_FALSE(Inflate(Gzip("one") + "x", 1000).status.ok());
  EXPECT_FALSE(Inflate(Gzip("one") + std::string(3, '\0') + "x", 1).status.ok());
}

TEST(Gzip, EveryEarlyEndIsFoundAndToldInBytes) {
  const std::string data = Gzip(Text(2000));
  for (size_t size = 0; size < data.size(); ++size) {
    const Result result = Inflate(data.substr(0, size), 512);
    EXPECT_EQ(result.status.code(), absl::StatusCode::kInvalidArgument) << size;
    EXPECT_THAT(result.status.message(),
                HasSubstr("gzip data ends early after " + std::to_string(size) + " bytes"));
  }
}

TEST(Gzip, FindsDamagedValues) {
  std::string data = Gzip(Text(2000));
  data[data.size() - 8] ^= 1;  // CRC
  EXPECT_THAT(Inflate(data, 512).status.message(), HasSubstr("damaged"));
  EXPECT_THAT(Inflate("no gzip at all", 512).status.message(), HasSubstr("damaged before byte"));
}

TEST(Gzip, StopsAtTheLimitBeforeItPassesMoreOn) {
  const std::string data = Gzip(std::string(10 << 20, 'a'));
  const Result result = Inflate(data, 1 << 20, 100000);
  EXPECT_EQ(result.status.code(), absl::StatusCode::kInvalidArgument);
  EXPECT_LE(result.text.size(), 100000u);
  EXPECT_TRUE(Inflate(data, 1 << 20, 10 << 20).status.ok());
}

TEST(Gzip, KnowsItsFirstBytes) {
  const std::string data = Gzip("");
  EXPECT_TRUE(IsGzip(std::as_bytes(std::span<const char>(data))));
  EXPECT_FALSE(IsGzip({}));
  const std::byte idx[] = {std::byte{0}, std::byte{0}, std::byte{8}, std::byte{1}};
  EXPECT_FALSE(IsGzip(idx));
}

}  // namespace
}  // namespace gradus::formats
