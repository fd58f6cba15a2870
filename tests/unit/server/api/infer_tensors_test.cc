// SPDX-License-Identifier: Apache-2.0
// Tensors of every datatype become rows; what does not fit is told by its field.
#include "server/api/infer_tensors.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cstring>
#include <string>
#include <tuple>
#include <vector>

#include "engine/base/status.h"

namespace gradus::api {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;

// Takes pixels of 2 x 2 and an age, gives a class of 3 and a score.
Signature TwoInputs() {
  return {.inputs = {{"pixels", {2, 2}, 4}, {"age", {1}, 1}},
          .outputs = {{"class", {3}, 3}, {"score", {1}, 1}}};
}
Signature OneInput() { return {.inputs = {{"input", {2}, 2}}, .outputs = {{"dense", {1}, 1}}}; }

std::vector<float> Floats(const std::string& bytes) {
  std::vector<float> values(bytes.size() / sizeof(float));
  std::memcpy(values.data(), bytes.data(), bytes.size());
  return values;
}
template <typename T>
std::string Bytes(const std::vector<T>& values) {
  return {reinterpret_cast<const char*>(values.data()), values.size() * sizeof(T)};
}

inference::ModelInferRequest::InferInputTensor& AddInput(inference::ModelInferRequest& request,
                                                         const std::string& name,
                                                         const std::vector<int64_t>& shape,
                                                         const std::string& datatype = "FP32") {
  auto& input = *request.add_inputs();
  input.set_name(name);
  input.set_datatype(datatype);
  for (const int64_t dimension : shape) input.add_shape(dimension);
  return input;
}

inference::ModelInferRequest TwoRows() {
  inference::ModelInferRequest request;
  auto& age = AddInput(request, "age", {2, 1}, "INT64");
  for (const int64_t value : {30, 40}) age.mutable_contents()->add_int64_contents(value);
  auto& pixels = AddInput(request, "pixels", {2, 2, 2}, "UINT8");
  for (uint32_t value = 0; value < 8; ++value) pixels.mutable_contents()->add_uint_contents(value);
  return request;
}

TEST(InferTensors, InputsComeInTheModelsOrderWhateverTheRequestsIs) {
  const auto read = ReadInferRequest(TwoRows(), TwoInputs());
  ASSERT_TRUE(read.ok()) << read.status();
  EXPECT_EQ(read->rows, 2);
  EXPECT_THAT(Floats(read->inputs), ElementsAre(0, 1, 2, 3, 4, 5, 6, 7, 30, 40));
  EXPECT_THAT(read->outputs, ElementsAre(0, 1));
}

TEST(InferTensors, EveryDatatypeIsRead) {
  const auto reads = [](const std::string& datatype, const std::string& raw, auto fill) {
    for (const bool in_bytes : {true, false}) {
      inference::ModelInferRequest request;
      auto& input = AddInput(request, "x", {1, 2}, datatype);
      if (in_bytes) {
        request.add_raw_input_contents(raw);
      } else {
        fill(*input.mutable_contents());
      }
      const auto read = ReadInferRequest(request, OneInput());
      ASSERT_TRUE(read.ok()) << datatype << ": " << read.status();
      EXPECT_THAT(Floats(read->inputs), ElementsAre(1, 0)) << datatype;
    }
  };
  const auto add = [](auto* list) {
    list->Add(1);
    list->Add(0);
  };
  reads("FP32", Bytes<float>({1, 0}), [&](auto& c) { add(c.mutable_fp32_contents()); });
  reads("FP64", Bytes<double>({1, 0}), [&](auto& c) { add(c.mutable_fp64_contents()); });
  reads("INT8", Bytes<int8_t>({1, 0}), [&](auto& c) { add(c.mutable_int_contents()); });
  reads("INT16", Bytes<int16_t>({1, 0}), [&](auto& c) { add(c.mutable_int_contents()); });
  reads("INT32", Bytes<int32_t>({1, 0}), [&](auto& c) { add(c.mutable_int_contents()); });
  reads("INT64", Bytes<int64_t>({1, 0}), [&](auto& c) { add(c.mutable_int64_contents()); });
  reads("UINT8", Bytes<uint8_t>({1, 0}), [&](auto& c) { add(c.mutable_uint_contents()); });
  reads("UINT16", Bytes<uint16_t>({1, 0}), [&](auto& c) { add(c.mutable_uint_contents()); });
  reads("UINT32", Bytes<uint32_t>({1, 0}), [&](auto& c) { add(c.mutable_uint_contents()); });
  reads("UINT64", Bytes<uint64_t>({1, 0}), [&](auto& c) { add(c.mutable_uint64_contents()); });
  reads("BOOL", Bytes<uint8_t>({1, 0}), [&](auto& c) { add(c.mutable_bool_contents()); });
}

TEST(InferTensors, AnyByteThatIsNotZeroIsTrue) {
  inference::ModelInferRequest request;
  AddInput(request, "x", {1, 2}, "BOOL");
  request.add_raw_input_contents("\xff\2");
  EXPECT_THAT(Floats(ReadInferRequest(request, OneInput())->inputs), ElementsAre(1, 1));
}

TEST(InferTensors, NarrowIntegersHoldTheirRangeAlone) {
  const auto code = [](const std::string& datatype, int64_t value) {
    inference::ModelInferRequest request;
    auto& contents = *AddInput(request, "x", {1, 2}, datatype).mutable_contents();
    for (const int64_t each : {int64_t{0}, value}) {
      if (datatype[0] == 'U') {
        contents.add_uint_contents(static_cast<uint32_t>(each));
      } else {
        contents.add_int_contents(static_cast<int32_t>(each));
      }
    }
    return ReadInferRequest(request, OneInput()).status().code();
  };
  const std::tuple<std::string, int64_t, int64_t> ranges[] = {
      {"INT8", -128, 127}, {"INT16", -32768, 32767}, {"UINT8", 0, 255}, {"UINT16", 0, 65535}};
  for (const auto& [datatype, least, most] : ranges) {
    EXPECT_EQ(code(datatype, least), absl::StatusCode::kOk) << datatype;
    EXPECT_EQ(code(datatype, most), absl::StatusCode::kOk) << datatype;
    EXPECT_EQ(code(datatype, least - 1), absl::StatusCode::kInvalidArgument) << datatype;
    EXPECT_EQ(code(datatype, most + 1), absl::StatusCode::kInvalidArgument) << datatype;
  }
}

TEST(InferTensors, AReplyHoldsTheOutputsThatAreAskedFor) {
  // Of a row, 400 KB and 4 bytes.
  const Signature signature = {.inputs = {{"input", {1}, 1}},
                               .outputs = {{"wide", {100'000}, 100'000}, {"score", {1}, 1}}};
  const auto code = [&](int64_t rows, const std::string& output) {
    inference::ModelInferRequest request;
    auto& input = AddInput(request, "input", {rows, 1});
    for (int64_t i = 0; i < rows; ++i) input.mutable_contents()->add_fp32_contents(0);
    request.add_outputs()->set_name(output);
    return ReadInferRequest(request, signature).status().code();
  };
  EXPECT_EQ(code(10, "wide"), absl::StatusCode::kOk);
  EXPECT_EQ(code(11, "wide"), absl::StatusCode::kInvalidArgument);
  EXPECT_EQ(code(11, "score"), absl::StatusCode::kOk);
  // The model gives all of them.
  EXPECT_EQ(code(42, "score"), absl::StatusCode::kInvalidArgument);
}

TEST(InferTensors, OfALongShapeTheBeginningIsShown) {
  inference::ModelInferRequest request;
  AddInput(request, "x", std::vector<int64_t>(100'000, 7));
  const absl::Status status = ReadInferRequest(request, OneInput()).status();
  EXPECT_LT(status.message().size(), 200U);
  EXPECT_THAT(std::string(status.message()), HasSubstr("7, 7, ...] is not [rows, 2]"));
}

TEST(InferTensors, WhatDoesNotFitIsToldByItsField) {
  const auto refused = [](const std::string& field, const std::string& words, auto change) {
    inference::ModelInferRequest request = TwoRows();
    change(request);
    const absl::Status status = ReadInferRequest(request, TwoInputs()).status();
    EXPECT_EQ(status.code(), absl::StatusCode::kInvalidArgument) << field;
    EXPECT_EQ(base::FieldOf(status), field) << status;
    EXPECT_THAT(std::string(status.message()), HasSubstr(words));
  };
  refused("inputs[0].name", "one of \"pixels\", \"age\"",
          [](auto& r) { r.mutable_inputs(0)->set_name("x"); });
  refused("inputs[1].name", "twice", [](auto& r) { r.mutable_inputs(1)->set_name("age"); });
  refused("inputs", "\"pixels\" is missing", [](auto& r) { r.mutable_inputs()->RemoveLast(); });
  refused("inputs[1].shape", "[2, 4] is not [rows, 2, 2]", [](auto& r) {
    r.mutable_inputs(1)->clear_shape();
    r.mutable_inputs(1)->add_shape(2);
    r.mutable_inputs(1)->add_shape(4);
  });
  refused("inputs[1].shape", "", [](auto& r) { r.mutable_inputs(1)->set_shape(0, 0); });
  refused("inputs[1].shape", "", [](auto& r) { r.mutable_inputs(1)->clear_shape(); });
  refused("inputs[1].shape", "at most",
          [](auto& r) { r.mutable_inputs(1)->set_shape(0, INT64_MAX); });
  refused("inputs[0].shape", "as many as the other inputs have, 2", [](auto& r) {
    r.mutable_inputs(0)->set_shape(0, 3);
    r.mutable_inputs(0)->mutable_contents()->add_int64_contents(1);
  });
  refused("inputs[1].datatype", "\"FP16\" is not FP32, ",
          [](auto& r) { r.mutable_inputs(1)->set_datatype("FP16"); });
  refused("inputs[1].contents", "0 values of FP32 is not the 8",
          [](auto& r) { r.mutable_inputs(1)->set_datatype("FP32"); });
  refused("inputs[1].contents", "7 values", [](auto& r) {
    r.mutable_inputs(1)->mutable_contents()->mutable_uint_contents()->RemoveLast();
  });
  refused("raw_input_contents", "one for each of the 2",
          [](auto& r) { r.add_raw_input_contents("x"); });
  refused("inputs[1].contents", "not together", [](auto& r) {
    r.add_raw_input_contents(std::string(16, '\0'));
    r.add_raw_input_contents(std::string(8, '\0'));
  });
  refused("raw_input_contents[1]", "7 bytes", [](auto& r) {
    r.mutable_inputs(1)->clear_contents();
    r.add_raw_input_contents(std::string(16, '\0'));
    r.add_raw_input_contents(std::string(7, '\0'));
  });
  refused("outputs[0].name", "one of \"class\", \"score\"",
          [](auto& r) { r.add_outputs()->set_name("dense"); });
  refused("outputs[1].name", "twice", [](auto& r) {
    r.add_outputs()->set_name("score");
    r.add_outputs()->set_name("score");
  });
}

TEST(InferTensors, OutputsComeAsTheyWereAskedFor) {
  inference::ModelInferRequest request = TwoRows();
  request.add_outputs()->set_name("score");
  request.add_outputs()->set_name("class");
  const auto read = ReadInferRequest(request, TwoInputs());
  ASSERT_TRUE(read.ok()) << read.status();
  const std::string values = Bytes<float>({1, 2, 3, 4, 5, 6, 0.5, 0.25});
  inference::ModelInferResponse listed;
  ASSERT_TRUE(FillInferResponse(request, *read, TwoInputs(), values, &listed).ok());
  ASSERT_EQ(listed.outputs_size(), 2);
  EXPECT_EQ(listed.outputs(0).name(), "score");
  EXPECT_THAT(listed.outputs(0).shape(), ElementsAre(2, 1));
  EXPECT_THAT(listed.outputs(0).contents().fp32_contents(), ElementsAre(0.5, 0.25));
  EXPECT_THAT(listed.outputs(1).contents().fp32_contents(), ElementsAre(1, 2, 3, 4, 5, 6));
  EXPECT_EQ(listed.raw_output_contents_size(), 0);

  request.add_raw_input_contents("");
  inference::ModelInferResponse raw;
  ASSERT_TRUE(FillInferResponse(request, *read, TwoInputs(), values, &raw).ok());
  EXPECT_FALSE(raw.outputs(0).has_contents());
  EXPECT_THAT(Floats(raw.raw_output_contents(0)), ElementsAre(0.5, 0.25));
}

TEST(InferTensors, AnAnswerOfAnotherSizeIsOurFault) {
  const auto read = ReadInferRequest(TwoRows(), TwoInputs());
  inference::ModelInferResponse response;
  EXPECT_EQ(FillInferResponse(TwoRows(), *read, TwoInputs(), "1234", &response).code(),
            absl::StatusCode::kInternal);
}

}  // namespace
}  // namespace gradus::api
