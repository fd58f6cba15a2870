// SPDX-License-Identifier: Apache-2.0
// Embedding: what it refuses, what it fills in, numbers outside of the table, sums of gradients.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cmath>

#include "tests/support/guarded.h"
#include "tests/unit/engine/layers/layer_run.h"

namespace gradus::layers {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;

v1::Layer Spec(int64_t input_dim, int64_t output_dim) {
  v1::Layer layer;
  layer.mutable_embedding()->set_input_dim(input_dim);
  layer.mutable_embedding()->set_output_dim(output_dim);
  return layer;
}

TEST(Embedding, AddsAnAxisAndStartsAsKerasDoes) {
  EXPECT_THAT(InferredShape(Spec(10, 4), {{6}}), ElementsAre(6, 4));
  EXPECT_THAT(InferredShape(Spec(10, 4), {{2, 3}}), ElementsAre(2, 3, 4));
  v1::Layer layer = Spec(10, 4);
  ASSERT_TRUE(Find(layer)->check(layer).ok());
  const Weight table = Find(layer)->weights(layer, std::vector<Shape>{{6}}).at(0);
  EXPECT_EQ(table.name, "embeddings");
  EXPECT_THAT(table.shape, ElementsAre(10, 4));
  EXPECT_EQ(table.initializer.random_uniform().minval(), -0.05);
  EXPECT_EQ(table.initializer.random_uniform().maxval(), 0.05);
}

TEST(Embedding, NamesWhatIsWrong) {
  EXPECT_THAT(CheckMessage(Spec(0, 4)),
              HasSubstr("input_dim: 0 is not a number from 1 to 16777216"));
  EXPECT_THAT(CheckMessage(Spec(4, 0)),
              HasSubstr("output_dim: 0 is not a number from 1 to 1048576"));
  EXPECT_THAT(CheckMessage(Spec(16777217, 1)), HasSubstr("input_dim: 16777217 is not"));
}

// A table of 3 rows of 2, on 5 numbers.
class EmbeddingRun : public testing::Test {
 protected:
  std::unique_ptr<kernels::CompiledOperation> Compiled() {
    v1::Layer layer = Spec(3, 2);
    EXPECT_TRUE(Find(layer)->check(layer).ok());
    operation_ = std::move(Find(layer)->lower(layer, std::vector<Shape>{{5}}).at(0).operation);
    return operation_->Compile({}, {}).value();
  }
  static void Run(absl::StatusOr<kernels::Kernels> kernels) {
    ASSERT_TRUE(kernels.ok());
    for (const auto& kernel : *kernels) ASSERT_TRUE(kernel->Run().ok());
  }
  static test_support::Guarded Place(const std::vector<float>& values) {
    return test_support::Guarded(std::span<const float>(values));
  }

  std::unique_ptr<const kernels::Operation> operation_;
  test_support::Guarded table_ = Place({1, 2, 3, 4, 5, 6});
};

TEST_F(EmbeddingRun, GivesNaNForWhatIsNotInTheTable) {
  const auto compiled = Compiled();
  test_support::Guarded src = Place({2, 3, -1, NAN, 0});
  test_support::Guarded dst(10 * sizeof(float));
  Run(compiled->Forward({.srcs = {src.cell()}, .dst = dst.cell(), .weights = {table_.cell()}}));
  const std::span<const float> y = dst.floats();
  EXPECT_THAT(y.first(2), ElementsAre(5, 6));
  for (size_t i = 2; i < 8; ++i) EXPECT_TRUE(std::isnan(y[i])) << i;
  EXPECT_THAT(y.last(2), ElementsAre(1, 2));
  EXPECT_TRUE(dst.Intact());
}

TEST_F(EmbeddingRun, AddsUpTheGradientsOfOneNumber) {
  const auto compiled = Compiled();
  test_support::Guarded src = Place({2, 2, 1e9F, 0, 2});
  test_support::Guarded diff_dst = Place({1, 2, 10, 20, 7, 7, 3, 4, 100, 200});
  test_support::Guarded diff_table(6 * sizeof(float));
  test_support::Guarded diff_src(5 * sizeof(float));
  Run(compiled->Backward({.srcs = {src.cell()},
                          .diff_dst = diff_dst.cell(),
                          .diff_srcs = {diff_src.cell()},
                          .weights = {table_.cell()},
                          .diff_weights = {diff_table.cell()}}));
  EXPECT_THAT(diff_table.floats(), ElementsAre(3, 4, 0, 0, 111, 222));
  EXPECT_THAT(diff_src.floats(), ElementsAre(0, 0, 0, 0, 0));
  EXPECT_TRUE(diff_table.Intact() && diff_src.Intact());
}

}  // namespace
}  // namespace gradus::layers
