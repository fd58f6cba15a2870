// SPDX-License-Identifier: Apache-2.0
// Every metric, with every loss that it goes with: an epoch's sum is that of its reference's rows,
// however the epoch is cut.
#include <gtest/gtest.h>

#include <limits>

#include "absl/strings/str_cat.h"
#include "engine/training/metrics/kind.h"
#include "tests/conformance/agreement.h"
#include "tests/conformance/draws.h"
#include "tests/conformance/loss_run.h"
#include "tests/support/guarded.h"

namespace gradus::conformance {
namespace {

using test_support::Guarded;

using metrics::MetricKind;

constexpr int64_t kEpoch = 61;
const std::vector<int64_t> kUneven = {17, 1, 32, 11};
const std::vector<int64_t> kWhole = {kEpoch};

class Metrics : public testing::TestWithParam<const MetricKind*> {
 protected:
  // The sum over an epoch of `tested.rows` rows in batches of these sizes.
  static double SumOver(const v1::Metric& spec, const LossCase& tested,
                        const std::vector<float>& predictions, const Targets& targets,
                        const std::vector<int64_t>& batches) {
    double total = 0;
    int64_t first = 0;
    for (const int64_t rows : batches) {
      Guarded place{std::span(predictions)
                        .subspan(static_cast<size_t>(first * tested.width),
                                 static_cast<size_t>(rows * tested.width))};
      // Only read.
      void* target_pointer = const_cast<void*>(targets.From(first));
      double sum = std::numeric_limits<double>::quiet_NaN();
      const auto kernel = GetParam()->lower(spec, {.predictions = place.cell(),
                                                   .targets = &target_pointer,
                                                   .sum = &sum,
                                                   .rows = rows,
                                                   .width = tested.width,
                                                   .logits = tested.logits,
                                                   .scoring = tested.kind->scoring,
                                                   .form = tested.target.form});
      EXPECT_NE(kernel->Describe(), "");
      EXPECT_TRUE(kernel->Run().ok());
      EXPECT_TRUE(place.Intact());
      total += sum;
      first += rows;
    }
    return total;
  }
};

INSTANTIATE_TEST_SUITE_P(Kinds, Metrics,
                         testing::ValuesIn(metrics::Table().begin(), metrics::Table().end()),
                         [](const auto& tested) { return metrics::Word(*tested.param); });

TEST_P(Metrics, AddUpTheReferencesRowsHoweverTheEpochIsCut) {
  for (const v1::Metric& spec : GetParam()->samples()) {
    for (const losses::LossKind* loss : losses::Table()) {
      if (!GetParam()->check(spec, *loss).ok()) continue;
      for (LossCase tested : CasesOf(*loss)) {
        if (tested.rows > 1) continue;
        tested.rows = kEpoch;
        SCOPED_TRACE(absl::StrCat(spec.ShortDebugString(), " with ", tested.name));
        const std::vector<float> predictions = DrawPredictions(tested, 5);
        const Targets targets = DrawTargets(tested.target, loss->scoring, kEpoch, 6);
        double expected = 0;
        for (int64_t row = 0; row < kEpoch; ++row) {
          expected += GetParam()->reference(
              loss->scoring, tested.logits,
              Doubles(RowOf(std::span<const float>(predictions), static_cast<size_t>(row),
                            static_cast<size_t>(tested.width))),
              targets.Row(row));
        }
        for (const auto& batches : {kWhole, kUneven}) {
          EXPECT_TRUE(Agrees(SumOver(spec, tested, predictions, targets, batches), expected,
                             kTolerance * std::abs(expected) + kNothing));
        }
      }
    }
  }
}

}  // namespace
}  // namespace gradus::conformance
