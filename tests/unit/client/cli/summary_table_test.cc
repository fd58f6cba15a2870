// SPDX-License-Identifier: Apache-2.0
#include "client/cli/summary_table.h"

#include <gtest/gtest.h>

#include "proto/support/parse.h"

namespace gradus::cli {
namespace {

TEST(SummaryTable, LooksLikeKerass) {
  const auto summary = support::Parse<v1::ModelSummary>(R"(
layers:
  - {name: flatten, type: flatten, output_shape: [784], params: 0, trainable: true}
  - {name: dense, type: dense, output_shape: [100], params: 78500, trainable: false}
  - {name: bn, type: batch_normalization, output_shape: [28, 28], params: 4, trainable: true}
total_params: 78504
trainable_params: 4
non_trainable_params: 78500
)");
  ASSERT_TRUE(summary.ok()) << summary.status();
  EXPECT_EQ(SummaryTable("fashion-a@1", *summary), R"(Model: "fashion-a@1"
================================================
Layer (type)             Output Shape    Param #
================================================
flatten (Flatten)        (None, 784)           0
dense (Dense) frozen     (None, 100)      78,500
bn (BatchNormalization)  (None, 28, 28)        4
================================================
Total params: 78,504
Trainable params: 4
Non-trainable params: 78,500
)");
}

TEST(SummaryTable, SaysWhatALayerOfAGraphIsConnectedTo) {
  const auto summary = support::Parse<v1::ModelSummary>(R"(
layers:
  - {name: a, type: dense, output_shape: [4], params: 20, trainable: true}
  - {name: b, type: dense, output_shape: [4], params: 20, trainable: true}
  - {name: add, type: add, output_shape: [4], params: 0, trainable: true, inputs: [a, b]}
total_params: 40
trainable_params: 40
)");
  ASSERT_TRUE(summary.ok()) << summary.status();
  EXPECT_EQ(SummaryTable("skip", *summary), R"(Model: "skip"
=================================================
Layer (type)  Output Shape  Param #  Connected to
=================================================
a (Dense)     (None, 4)          20  input
b (Dense)     (None, 4)          20  a
add (Add)     (None, 4)           0  a, b
=================================================
Total params: 40
Trainable params: 40
Non-trainable params: 0
)");
}

}  // namespace
}  // namespace gradus::cli
