// SPDX-License-Identifier: Apache-2.0
// Any number of rows becomes requests that a server takes, and one answer.
#include "gradus/predict.h"

#include <gtest/gtest.h>

#include "tests/unit/client/lib/testing.h"

namespace gradus {
namespace {

class PredictTest : public ::testing::Test {
 protected:
  PredictTest() {
    auto& output = *server->metadata.add_outputs();
    output.set_name("dense");
    for (const int64_t dimension : {-1, 784}) output.add_shape(dimension);
  }
  static PredictInput Rows(int64_t rows) {
    PredictInput input{.name = "input", .shape = {rows, 784}, .values = {}};
    for (int64_t i = 0; i < rows * 784; ++i) input.values.push_back(static_cast<float>(i));
    return input;
  }

  std::shared_ptr<testing::FakeConnection> server = std::make_shared<testing::FakeConnection>();
  const Client client{server, testing::Impatient()};
};

TEST_F(PredictTest, ManyRowsAreSeveralRequestsOfOneVersion) {
  const PredictInput input = Rows(1000);
  const auto response = Predict(client, "m@prod", {input});
  ASSERT_TRUE(response.ok()) << response.status();
  ASSERT_EQ(response->outputs_size(), 1);
  EXPECT_EQ(response->outputs(0).shape(0), 1000);
  const auto& values = response->outputs(0).contents().fp32_contents();
  EXPECT_TRUE(std::equal(values.begin(), values.end(), input.values.begin(), input.values.end()));
  EXPECT_EQ(response->raw_output_contents_size(), 0);

  ASSERT_EQ(server->inferred.size(), 4U);
  EXPECT_EQ(server->inferred[0].model_name(), "m@prod");
  for (size_t i = 1; i < server->inferred.size(); ++i) {
    EXPECT_EQ(server->inferred[i].model_name(), "m");
    EXPECT_EQ(server->inferred[i].model_version(), "3");
  }
  for (const auto& request : server->inferred) EXPECT_LT(request.ByteSizeLong(), size_t{1} << 20);
}

TEST_F(PredictTest, AnAnswerWithoutTheRowsIsRefused) {
  server->shapeless = true;
  EXPECT_EQ(Predict(client, "m", {Rows(2)}).status().code(), absl::StatusCode::kInternal);
}

TEST_F(PredictTest, ValuesThatAreNotTheShapesAreRefusedAtHome) {
  PredictInput few = Rows(2);
  few.values.pop_back();
  PredictInput none = Rows(0);
  PredictInput other = Rows(3);
  other.name = "other";
  for (const std::vector<PredictInput>& inputs :
       {std::vector<PredictInput>{few}, {none}, {Rows(2), other}}) {
    EXPECT_EQ(Predict(client, "m", inputs).status().code(), absl::StatusCode::kInvalidArgument);
  }
  EXPECT_EQ(server->calls, 0);
}

}  // namespace
}  // namespace gradus
