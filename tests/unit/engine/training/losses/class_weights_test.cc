// SPDX-License-Identifier: Apache-2.0
// Rows times the weight of their class.
#include "engine/training/losses/class_weights.h"

#include <gtest/gtest.h>

#include <cmath>
#include <limits>

namespace gradus::losses {
namespace {

v1::Loss Sparse() {
  v1::Loss loss;
  loss.mutable_sparse_categorical_crossentropy();
  EXPECT_TRUE(Check(loss).ok());
  return loss;
}
v1::Loss Categorical() {
  v1::Loss loss;
  loss.mutable_categorical_crossentropy();
  EXPECT_TRUE(Check(loss).ok());
  return loss;
}

Target TargetOf(const v1::Loss& loss, int64_t width) {
  return Find(loss)->target(loss, {&width, 1}).value();
}

ClassWeights Weights(std::vector<std::pair<int64_t, double>> list) {
  return ClassWeights(list.begin(), list.end());
}

struct Result {
  double sum = 0;
  std::vector<float> diff;
};

Result Run(const v1::Loss& loss, const ClassWeights& weights, std::vector<float> predictions,
           void* targets, int64_t rows) {
  const int64_t width = static_cast<int64_t>(predictions.size()) / rows;
  Result result;
  result.diff.resize(predictions.size());
  void* prediction_pointer = predictions.data();
  void* diff_pointer = result.diff.data();
  const auto kernel = LowerWeighted(loss, weights, TargetOf(loss, width),
                                    {.predictions = &prediction_pointer,
                                     .targets = &targets,
                                     .diff = &diff_pointer,
                                     .sum = &result.sum,
                                     .rows = rows,
                                     .width = width,
                                     .scale = 1.0F / static_cast<float>(rows)})
                          .value();
  EXPECT_TRUE(kernel->Run().ok());
  EXPECT_NE(kernel->Describe(), "");
  return result;
}

TEST(ClassWeights, TimesEachRowsLossAndGradient) {
  std::vector<int32_t> labels = {0, 1};
  const Result result =
      Run(Sparse(), Weights({{1, 3}}), {0.5F, 0.5F, 0.75F, 0.25F}, labels.data(), 2);
  // Class 0 has the weight 1.
  EXPECT_NEAR(result.sum, std::log(2) + 3 * std::log(4), 1e-6);
  // -w / (p rows): two rows, whatever they weigh.
  EXPECT_EQ(result.diff, (std::vector<float>{-1, 0, 0, -6}));
}

TEST(ClassWeights, OfADistributionThatOfItsLargestClass) {
  std::vector<float> targets = {0, 1, 0.75F, 0.25F};
  const Result result =
      Run(Categorical(), Weights({{0, 0}, {1, 2}}), {0.5F, 0.5F, 0.5F, 0.5F}, targets.data(), 2);
  EXPECT_NEAR(result.sum, 2 * std::log(2), 1e-6);
  EXPECT_EQ(result.diff[2], 0);
}

TEST(ClassWeights, ALabelThatIsNoClassStaysNoNumber) {
  std::vector<int32_t> labels = {7};
  EXPECT_TRUE(std::isnan(Run(Sparse(), Weights({{0, 0}}), {0.5F, 0.5F}, labels.data(), 1).sum));
}

TEST(ClassWeights, AreRefusedWhereThereAreNoClasses) {
  v1::Loss squared;
  squared.mutable_mean_squared_error();
  EXPECT_EQ(Check(Weights({{0, 1}}), *Find(squared), TargetOf(squared, 2)).message(),
            "[0]: does not fit mean_squared_error, whose targets are no classes");
  EXPECT_TRUE(Check(Weights({}), *Find(squared), TargetOf(squared, 2)).ok());
}

TEST(ClassWeights, AreRefusedForClassesThatAreNone) {
  const v1::Loss loss = Sparse();
  const Target target = TargetOf(loss, 3);
  EXPECT_TRUE(Check(Weights({{0, 0}, {2, 1e6}}), *Find(loss), target).ok());
  EXPECT_EQ(Check(Weights({{3, 1}}), *Find(loss), target).message(),
            "[3]: is no class, which are 0 to 2");
  EXPECT_EQ(Check(Weights({{-1, 1}}), *Find(loss), target).message(),
            "[-1]: is no class, which are 0 to 2");
  EXPECT_EQ(Check(Weights({{1, -2}}), *Find(loss), target).message(),
            "[1]: -2 is not a finite number, 0 or more");
  for (const double weight : {std::numeric_limits<double>::infinity(), std::nan("")})
    EXPECT_FALSE(Check(Weights({{1, weight}}), *Find(loss), target).ok()) << weight;
}

}  // namespace
}  // namespace gradus::losses
