// SPDX-License-Identifier: Apache-2.0
#include "proto/support/yaml_printer.h"

#include <google/protobuf/util/message_differencer.h>
#include <gtest/gtest.h>

#include <random>
#include <string>

#include "gradus/v1/job.pb.h"
#include "gradus/v1/worker_service.pb.h"
#include "proto/support/parse.h"
#include "tests/unit/proto/support/random_message.h"

namespace gradus::support {
namespace {

TEST(PrintYaml, LooksLikeAJobFile) {
  const std::string text = R"(name: fashion-a
model:
  input_shape: [28, 28]
  layers:
    - flatten
    - dense:
        units: 100
        activation: relu
        kernel_initializer:
          variance_scaling:
            scale: 2
            mode: fan_avg
    - name: out
      dense:
        units: 8
data:
  train:
    dataset: fashion-mnist
    range: [0, 55000]
    scale: 0.00392156862745098
loss: sparse_categorical_crossentropy
optimizer:
  sgd:
    learning_rate: 1.0e-05
metrics:
  - accuracy
fit:
  seed: 18446744073709551615
  shuffle: false
  checkpoint: {}
  workers: 4
time_limit: "2h"
)";
  const auto spec = Parse<v1::JobSpec>(text);
  ASSERT_TRUE(spec.ok()) << spec.status();
  EXPECT_EQ(PrintYaml(*spec), text);
}

TEST(PrintYaml, ARangeOfSeveralValuesSaysBothEnds) {
  const auto spec = Parse<v1::JobSpec>("fit: {workers: {max: 4, min: 2}}");
  ASSERT_TRUE(spec.ok()) << spec.status();
  EXPECT_EQ(PrintYaml(*spec), "fit:\n  workers:\n    min: 2\n    max: 4\n");
}

TEST(PrintYaml, SaysNothingSetInABraceOfItsOwn) { EXPECT_EQ(PrintYaml(v1::JobSpec()), "{}\n"); }

template <typename Message>
void ExpectReadsBack(uint64_t seed) {
  std::mt19937_64 random(seed);
  for (int i = 0; i < 300; ++i) {
    Message message;
    testing::FillRandomly(random, 8, message);
    const std::string text = PrintYaml(message);
    const auto back = Parse<Message>(text);
    ASSERT_TRUE(back.ok()) << back.status() << "\n" << text;
    EXPECT_TRUE(google::protobuf::util::MessageDifferencer::Equals(message, *back)) << text;
  }
}

TEST(PrintYaml, ReadsBackTheSameForJobs) { ExpectReadsBack<v1::Job>(1); }
TEST(PrintYaml, ReadsBackTheSameForEvents) { ExpectReadsBack<v1::EventBatch>(2); }
TEST(PrintYaml, ReadsBackTheSameForDatasets) { ExpectReadsBack<v1::Dataset>(3); }

}  // namespace
}  // namespace gradus::support
