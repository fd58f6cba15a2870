// SPDX-License-Identifier: Apache-2.0
// Rows out of files of every form, and how answers are shown.
#include "client/cli/model/predict_input.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "tests/unit/client/cli/testing.h"

namespace gradus::cli {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;

// Takes rows of 2 x 2.
inference::ModelMetadataResponse TwoByTwo() {
  inference::ModelMetadataResponse model;
  auto& input = *model.add_inputs();
  input.set_name("input");
  for (const int64_t dimension : {-1, 2, 2}) input.add_shape(dimension);
  return model;
}

std::vector<float> ValuesOf(absl::string_view text) {
  const auto inputs = ParsePredictInput(text, TwoByTwo());
  EXPECT_TRUE(inputs.ok()) << inputs.status();
  if (!inputs.ok()) return {};
  EXPECT_THAT((*inputs)[0].shape, ElementsAre((*inputs)[0].values.size() / 4, 2, 2));
  return (*inputs)[0].values;
}

TEST(PredictInput, EveryFormGivesTheSameRows) {
  const auto rows = ElementsAre(1, 2, 3, 4, 5, 6, 7, 8);
  EXPECT_THAT(ValuesOf("[[[1, 2], [3, 4]], [[5, 6], [7, 8]]]"), rows);
  EXPECT_THAT(ValuesOf("[[1, 2, 3, 4], [5, 6, 7, 8]]"), rows);
  EXPECT_THAT(ValuesOf(R"({"inputs": [{"name": "input", "shape": [2, 2, 2], "datatype": "FP32",
                           "data": [1, 2, 3, 4, 5, 6, 7, 8]}]})"),
              rows);
  EXPECT_THAT(ValuesOf("a,b,c,d\n1,2,3,4\r\n\n5, 6, 7, 8\n"), rows);
  EXPECT_THAT(ValuesOf("1 2 3 4\n5;6;7;8"), rows);
  EXPECT_THAT(ValuesOf(absl::string_view("\0\0\x08\x03\0\0\0\x02\0\0\0\x02\0\0\0\x02"
                                         "\x01\x02\x03\x04\x05\x06\x07\x08",
                                         24)),
              rows);
  EXPECT_THAT(ValuesOf(absl::string_view("\0\0\x0B\x02\0\0\0\x01\0\0\0\x04"
                                         "\0\x01\0\x02\xff\xff\x01\0",
                                         20)),
              ElementsAre(1, 2, -1, 256));
  EXPECT_THAT(ValuesOf("[1, 2, 3, 4]"), ElementsAre(1, 2, 3, 4));
}

TEST(PredictInput, WhatIsWrongIsTold) {
  const auto refused = [](absl::string_view text, const std::string& words) {
    const absl::Status status = ParsePredictInput(text, TwoByTwo()).status();
    EXPECT_EQ(status.code(), absl::StatusCode::kInvalidArgument) << text;
    EXPECT_THAT(std::string(status.message()), HasSubstr(words)) << text;
  };
  refused("", "0 values in 0 rows");
  refused("1,2,3,4\n1,2,3\n", "line 2 has 3 values, but \"input\" takes rows of 2 x 2");
  refused("1,2,3,4\n1,2,x,4\n", "line 2: \"x\" is not a number");
  refused("[[1, 2, 3]]", "row 0 has 3 values, but \"input\" takes rows of 2 x 2");
  refused("[[1, 2, 3, 4], [5, 6, 7], [8, 9, 10, 11, 12]]", "row 1 has 3 values");
  refused("[[1, 2, 3, 4], 5]", "row 1 has 0 values");
  refused("[[[1, 2], [3, 4]], [[1], [2, 3, 4]]]", "row 1 has lists of several lengths");
  refused("[[[1, 2], 3, 4]]", "row 0 has lists of several lengths");
  refused("[[1, 2, 3, \"4\"]]", "no number");
  refused("{\"rows\": []}", "\"inputs\"");
  refused("{\"inputs\": [{\"name\": \"x\", \"data\": []}]}", "no input \"x\"");
  refused("{\"inputs\": [{\"name\": \"input\", \"shape\": [1, 4], \"data\": [1, 2, 3, 4]}]}",
          "the shape [1, 4]");
  refused("{\"inputs\": [{\"shape\": [2, 2, 2], \"data\": [1, 2, 3, 4]}]}",
          "the shape [2, 2, 2] is not that of 1 rows");
  refused("{\"inputs\": [{\"shape\": [2, 2, 2], \"data\": [[1, 2, 3], [4, 5, 6, 7, 8]]}]}",
          "row 0 has 3 values");
  refused("[[1, 2", "no JSON");
  refused("\x1f\x8b", "gunzip");
  refused(absl::string_view("\0\0\x08\x03\0\0", 6), "within its header");
  refused(absl::string_view("\0\0\x08\x01\xff\xff\xff\xff\x01", 9), "1 values in 4294967295 rows");
  refused(absl::string_view("\0\0\x07\x01\0\0\0\x01\x01", 9), "unknown type 7");
}

