// SPDX-License-Identifier: Apache-2.0
// The choice of cores and shards, and the estimate of memory.
#include "engine/graph/resources.h"

#include <gtest/gtest.h>

namespace gradus::graph {
namespace {

Graph MakeGraph(int64_t inputs, int64_t units, int layers) {
  v1::ModelSpec spec;
  spec.add_input_shape(inputs);
  for (int i = 0; i < layers; ++i) spec.add_layers()->mutable_dense()->set_units(units);
  return *Graph::Create(spec);
}

TEST(ResourcesTest, SmallModelsAreCutIntoShardsForEachCore) {
  const Resources chosen = ChooseResources(MakeGraph(784, 100, 3), 32, 2, 0, 0);
  EXPECT_EQ(chosen.cores, 2);
  EXPECT_EQ(chosen.logical_shards, 2);
}

TEST(ResourcesTest, TinyModelsTakeOneCore) {
  const Resources chosen = ChooseResources(MakeGraph(10, 4, 1), 32, 16, 0, 0);
  EXPECT_EQ(chosen.cores, 1);
  EXPECT_EQ(chosen.logical_shards, 1);
}

TEST(ResourcesTest, LargeModelsHaveATeamInEachKernel) {
  const Resources chosen = ChooseResources(MakeGraph(2048, 2048, 3), 256, 6, 0, 0);
  EXPECT_EQ(chosen.cores, 6);
  EXPECT_EQ(chosen.logical_shards, 1);
}

TEST(ResourcesTest, ShardsAreAPowerOfTwoAndNeverStarved) {
  EXPECT_EQ(ChooseResources(MakeGraph(784, 100, 3), 32, 7, 0, 0).logical_shards, 4);
  EXPECT_EQ(ChooseResources(MakeGraph(784, 100, 3), 32, 7, 0, 0).cores, 4);
  EXPECT_EQ(ChooseResources(MakeGraph(784, 100, 3), 8, 7, 0, 0).logical_shards, 1);
}

TEST(ResourcesTest, WishesStay) {
  const Resources chosen = ChooseResources(MakeGraph(784, 100, 3), 32, 2, 1, 8);
  EXPECT_EQ(chosen.cores, 1);
  EXPECT_EQ(chosen.logical_shards, 8);
  EXPECT_EQ(ChooseResources(MakeGraph(784, 100, 3), 32, 8, 0, 2).cores, 2);
}

TEST(ResourcesTest, TheChoiceChosenAgainIsTheSame) {
  for (const int cores : {1, 2, 3, 6, 16}) {
    for (const int64_t batch : {1, 16, 32, 1024}) {
      const Graph graph = MakeGraph(784, 100, 3);
      const Resources once = ChooseResources(graph, batch, cores, 0, 0);
      const Resources again = ChooseResources(graph, batch, cores, once.cores, once.logical_shards);
      EXPECT_EQ(again.cores, once.cores);
      EXPECT_EQ(again.logical_shards, once.logical_shards);
    }
  }
}

TEST(ResourcesTest, EachWorkerHasAShardAtLeast) {
  const Graph small = MakeGraph(784, 100, 3);
  for (const int workers : {1, 2, 3, 4, 7, 256}) {
    const Resources chosen = ChooseResources(small, 4096, 1, 0, 0, workers);
    EXPECT_GE(chosen.logical_shards, workers);
    EXPECT_EQ(chosen.logical_shards & (chosen.logical_shards - 1), 0);
    EXPECT_EQ(chosen.cores, 1);
  }
  // Large models are cut no further: a team works inside each kernel.
  const Resources large = ChooseResources(MakeGraph(2048, 2048, 3), 256, 6, 0, 0, 3);
  EXPECT_EQ(large.logical_shards, 4);
}

TEST(ResourcesTest, CoresOfAWorkerAreForItsOwnShards) {
  const Resources chosen = ChooseResources(MakeGraph(784, 100, 3), 64, 4, 0, 0, 2);
  EXPECT_EQ(chosen.logical_shards, 8);
  EXPECT_EQ(chosen.cores, 4);
  EXPECT_EQ(ChooseResources(MakeGraph(784, 100, 3), 64, 4, 0, 4, 2).cores, 2);
}

TEST(ResourcesTest, WorkersShareTheActivationsOfABatch) {
  const Graph graph = MakeGraph(64, 4096, 2);
  Load load = {.batch_size = 4096, .resources = {1, 4}, .workers = 4, .several = true};
  const uint64_t shared = EstimateMemory(graph, load);
  load.workers = 1;
  EXPECT_GT(EstimateMemory(graph, load), shared);
}

TEST(ResourcesTest, MemoryGrowsWithEverythingThatIsKept) {
  const Graph graph = MakeGraph(1024, 1024, 8);
  const int64_t params = graph.total_params();
  const Load base = {.batch_size = 32,
                     .trainable_params = params,
                     .slots = 0,
                     .target_values = 1,
                     .rows = 1000,
                     .resources = {1, 1}};
  Load load = base;
  const uint64_t bytes = EstimateMemory(graph, base);
  EXPECT_GT(bytes, static_cast<uint64_t>(params) * 4 * 2);
  load.slots = 1;
  EXPECT_GT(EstimateMemory(graph, load), bytes);
  load = base;
  load.batch_size = 1024;
  EXPECT_GT(EstimateMemory(graph, load), bytes);
  load = base;
  load.resources = {4, 4};
  EXPECT_GE(EstimateMemory(graph, load), bytes + static_cast<uint64_t>(params) * 4 * 3);
}

}  // namespace
}  // namespace gradus::graph
