// SPDX-License-Identifier: Apache-2.0
// A step allocates nothing: every allocation of this program goes through the counters below.
#include <gtest/gtest.h>

#include <atomic>
#include <cstdlib>
#include <new>

#include "engine/plan/predictor.h"
#include "tests/unit/engine/plan/nets.h"

namespace {
std::atomic<int64_t> allocations{0};
}  // namespace

// The C library's functions themselves, so that allocations of oneDNN and OpenMP count too.
extern "C" {
void* __libc_malloc(size_t size);
void* __libc_calloc(size_t count, size_t size);
void* __libc_realloc(void* old, size_t size);
void* __libc_memalign(size_t alignment, size_t size);
#if !defined(GRADUS_SANITIZED)
void* malloc(size_t size) {
  ++allocations;
  return __libc_malloc(size);
}
void* calloc(size_t count, size_t size) {
  ++allocations;
  return __libc_calloc(count, size);
}
void* realloc(void* old, size_t size) {
  ++allocations;
  return __libc_realloc(old, size);
}
void* aligned_alloc(size_t alignment, size_t size) {
  ++allocations;
  return __libc_memalign(alignment, size);
}
int posix_memalign(void** result, size_t alignment, size_t size) {
  ++allocations;
  *result = __libc_memalign(alignment, size);
  return *result == nullptr ? 12 : 0;
}
#endif
}

namespace gradus::plan {
namespace {

// Two epochs, the second of which must allocate nothing.
void ExpectNoAllocations(const graph::Graph& graph, const TrainSetup& setup) {
  auto executable = Executable::Create(graph, setup).value();
  executable->InitializeWeights(1);
  const Rows full(graph, 32, 1);
  const Rows last(graph, 5, 2);
  Totals totals;
  const auto epoch = [&] {
    for (int i = 0; i < 10; ++i) ASSERT_TRUE(executable->TrainStep(full.batch(), &totals).ok());
    ASSERT_TRUE(executable->TrainStep(last.batch(), &totals).ok());
    ASSERT_TRUE(executable->EvalStep(full.batch(), &totals).ok());
    ASSERT_TRUE(executable->EvalStep(last.batch(), &totals).ok());
  };
  epoch();
  const int64_t before = allocations.load();
  epoch();
  EXPECT_EQ(allocations.load() - before, 0);
}

class Allocations : public testing::TestWithParam<std::pair<int, int>> {};

TEST_P(Allocations, AreNoneInAStep) {
  const auto [shards, cores] = GetParam();
  const graph::Graph graph = Classifier({19, 33, 10, 7});
  TrainSetup setup = ClassifierSetup(32, shards, cores);
  setup.optimizer.mutable_sgd()->set_momentum(0.9);
  ExpectNoAllocations(graph, setup);
}

// All that may be done around the optimizer's rule.
TEST_P(Allocations, AreNoneInAStepWithEverything) {
  const auto [shards, cores] = GetParam();
  v1::ModelSpec spec = Classifier({19, 33, 10, 7}).spec();
  spec.mutable_layers(0)->set_learning_rate_factor(0.5);
  spec.mutable_layers(0)->mutable_activity_regularizer()->mutable_l1();
  v1::Dense& dense = *spec.mutable_layers(1)->mutable_dense();
  dense.mutable_kernel_regularizer()->mutable_l2();
  dense.mutable_kernel_constraint()->mutable_max_norm();
  dense.mutable_bias_constraint()->mutable_non_neg();
  TrainSetup setup = ClassifierSetup(32, shards, cores);
  v1::Nadam& nadam = *setup.optimizer.mutable_nadam();
  nadam.set_clipnorm(1);
  nadam.set_weight_decay(0.01);
  nadam.set_use_ema(true);
  v1::PiecewiseConstant& rates = *nadam.mutable_schedule()->mutable_piecewise_constant();
  rates.add_boundaries(12);
  rates.add_values(0.01);
  rates.add_values(0.001);
  ExpectNoAllocations(graph::Graph::Create(spec).value(), setup);
}

TEST_P(Allocations, AreNoneInAPrediction) {
  const auto [shards, cores] = GetParam();
  const graph::Graph graph = Classifier({19, 33, 10, 7});
  const auto executable = Executable::Create(graph, ClassifierSetup(32, 1, 1)).value();
  const auto predictor = Predictor::Create(graph, executable->ExportWeights(),
                                           {.logical_shards = shards, .cores = cores})
                             .value();
  const Rows rows(graph, 32, 1);
  std::vector<float> outputs(32 * 7);
  const auto predict = [&] {
    ASSERT_TRUE(predictor->Predict(rows.inputs.data(), 32, outputs.data()).ok());
    ASSERT_TRUE(predictor->Predict(rows.inputs.data(), 5, outputs.data()).ok());
  };
  predict();
  const int64_t before = allocations.load();
  predict();
  EXPECT_EQ(allocations.load() - before, 0);
}

// Metrics that keep rows have room for as many as was said.
TEST(GatheringAllocations, AreNoneWithMetricsThatGather) {
  const graph::Graph graph = Classifier({19, 33, 1});
  TrainSetup setup = ClassifierSetup(32, 4, 2);
  setup.loss.mutable_mean_squared_error();
  setup.metrics.clear();
  setup.metrics.emplace_back().mutable_auc();
  setup.metrics.emplace_back().mutable_r2_score();
  setup.metrics.emplace_back().mutable_precision();
  setup.metrics.emplace_back().mutable_confusion_matrix();
  setup.metrics.emplace_back().mutable_cosine_similarity();
  auto executable = Executable::Create(graph, setup).value();
  executable->InitializeWeights(1);
  const Rows rows(graph, 32, 1);
  const std::vector<float> targets(32, 1.0F);
  const Batch batch{rows.inputs.data(), targets.data(), 32};
  ASSERT_TRUE(executable->Prepare(32, true).ok());
  ASSERT_TRUE(executable->Prepare(32, false).ok());
  Totals warm;
  ASSERT_TRUE(executable->TrainStep(batch, &warm).ok());
  ASSERT_TRUE(executable->EvalStep(batch, &warm).ok());
  Totals totals = executable->StartTotals(64);
  const int64_t before = allocations.load();
  ASSERT_TRUE(executable->TrainStep(batch, &totals).ok());
  ASSERT_TRUE(executable->EvalStep(batch, &totals).ok());
  EXPECT_EQ(allocations.load() - before, 0);
}

TEST(AllocationCounter, Counts) {
#if defined(GRADUS_SANITIZED)
  GTEST_SKIP() << "a sanitizer has the C library's functions for itself";
#else
  const int64_t before = allocations.load();
  void* volatile block = std::malloc(17);
  std::free(block);
  EXPECT_GT(allocations.load(), before);
#endif
}

INSTANTIATE_TEST_SUITE_P(Plan, Allocations,
                         testing::Values(std::pair(1, 1), std::pair(1, 2), std::pair(2, 2),
                                         std::pair(4, 2)));

}  // namespace
}  // namespace gradus::plan
