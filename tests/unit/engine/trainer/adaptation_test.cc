// SPDX-License-Identifier: Apache-2.0
// Layers that adapt: to the training rows, before the first step, once.
#include <gtest/gtest.h>

#include <cmath>
#include <cstring>

#include "engine/formats/safetensors.h"
#include "tests/unit/engine/trainer/training_fixture.h"

namespace gradus::trainer {
namespace {

// The small job behind a normalization.
v1::JobSpec NormalizedJob() {
  v1::JobSpec job = SmallJob();
  const v1::ModelSpec model = job.model();
  job.mutable_model()->clear_layers();
  job.mutable_model()->add_layers()->mutable_normalization();
  for (const v1::Layer& layer : model.layers()) *job.mutable_model()->add_layers() = layer;
  return job;
}

std::vector<float> WeightOf(const TrainResult& result, const std::string& name) {
  return trainer::WeightOf(result.weights, name);
}

TEST(Adaptation, TakesMeanAndVarianceOfTheTrainingViewsRows) {
  Training training(NormalizedJob());
  const auto result = training.Run();
  ASSERT_TRUE(result.ok()) << result.status();
  EXPECT_GT(result->metrics.at("val_accuracy"), 0.8);

  const v1::Column& x = training.data.dataset().splits(0).columns(0);
  const auto file = training.data.opener()(x.blob()).value();
  const auto* values = reinterpret_cast<const uint8_t*>(file->bytes().data());
  for (size_t column = 0; column < 12; ++column) {
    double sum = 0;
    double squares = 0;
    for (size_t row = 0; row < 203; ++row) {
      const double value = values[row * 12 + column] / 255.0;
      sum += value;
      squares += value * value;
    }
    const double mean = sum / 203;
    EXPECT_NEAR(static_cast<double>(WeightOf(*result, "normalization/mean")[column]), mean, 1e-6);
    EXPECT_NEAR(static_cast<double>(WeightOf(*result, "normalization/variance")[column]),
                squares / 203 - mean * mean, 1e-6);
  }
}

TEST(Adaptation, OutlivesAResume) {
  Training whole(NormalizedJob());
  const auto undisturbed = whole.Run();
  ASSERT_TRUE(undisturbed.ok()) << undisturbed.status();
  Training broken(NormalizedJob());
  ASSERT_TRUE(broken.RunUntil(3).ok());
  const auto resumed = broken.Run();
  ASSERT_TRUE(resumed.ok()) << resumed.status();
  EXPECT_EQ(resumed->weights_sha256, undisturbed->weights_sha256);
}

}  // namespace
}  // namespace gradus::trainer
