// SPDX-License-Identifier: Apache-2.0
// Candidates accept or say why not, and whichever is taken computes the same product.
#include "engine/kernels/inner_product.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>

#include "engine/kernels/eltwise.h"
#include "engine/kernels/softmax.h"
#include "tests/support/guarded.h"
#include "tests/unit/engine/kernels/vector/variants.h"

namespace gradus::kernels {
namespace {

using test_support::Guarded;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::StartsWith;

Layouts LayoutsOf(const Operation& operation, const std::string& candidate) {
  return operation.Compile({.rows = 4, .candidate = candidate}, {}).value()->layouts();
}

TEST(InnerProduct, TriesItsCandidatesInOrder) {
  const auto operation = MakeInnerProduct(20, 30, true);
  EXPECT_THAT(operation->candidates(), ElementsAre("vector", "onednn", "reference"));
  const auto compiled = operation->Compile({.rows = 4}, {}).value();
  EXPECT_THAT(compiled->refusals(), IsEmpty());
  EXPECT_THAT(compiled->layouts()[0]->name(), StartsWith("panels"));
}

TEST(InnerProduct, UsesWeightsAsTheyLieAndSaysWhoCouldNot) {
  const auto operation = MakeInnerProduct(20, 30, true);
  const auto compiled = operation->Compile({.rows = 2}, LayoutsOf(*operation, "reference")).value();
  EXPECT_THAT(compiled->refusals(),
              ElementsAre("vector: the weights lie in plain", "onednn: the weights lie in plain"));
  for (const std::string& candidate : operation->candidates()) {
    const Layouts layouts = LayoutsOf(*operation, candidate);
    const auto again = operation->Compile({.rows = 2}, layouts);
    ASSERT_TRUE(again.ok()) << again.status();
    for (size_t i = 0; i < layouts.size(); ++i)
      EXPECT_EQ((*again)->layouts()[i]->name(), layouts[i]->name());
  }
}

TEST(InnerProduct, IsAnErrorWhereTheOnlyCandidateRefuses) {
  const auto operation = MakeInnerProduct(20, 30, true);
  const auto status =
      operation->Compile({.rows = 2, .candidate = "vector"}, LayoutsOf(*operation, "onednn"))
          .status();
  EXPECT_EQ(status.code(), absl::StatusCode::kInternal);
  EXPECT_THAT(std::string(status.message()),
              HasSubstr("no kernel for 2x20x30 +bias: vector: the weights lie in onednn:"));
}

TEST(InnerProduct, LeavesLargeProductsToKernelsThatUseAllThreads) {
  const auto operation = MakeInnerProduct(1000, 1000, true);
  EXPECT_THAT(operation->Compile({.rows = 4, .threads = 2}, {}).value()->refusals(),
              ElementsAre("vector: works on one core, 2 are there"));
  EXPECT_THAT(operation->Compile({.rows = 4, .threads = 1}, {}).value()->refusals(), IsEmpty());
  // Waking a thread costs more than a small one.
  EXPECT_THAT(
      MakeInnerProduct(20, 30, true)->Compile({.rows = 4, .threads = 2}, {}).value()->refusals(),
      IsEmpty());
}

TEST(InnerProduct, AbsorbsOneFunctionOfEachElement) {
  const auto operation = MakeInnerProduct(20, 30, true);
  EXPECT_FALSE(operation->backward_reads_dst());
  const auto joined = operation->Absorb(*MakeEltwise(kRelu, 30));
  ASSERT_NE(joined, nullptr);
  EXPECT_EQ(joined->name(), "inner_product 20x30 +relu");
  EXPECT_EQ(joined->dst_values(), 30);
  EXPECT_TRUE(joined->backward_reads_dst());
  EXPECT_EQ(joined->Absorb(*MakeEltwise(kRelu, 30)), nullptr);
  EXPECT_EQ(operation->Absorb(*MakeSoftmax(30, 30)), nullptr);
}

TEST(InnerProduct, ReadsItsSourceAgainForItsWeightsOnly) {
  const auto operation = MakeInnerProduct(20, 30, true);
  EXPECT_TRUE(operation->backward_reads_src(true));
  EXPECT_FALSE(operation->backward_reads_src(false));
}

// Larger than the layers' samples, which have the rest.
TEST(InnerProduct, IsTheSameProductByEveryCandidate) {
  constexpr int64_t kRows = 70;
  constexpr int64_t kInputs = 300;
  constexpr int64_t kUnits = 150;
  const auto operation =
      MakeInnerProduct(kInputs, kUnits, true)->Absorb(*MakeEltwise(kTanh, kUnits));
  const std::vector<float> x = Numbers(kRows * kInputs, 1);
  const std::vector<float> kernel = Numbers(kInputs * kUnits, 2, -0.1F, 0.1F);
  const std::vector<float> bias = Numbers(kUnits, 3);
  for (const std::string& candidate : operation->candidates()) {
    SCOPED_TRACE(candidate);
    const auto compiled =
        operation->Compile({.rows = kRows, .training = false, .candidate = candidate}, {}).value();
    Guarded src{std::span(x)};
    Guarded dst(kRows * kUnits * sizeof(float));
    Guarded inside(compiled->layouts()[0]->floats() * sizeof(float));
    compiled->layouts()[0]->FromPublic(kernel.data(), inside.floats().data());
    Guarded bias_place{std::span(bias)};
    Guarded scratch(compiled->scratch_bytes());
    const auto calls = compiled
                           ->Forward({.srcs = {src.cell()},
                                      .dst = dst.cell(),
                                      .weights = {inside.cell(), bias_place.cell()},
                                      .diff_weights = {nullptr, nullptr},
                                      .scratch = scratch.cell()})
                           .value();
    for (const auto& call : calls) {
      ASSERT_TRUE(call->Run().ok());
      EXPECT_THAT(call->Describe(), HasSubstr(candidate));
    }
    EXPECT_TRUE(dst.Intact() && scratch.Intact());
    for (int64_t row = 0; row < kRows; row += 23) {
      for (int64_t unit = 0; unit < kUnits; ++unit) {
        double sum = static_cast<double>(bias[static_cast<size_t>(unit)]);
        for (int64_t i = 0; i < kInputs; ++i) {
          sum += static_cast<double>(x[static_cast<size_t>(row * kInputs + i)]) *
                 static_cast<double>(kernel[static_cast<size_t>(i * kUnits + unit)]);
        }
        ASSERT_NEAR(static_cast<double>(dst.floats()[static_cast<size_t>(row * kUnits + unit)]),
                    std::tanh(sum), 2e-6);
      }
    }
  }
}

}  // namespace
}  // namespace gradus::kernels
