// SPDX-License-Identifier: Apache-2.0
// Tensors of each type and form, and those that do not fit.
#include "engine/formats/onnx/tensor_reader.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cmath>
#include <limits>

#include "onnx/onnx_pb.h"

namespace gradus::onnx {
namespace {

using ::onnx::TensorProto;
using ::testing::ElementsAre;
using ::testing::HasSubstr;

template <typename T>
TensorProto Raw(int type, std::vector<int64_t> dims, std::initializer_list<T> values) {
  TensorProto tensor;
  tensor.set_data_type(type);
  for (const int64_t dim : dims) tensor.add_dims(dim);
  tensor.set_raw_data(std::data(values), values.size() * sizeof(T));
  return tensor;
}

std::vector<float> Floats(const TensorProto& tensor) {
  const absl::StatusOr<Constant> constant = ReadTensor(tensor);
  EXPECT_TRUE(constant.ok()) << constant.status();
  return *constant->floats();
}

std::vector<int64_t> Integers(const TensorProto& tensor) {
  const absl::StatusOr<Constant> constant = ReadTensor(tensor);
  EXPECT_TRUE(constant.ok()) << constant.status();
  return *constant->integers();
}

std::string ErrorOf(const TensorProto& tensor) {
  const absl::Status status = ReadTensor(tensor).status();
  EXPECT_EQ(status.code(), absl::StatusCode::kInvalidArgument) << status;
  return std::string(status.message());
}

TEST(TensorReader, ReadsFloatsOfEachWidth) {
  EXPECT_THAT(Floats(Raw<float>(TensorProto::FLOAT, {2}, {1.5F, -2})), ElementsAre(1.5F, -2));
  EXPECT_THAT(Floats(Raw<double>(TensorProto::DOUBLE, {1, 2}, {0.1, 3})), ElementsAre(0.1F, 3));
  EXPECT_THAT(Floats(Raw<uint16_t>(TensorProto::BFLOAT16, {2}, {0x3FC0, 0xC000})),
              ElementsAre(1.5F, -2));
}

TEST(TensorReader, ReadsHalvesOfEachKind) {
  // 1.5, -2, the least one, 0 with a sign, the largest, infinity.
  const std::vector<float> values = Floats(
      Raw<uint16_t>(TensorProto::FLOAT16, {6}, {0x3E00, 0xC000, 0x0001, 0x8000, 0x7BFF, 0x7C00}));
  EXPECT_THAT(values,
              ElementsAre(1.5F, -2, 0x1p-24F, 0, 65504, std::numeric_limits<float>::infinity()));
  EXPECT_TRUE(std::signbit(values[3]));
  EXPECT_TRUE(std::isnan(Floats(Raw<uint16_t>(TensorProto::FLOAT16, {1}, {0x7E00}))[0]));
}

TEST(TensorReader, ReadsWholeNumbers) {
  EXPECT_THAT(Integers(Raw<int64_t>(TensorProto::INT64, {2}, {int64_t{1} << 40, -1})),
              ElementsAre(int64_t{1} << 40, -1));
  EXPECT_THAT(Integers(Raw<int32_t>(TensorProto::INT32, {1}, {-7})), ElementsAre(-7));
  EXPECT_THAT(Integers(Raw<uint8_t>(TensorProto::BOOL, {2}, {0, 1})), ElementsAre(0, 1));
}

TEST(TensorReader, ReadsValuesInFieldsOfTheirType) {
  TensorProto tensor;
  tensor.set_data_type(TensorProto::FLOAT16);
  tensor.add_dims(1);
  tensor.add_int32_data(0x3E00);
  EXPECT_THAT(Floats(tensor), ElementsAre(1.5F));
  TensorProto whole;
  whole.set_data_type(TensorProto::INT64);
  whole.add_int64_data(4);
  EXPECT_THAT(Integers(whole), ElementsAre(4));
}

TEST(TensorReader, ReadsATensorWithoutValues) {
  EXPECT_THAT(Floats(Raw<float>(TensorProto::FLOAT, {0}, {})), ElementsAre());
}

TEST(TensorReader, RefusesAnotherNumberOfValuesThanTheShapeSays) {
  EXPECT_THAT(ErrorOf(Raw<float>(TensorProto::FLOAT, {3}, {1, 2})),
              HasSubstr("raw_data: 2 values is not what the shape says: 3"));
  TensorProto halves = Raw<float>(TensorProto::FLOAT, {1}, {1});
  halves.mutable_raw_data()->push_back('x');
  EXPECT_THAT(ErrorOf(halves), HasSubstr("raw_data"));
  TensorProto list;
  list.set_data_type(TensorProto::FLOAT);
  list.add_dims(2);
  list.add_float_data(1);
  EXPECT_THAT(ErrorOf(list), HasSubstr("float_data: 1 values is not what the shape says: 2"));
}

TEST(TensorReader, RefusesShapesThatAreNone) {
  EXPECT_THAT(ErrorOf(Raw<float>(TensorProto::FLOAT, {-1}, {})), HasSubstr("dims"));
  const int64_t large = int64_t{1} << 40;
  EXPECT_THAT(ErrorOf(Raw<float>(TensorProto::FLOAT, {large, large}, {})), HasSubstr("dims"));
  EXPECT_THAT(ErrorOf(Raw<float>(TensorProto::FLOAT, {large, large, 0}, {})), HasSubstr("dims"));
  EXPECT_THAT(ErrorOf(Raw<float>(TensorProto::FLOAT, std::vector<int64_t>(9, 1), {1})),
              HasSubstr("dims: 9 axes"));
}

TEST(TensorReader, RefusesOtherTypes) {
  EXPECT_THAT(ErrorOf(Raw<uint8_t>(TensorProto::UINT8, {1}, {1})), HasSubstr("data_type: 2"));
  EXPECT_THAT(ErrorOf(TensorProto()), HasSubstr("data_type: 0"));
}

TEST(TensorReader, RefusesValuesInOtherFiles) {
  TensorProto tensor = Raw<float>(TensorProto::FLOAT, {1}, {1});
  tensor.set_data_location(TensorProto::EXTERNAL);
  EXPECT_THAT(ErrorOf(tensor), HasSubstr("external_data"));
  tensor.set_data_location(TensorProto::DEFAULT);
  tensor.add_external_data()->set_key("location");
  EXPECT_THAT(ErrorOf(tensor), HasSubstr("external_data"));
}

TEST(TensorReader, RefusesAPieceOfATensor) {
  TensorProto tensor = Raw<float>(TensorProto::FLOAT, {1}, {1});
  tensor.mutable_segment()->set_end(1);
  EXPECT_THAT(ErrorOf(tensor), HasSubstr("segment"));
}

}  // namespace
}  // namespace gradus::onnx