class ModelPredict : public testing::CliTest {
 protected:
  // Gives what it takes.
  ModelPredict() {
    auto& input = *server->metadata.add_inputs();
    input.set_name("input");
    for (const int64_t dimension : {-1, 3}) input.add_shape(dimension);
    *server->metadata.add_outputs() = input;
    server->metadata.mutable_outputs(0)->set_name("dense");
    v1::Model version;
    version.set_name("m");
    version.set_version(3);
    for (const char* ref : {"m", "m@prod"}) server->models[ref] = version;
  }
};

TEST_F(ModelPredict, ProbabilitiesAreShownAsTheirClass) {
  const std::string file = folder.Write("rows.csv", "0.1,0.7,0.2\n0.5,0.25,0.25\n");
  EXPECT_EQ(Run({"model", "predict", "m@prod", "--input", file}), 0) << err();
  EXPECT_EQ(out(), "ROW  CLASS  PROBABILITY\n  0      1       0.7000\n  1      0       0.5000\n");
  EXPECT_THAT(err(), HasSubstr("answered by m@3"));
  // The version that the alias meant when its metadata was read.
  EXPECT_EQ(server->inferred[0].model_name(), "m@3");
  EXPECT_EQ(Run({"model", "predict", "m", "--input", file, "-q"}), 0);
  EXPECT_EQ(out(), "1\n0\n");
}

TEST_F(ModelPredict, OtherValuesAreShownAsTheyAre) {
  const std::string file = folder.Write("rows.json", "[[1, 2, 4]]");
  EXPECT_EQ(Run({"model", "predict", "m", "-i", file, "--scale", "0.5", "--offset", "-1"}), 0)
      << err();
  EXPECT_EQ(out(), "ROW  dense\n  0  -0.5 0 1\n");
  EXPECT_EQ(Run({"model", "predict", "m", "-i", file, "-q"}), 0);
  EXPECT_EQ(out(), "1 2 4\n");
}

TEST_F(ModelPredict, TheReplyIsWrittenAsJson) {
  const std::string file = folder.Write("rows.json", "[[1, 2, 4]]");
  EXPECT_EQ(Run({"model", "predict", "m", "-i", file, "-o", folder / "reply.json", "--json"}), 0)
      << err();
  EXPECT_THAT(out(), HasSubstr("\"fp32_contents\":[1,2,4]"));
  EXPECT_EQ(folder.Read("reply.json"), out());
}

TEST_F(ModelPredict, WrongUsageAsksTheServerNothing) {
  const std::string file = folder.Write("rows.json", "[[1, 2, 4]]");
  EXPECT_EQ(Run({"model", "predict", "m"}), 2);
  EXPECT_THAT(err(), HasSubstr("--input FILE is required"));
  EXPECT_EQ(Run({"model", "predict", "m", "-i", file, "--scale", "much"}), 2);
  EXPECT_EQ(server->calls, 0);
}

}  // namespace
}  // namespace gradus::cli
