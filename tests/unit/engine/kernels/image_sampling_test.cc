// SPDX-License-Identifier: Apache-2.0
// Sampling of images: what lies between and outside of pixels, and gradients back to where they
// came from.
#include "engine/kernels/image_sampling.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <numeric>

#include "tests/support/operation_run.h"
#include "tests/unit/engine/kernels/vector/variants.h"

namespace gradus::kernels {
namespace {

using test_support::OperationRun;
using test_support::Values;
using ::testing::ElementsAre;

// A line of `width` pixels, read from `from` on, `stride` apart.
ImageSampling Line(int64_t width, double from, double stride, Outside outside, bool bilinear) {
  ImageSampling sampling;
  sampling.name = "line";
  sampling.width = width;
  sampling.dst_width = width;
  sampling.bilinear = bilinear;
  sampling.outside = outside;
  sampling.value = 9;
  sampling.draw = [=](const base::Philox::Words&) { return PixelMap{.xx = stride, .x0 = from}; };
  return sampling;
}

Values Read(double from, double stride, Outside outside, bool bilinear) {
  const auto operation = MakeImageSampling(Line(4, from, stride, outside, bilinear));
  return OperationRun(*operation, {}).Forward({{1, 2, 3, 4}});
}

TEST(ImageSampling, FillsWhatLiesOutside) {
  EXPECT_THAT(Read(-3, 1, Outside::kValue, false), ElementsAre(9, 9, 9, 1));
  EXPECT_THAT(Read(-3, 1, Outside::kReflected, false), ElementsAre(3, 2, 1, 1));
  EXPECT_THAT(Read(-3, 1, Outside::kWrapped, false), ElementsAre(2, 3, 4, 1));
  EXPECT_THAT(Read(-3, 1, Outside::kNearest, false), ElementsAre(1, 1, 1, 1));
  EXPECT_THAT(Read(3, 1, Outside::kValue, false), ElementsAre(4, 9, 9, 9));
  EXPECT_THAT(Read(3, 1, Outside::kReflected, false), ElementsAre(4, 4, 3, 2));
  EXPECT_THAT(Read(3, 1, Outside::kWrapped, false), ElementsAre(4, 1, 2, 3));
  EXPECT_THAT(Read(3, 1, Outside::kNearest, false), ElementsAre(4, 4, 4, 4));
  // More than once around.
  EXPECT_THAT(Read(-9, 5, Outside::kReflected, false), ElementsAre(1, 4, 2, 2));
  EXPECT_THAT(Read(-9, 5, Outside::kWrapped, false), ElementsAre(4, 1, 2, 3));
}

TEST(ImageSampling, WeighsTheNeighboursByTheirDistance) {
  EXPECT_THAT(Read(0.25, 1, Outside::kNearest, true), ElementsAre(1.25, 2.25, 3.25, 4));
  EXPECT_THAT(Read(0.25, 1, Outside::kValue, true), ElementsAre(1.25, 2.25, 3.25, 5.25));
  EXPECT_THAT(Read(0.25, 1, Outside::kWrapped, true), ElementsAre(1.25, 2.25, 3.25, 3.25));
  EXPECT_THAT(Read(-0.25, 1, Outside::kReflected, true), ElementsAre(1, 1.75, 2.75, 3.75));
  EXPECT_THAT(Read(0.25, 1, Outside::kNearest, false), ElementsAre(1, 2, 3, 4));
}

// Columns and rows are not taken for each other, nor are channels.
TEST(ImageSampling, ReadsImages) {
  ImageSampling sampling;
  sampling.name = "cut";
  sampling.height = 3;
  sampling.width = 4;
  sampling.channels = 2;
  sampling.dst_height = 2;
  sampling.dst_width = 1;
  sampling.still = {.x0 = 2, .y0 = 1};
  sampling.draw = [](const base::Philox::Words&) {
    return PixelMap{.xx = -1, .x0 = 3, .yy = -1, .y0 = 2};
  };
  const auto operation = MakeImageSampling(sampling);
  EXPECT_EQ(operation->dst_values(), 4);
  Values x(24);
  std::iota(x.begin(), x.end(), 0.0F);
  EXPECT_THAT(OperationRun(*operation, {.training = false}).Forward({x}),
              ElementsAre(12, 13, 20, 21));
  EXPECT_THAT(OperationRun(*operation, {}).Forward({x}), ElementsAre(22, 23, 14, 15));
}

// Turned and scaled by what the row draws.
ImageSampling Turned(Outside outside, bool bilinear) {
  ImageSampling sampling;
  sampling.name = "turned";
  sampling.height = sampling.dst_height = 5;
  sampling.width = sampling.dst_width = 4;
  sampling.channels = 2;
  sampling.bilinear = bilinear;
  sampling.outside = outside;
  sampling.value = 0.5;
  sampling.draw = [](const base::Philox::Words& words) {
    const double u = static_cast<double>(base::ToUniform(words[0]));
    return PixelMap{.xx = 0.8, .xy = u - 0.5, .x0 = 3 * u - 1, .yx = 0.3 - u, .yy = 1.1, .y0 = u};
  };
  return sampling;
}

TEST(ImageSampling, HasTheGradientOfItsForwardPass) {
  for (const Outside outside :
       {Outside::kValue, Outside::kReflected, Outside::kWrapped, Outside::kNearest}) {
    for (const bool bilinear : {false, true}) {
      OperationRun(*MakeImageSampling(Turned(outside, bilinear)), {.rows = 3}, {.seed = 4})
          .ExpectGradientsAreDifferences({Numbers(120, 1)}, Numbers(120, 2), 0.25F, 1e-4);
    }
  }
}

TEST(ImageSampling, DoesNotDependOnHowABatchIsCut) {
  const auto operation = MakeImageSampling(Turned(Outside::kReflected, true));
  const Values x = Numbers(5 * 40, 1);
  const auto whole =
      OperationRun(*operation, {.rows = 5}, {.seed = 5, .step = 2}, 3).ForwardAndBackward({x}, x);
  const auto part = [](const Values& batch, std::ptrdiff_t first, std::ptrdiff_t rows) {
    return Values(batch.begin() + first * 40, batch.begin() + (first + rows) * 40);
  };
  for (const auto& [first, rows] : {std::pair<int64_t, int64_t>{0, 1}, {1, 3}, {4, 1}}) {
    const Values rows_of = part(x, first, rows);
    const auto result =
        OperationRun(*operation, {.rows = rows}, {.seed = 5, .step = 2, .first_row = first}, 3)
            .ForwardAndBackward({rows_of}, rows_of);
    EXPECT_EQ(result.dst, part(whole.dst, first, rows));
    EXPECT_EQ(result.diff_srcs[0], part(whole.diff_srcs[0], first, rows));
  }
  EXPECT_NE(part(whole.dst, 0, 1), part(whole.dst, 1, 1));
  EXPECT_NE(OperationRun(*operation, {.rows = 5}, {.seed = 5, .step = 3}, 3).Forward({x}),
            whole.dst);
}

TEST(ImageSampling, GivesTheSameOnAnyNumberOfThreads) {
  const auto operation = MakeImageSampling(Turned(Outside::kWrapped, true));
  const Values x = Numbers(2000 * 40, 1);
  const auto run = [&](int threads) {
    return OperationRun(*operation, {.rows = 2000, .threads = threads}).ForwardAndBackward({x}, x);
  };
  EXPECT_EQ(run(1).dst, run(3).dst);
  EXPECT_EQ(run(1).diff_srcs, run(3).diff_srcs);
}

TEST(ImageSampling, IsStillWithoutTraining) {
  const auto operation = MakeImageSampling(Turned(Outside::kValue, true));
  const Values x = Numbers(80, 1);
  EXPECT_EQ(OperationRun(*operation, {.rows = 2, .training = false}).Forward({x}), x);
}

}  // namespace
}  // namespace gradus::kernels
