// SPDX-License-Identifier: Apache-2.0
// What is written reads back; what does not fit together is refused.
#include "engine/formats/safetensors.h"

#include <array>
#include <bit>
#include <random>
#include <string>
#include <vector>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "engine/formats/safetensors_writer.h"

namespace gradus::formats {
namespace {

using ::testing::HasSubstr;

std::span<const std::byte> Bytes(const std::string& text) {
  return std::as_bytes(std::span<const char>(text));
}

// A file around a header given as text.
std::string FileOf(const std::string& header, size_t data) {
  const auto length = std::bit_cast<std::array<char, 8>>(static_cast<uint64_t>(header.size()));
  return std::string(length.data(), length.size()) + header + std::string(data, 'd');
}

TensorInfo Info(const std::string& name, const std::string& dtype, std::vector<int64_t> shape) {
  return {.name = name, .dtype = dtype, .shape = std::move(shape)};
}

std::string WriteFile(const std::vector<TensorInfo>& tensors,
                      const std::vector<std::vector<float>>& values,
                      const TensorMetadata& metadata) {
  std::string file;
  auto writer = SafetensorsWriter::Create(tensors, metadata, [&](std::span<const std::byte> bytes) {
    file.append(reinterpret_cast<const char*>(bytes.data()), bytes.size());
    return absl::OkStatus();
  });
  EXPECT_TRUE(writer.ok()) << writer.status();
  for (const std::vector<float>& value : values)
    EXPECT_TRUE(writer->Append(std::span<const float>(value)).ok());
  const auto size = writer->Finish();
  EXPECT_TRUE(size.ok() && *size == file.size());
  return file;
}

std::string Sample() {
  return WriteFile({Info("dense/kernel", "F32", {2, 3}), Info("dense/bias", "F32", {3}),
                    Info("out/kernel", "F32", {1})},
                   {{1, 2, 3, 4, 5, 6}, {7, 8, 9}, {10}},
                   {{"format", "pt"}, {"a \"quoted\"", "wörd"}});
}

absl::Status Refusal(const std::string& header, size_t data) {
  return SafetensorsView::Parse(Bytes(FileOf(header, data))).status();
}

TEST(Safetensors, ReadsBackWhatWasWritten) {
  const std::string file = Sample();
  const auto view = SafetensorsView::Parse(Bytes(file));
  ASSERT_TRUE(view.ok()) << view.status();
  ASSERT_EQ(view->tensors().size(), 3u);
  EXPECT_EQ(view->tensors()[0].name, "dense/kernel");
  EXPECT_EQ(view->tensors()[0].shape, (std::vector<int64_t>{2, 3}));
  EXPECT_EQ(view->metadata(), (TensorMetadata{{"format", "pt"}, {"a \"quoted\"", "wörd"}}));
  const auto bias = view->Bytes("dense/bias");
  ASSERT_TRUE(bias.ok());
  ASSERT_EQ(bias->size(), 12u);
  std::array<float, 3> values{};
  std::memcpy(values.data(), bias->data(), 12);
  EXPECT_EQ(values, (std::array<float, 3>{7, 8, 9}));
}

TEST(Safetensors, WritesTheSameBytesForTheSameContentWithDataAlignedTo8) {
  const std::string file = Sample();
  EXPECT_EQ(file, Sample());
  EXPECT_EQ(SafetensorsView::Parse(Bytes(file))->header().data_begin % 8, 0u);
}

TEST(Safetensors, NamesTheTensorThatIsMissing) {
  const std::string file = Sample();
  const auto bytes = SafetensorsView::Parse(Bytes(file))->Bytes("dense/gamma");
  EXPECT_EQ(bytes.status().code(), absl::StatusCode::kNotFound);
  EXPECT_THAT(bytes.status().message(), HasSubstr("dense/gamma"));
}

TEST(Safetensors, TakesTensorsWhoseHeaderOrderDiffersFromTheDataOrder) {
  const std::string file = FileOf(
      R"({"b":{"dtype":"U8","shape":[2],"data_offsets":[1,3]},"a":{"data_offsets":[0,1],"shape":[],"dtype":"U8"}})",
      3);
  const auto view = SafetensorsView::Parse(Bytes(file));
  ASSERT_TRUE(view.ok()) << view.status();
  EXPECT_EQ(view->tensors()[0].name, "a");
}

TEST(Safetensors, RefusesWhatDoesNotFitTogether) {
  const std::pair<const char*, size_t> bad[] = {
      {R"({"a":{"dtype":"U8","shape":[2],"data_offsets":[0,1]}})", 1},  // size
      {R"({"a":{"dtype":"U8","shape":[2],"data_offsets":[0,2]}})", 3},  // data left over
      {R"({"a":{"dtype":"U8","shape":[2],"data_offsets":[0,2]}})", 1},  // data missing
      {R"({"a":{"dtype":"U8","shape":[1],"data_offsets":[1,2]}})", 2},  // gap at the start
      {R"({"a":{"dtype":"U8","shape":[2],"data_offsets":[0,2]},"b":{"dtype":"U8","shape":[2],"data_offsets":[1,3]}})",
       3},
      {R"({"a":{"dtype":"U8","shape":[2],"data_offsets":[2,0]}})", 2},    // backwards
      {R"({"a":{"dtype":"Q8","shape":[2],"data_offsets":[0,2]}})", 2},    // type
      {R"({"a":{"dtype":"U8","shape":[-2],"data_offsets":[0,2]}})", 2},   // negative
      {R"({"a":{"dtype":"U8","shape":[2.0],"data_offsets":[0,2]}})", 2},  // fraction
      {R"({"a":{"dtype":"F64","shape":[4611686018427387904,4],"data_offsets":[0,0]}})",
       0},  // overflow
      {R"({"a":{"dtype":"U8","shape":[2],"data_offsets":[0,2,2]}})", 2},
      {R"({"a":{"dtype":"U8","shape":[2],"data_offsets":[0]}})", 2},
      {R"({"a":{"dtype":"U8","shape":[[2]],"data_offsets":[0,2]}})", 2},
      {R"({"a":{"dtype":"U8","shape":[2]}})", 2},
      {R"({"a":{"dtype":"U8","shape":[2],"data_offsets":[0,2],"x":1}})", 2},
      {R"({"a":{"dtype":"U8","dtype":"U8","shape":[2],"data_offsets":[0,2]}})", 2},
      {R"({"__metadata__":{"a":1}})", 0},
      {R"({"__metadata__":{"a":"1","a":"2"}})", 0},
      {R"([])", 0},
      {R"("x")", 0},
      {R"({)", 0},
      {"", 0},
      {R"({}})", 0},
      {"{\"\xff\":{}}", 0},
  };
  for (const auto& [header, data] : bad) {
    EXPECT_EQ(Refusal(header, data).code(), absl::StatusCode::kInvalidArgument) << header;
  }
}

TEST(Safetensors, RefusesANameTwice) {
  const absl::Status status = Refusal(
      R"({"a":{"dtype":"U8","shape":[1],"data_offsets":[0,1]},"a":{"dtype":"U8","shape":[1],"data_offsets":[1,2]}})",
      2);
  EXPECT_THAT(status.message(), HasSubstr("\"a\" twice"));
}

TEST(Safetensors, RefusesAHeaderLongerThanTheFileOrTheLimitBeforeReadingIt) {
  std::string file = FileOf("{}", 0);
  file[0] = 3;
  EXPECT_EQ(SafetensorsView::Parse(Bytes(file)).status().code(),
            absl::StatusCode::kInvalidArgument);
  file[7] = 1;
  EXPECT_THAT(SafetensorsView::Parse(Bytes(file)).status().message(), HasSubstr("at most"));
  EXPECT_FALSE(SafetensorsView::Parse(Bytes(file).first(7)).ok());
}

TEST(Safetensors, DeepNestingCostsNoStack) {
  const std::string deep = std::string(1 << 20, '[');
  EXPECT_EQ(Refusal(deep, 0).code(), absl::StatusCode::kInvalidArgument);
  EXPECT_EQ(Refusal("{\"a\":" + deep, 0).code(), absl::StatusCode::kInvalidArgument);
}

TEST(Safetensors, EveryCutIsFound) {
  const std::string file = Sample();
  for (size_t size = 0; size < file.size(); ++size) {
    EXPECT_FALSE(SafetensorsView::Parse(Bytes(file).first(size)).ok()) << size;
  }
}

TEST(Safetensors, FlippedBitsNeverGiveViewsOutsideTheFile) {
  const std::string file = Sample();
  std::mt19937 random(1);
  for (int round = 0; round < 10000; ++round) {
    std::string flipped = file;
    flipped[random() % flipped.size()] ^= static_cast<char>(1u << random() % 8);
    const auto view = SafetensorsView::Parse(Bytes(flipped));
    if (!view.ok()) continue;
    size_t total = 0;
    for (const TensorInfo& tensor : view->tensors()) total += view->Bytes(tensor).size();
    ASSERT_EQ(total + view->header().data_begin, flipped.size());
  }
}

TEST(Safetensors, ASubsetIsAFileOfJustThoseTensors) {
  const std::string file = Sample();
  const auto view = SafetensorsView::Parse(Bytes(file));
  const std::vector<std::string> names = {"out/kernel", "dense/bias"};
  const auto subset = SelectTensors(view->header(), names);
  ASSERT_TRUE(subset.ok()) << subset.status();
  EXPECT_EQ(subset->ranges.size(), 1u);  // neighbours
  std::string made = subset->header;
  for (const ByteRange& range : subset->ranges) made += file.substr(range.offset, range.size);
  EXPECT_EQ(made.size(), subset->size);
  EXPECT_EQ(made, WriteFile({Info("dense/bias", "F32", {3}), Info("out/kernel", "F32", {1})},
                            {{7, 8, 9}, {10}}, view->metadata()));
}

TEST(Safetensors, ASubsetRefusesUnknownNames) {
  const std::string file = Sample();
  const std::vector<std::string> names = {"dense/bias", "nothing"};
  const auto subset = SelectTensors(SafetensorsView::Parse(Bytes(file))->header(), names);
  EXPECT_THAT(subset.status().message(), HasSubstr("nothing"));
}

TEST(SafetensorsWriter, RefusesNamesThatAreTakenAndUnknownTypes) {
  const auto header = [](std::vector<TensorInfo> tensors) {
    return MakeSafetensorsHeader(tensors, {}).status().code();
  };
  EXPECT_EQ(header({Info("a", "F32", {1}), Info("a", "F32", {1})}),
            absl::StatusCode::kInvalidArgument);
  EXPECT_EQ(header({Info("__metadata__", "F32", {1})}), absl::StatusCode::kInvalidArgument);
  EXPECT_EQ(header({Info("a", "f32", {1})}), absl::StatusCode::kInvalidArgument);
  EXPECT_EQ(header({Info("a", "F32", {-1})}), absl::StatusCode::kInvalidArgument);
  EXPECT_EQ(header({Info("\xff", "F32", {1})}), absl::StatusCode::kInvalidArgument);
}

TEST(SafetensorsWriter, RefusesValuesOfAnotherSizeAndAnEarlyEnd) {
  const std::vector<TensorInfo> tensors = {Info("a", "F32", {2})};
  auto writer = SafetensorsWriter::Create(
      tensors, {}, [](std::span<const std::byte>) { return absl::OkStatus(); });
  ASSERT_TRUE(writer.ok());
  EXPECT_EQ(writer->Append(std::vector<float>{1}).code(), absl::StatusCode::kFailedPrecondition);
  EXPECT_EQ(writer->Finish().status().code(), absl::StatusCode::kFailedPrecondition);
  EXPECT_TRUE(writer->Append(std::vector<float>{1, 2}).ok());
  EXPECT_EQ(writer->Append(std::vector<float>{1, 2}).code(), absl::StatusCode::kFailedPrecondition);
}

TEST(SafetensorsWriter, PassesTheSinksErrorOn) {
  const std::vector<TensorInfo> tensors = {Info("a", "F32", {2})};
  const auto writer = SafetensorsWriter::Create(tensors, {}, [](std::span<const std::byte>) {
    return absl::ResourceExhaustedError("disk full");
  });
  EXPECT_EQ(writer.status().code(), absl::StatusCode::kResourceExhausted);
}

}  // namespace
}  // namespace gradus::formats
