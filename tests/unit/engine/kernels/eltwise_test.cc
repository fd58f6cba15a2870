// SPDX-License-Identifier: Apache-2.0
// Functions of each element as operations: in place and not, with and without threads.
#include "engine/kernels/eltwise.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "engine/kernels/softmax.h"
#include "tests/support/guarded.h"
#include "tests/unit/engine/kernels/vector/variants.h"

namespace gradus::kernels {
namespace {

using test_support::Guarded;

void RunKernel(const std::vector<std::unique_ptr<Kernel>>& kernels) {
  ASSERT_EQ(kernels.size(), 1u);
  ASSERT_TRUE(kernels[0]->Run().ok());
}

std::vector<float> Values(const Guarded& place) {
  EXPECT_TRUE(place.Intact());
  return {place.floats().begin(), place.floats().end()};
}

TEST(Eltwise, IsKnownByItsFunction) {
  EXPECT_EQ(EltwiseOf(*MakeEltwise(kTanh, 3)), &kTanh);
  EXPECT_EQ(EltwiseOf(*MakeSoftmax(3, 3)), nullptr);
  EXPECT_EQ(MakeEltwise(kRelu, 3)->name(), "relu 3");
  EXPECT_EQ(MakeEltwise(kRelu, 3)->dst_values(), 3);
}

TEST(Eltwise, GivesTheSameInPlaceAndElsewhere) {
  const std::vector<float> x = Numbers(50, 1);
  const std::vector<float> d = Numbers(50, 2);
  for (const Eltwise* function : {&kRelu, &kSigmoid, &kTanh}) {
    const auto compiled = MakeEltwise(*function, 10)->Compile({.rows = 5}, {}).value();
    Guarded src{std::span(x)};
    Guarded dst(x.size() * sizeof(float));
    RunKernel(compiled->Forward({.srcs = {src.cell()}, .dst = dst.cell()}).value());
    EXPECT_EQ(Values(src), x);
    Guarded place{std::span(x)};
    RunKernel(compiled->Forward({.srcs = {place.cell()}, .dst = place.cell()}).value());
    EXPECT_EQ(Values(place), Values(dst));

    Guarded diff_dst{std::span(d)};
    Guarded diff_src(d.size() * sizeof(float));
    RunKernel(
        compiled
            ->Backward(
                {.dst = dst.cell(), .diff_dst = diff_dst.cell(), .diff_srcs = {diff_src.cell()}})
            .value());
    Guarded diff{std::span(d)};
    ASSERT_TRUE(MakeEltwiseBackward(*function, 50, 1, dst.cell(), diff.cell())->Run().ok());
    EXPECT_EQ(Values(diff), Values(diff_src));
  }
}

TEST(Eltwise, GivesTheSameBitsOnAnyNumberOfThreads) {
  constexpr int64_t kRows = 1000;
  const std::vector<float> x = Numbers(67 * kRows, 3);
  std::vector<std::vector<float>> results;
  for (const int threads : {1, 2, 3}) {
    const auto compiled =
        MakeEltwise(kSigmoid, 67)->Compile({.rows = kRows, .threads = threads}, {}).value();
    Guarded src{std::span(x)};
    Guarded dst(x.size() * sizeof(float));
    RunKernel(compiled->Forward({.srcs = {src.cell()}, .dst = dst.cell()}).value());
    results.push_back(Values(dst));
  }
  EXPECT_EQ(results[1], results[0]);
  EXPECT_EQ(results[2], results[0]);
}

}  // namespace
}  // namespace gradus::kernels
