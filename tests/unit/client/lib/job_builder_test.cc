// SPDX-License-Identifier: Apache-2.0
#include "gradus/job_builder.h"

#include <google/protobuf/util/message_differencer.h>
#include <gtest/gtest.h>

#include "proto/support/parse.h"
#include "proto/support/status.h"

namespace gradus {
namespace {

TEST(JobBuilder, SaysWhatAJobFileSays) {
  const auto built = JobBuilder("a")
                         .Input({28, 28})
                         .Layer("flatten")
                         .Layer("dense: {units: 100, activation: relu}")
                         .Layer("{name: out, dense: {units: 8, activation: softmax}}")
                         .Train(ViewBuilder("d").Range(0, 100).Labels({1, 3}).Take(50).Scale(0.5))
                         .Validation(ViewBuilder("d").Range(100, 120))
                         .Test(ViewBuilder("d", "test"))
                         .Loss("sparse_categorical_crossentropy")
                         .Optimizer("sgd: {learning_rate: 0.001}")
                         .Metric("accuracy")
                         .BatchSize(16)
                         .Seed(42)
                         .Stage("epochs: 4, freeze: [out]")
                         .Publish("m")
                         .Set("time_limit", "2h")
                         .Build();
  ASSERT_TRUE(built.ok()) << built.status();
  const auto parsed = support::Parse<v1::JobSpec>(R"(
name: a
model:
  input_shape: [28, 28]
  layers: [flatten, dense: {units: 100, activation: relu}, {name: out, dense: {units: 8, activation: softmax}}]
data:
  train: {dataset: d, split: train, range: [0, 100], labels: [1, 3], take: 50, scale: 0.5, offset: 0}
  validation: {dataset: d, split: train, range: [100, 120]}
  test: {dataset: d, split: test}
loss: sparse_categorical_crossentropy
optimizer: {sgd: {learning_rate: 0.001}}
metrics: accuracy
fit: {batch_size: 16, seed: 42, stages: [{epochs: 4, freeze: out}]}
publish: {model: m}
time_limit: 2h
)");
  ASSERT_TRUE(parsed.ok()) << parsed.status();
  EXPECT_TRUE(google::protobuf::util::MessageDifferencer::Equals(*built, *parsed))
      << built->DebugString();
}

TEST(JobBuilder, AnswersTheFirstWrongStep) {
  const auto spec =
      JobBuilder("a").Layer("flatten").Layer("dense: {unitz: 3}").Loss("nonsense").Build();
  EXPECT_EQ(spec.status().message(),
            "model.layers[1].dense.unitz: unknown key; did you mean \"units\"?");
  EXPECT_EQ(support::FieldOf(spec.status()), "model.layers[1].dense.unitz");
}

TEST(JobBuilder, ChangesAJobFile) {
  const auto spec = JobBuilder::FromText("{name: a, fit: {epochs: 3}}").Epochs(7).Build();
  ASSERT_TRUE(spec.ok());
  EXPECT_EQ(spec->fit().epochs(), 7);
  EXPECT_FALSE(JobBuilder::FromText("{nam: a}").Build().ok());
}

}  // namespace
}  // namespace gradus
