// SPDX-License-Identifier: Apache-2.0
// Every metric, with every loss that it goes with: its figures are those of the reference, which
// sees all rows at once, however they were cut into batches and shards.
#include <gtest/gtest.h>

#include <limits>

#include "absl/strings/str_cat.h"
#include "engine/training/metrics/metric_set.h"
#include "tests/conformance/agreement.h"
#include "tests/conformance/draws.h"
#include "tests/conformance/last_activation.h"
#include "tests/conformance/loss_run.h"
#include "tests/support/guarded.h"

namespace gradus::conformance {
namespace {

using metrics::MetricKind;
using test_support::Guarded;

constexpr int64_t kEpoch = 61;
const std::vector<int64_t> kUneven = {17, 1, 32, 11};
const std::vector<int64_t> kSingle(kEpoch, 1);
const std::vector<int64_t> kWhole = {kEpoch};

// Rows of one epoch for a metric.
struct MetricCase {
  v1::Metric spec;
  LossCase loss;
  std::vector<float> predictions;
  Targets targets;

  metrics::Scored scored() const {
    return {.loss = loss.kind, .target = loss.target, .width = loss.width};
  }
};

metrics::Tally TallyOf(const MetricCase& tested, const metrics::MetricSet& set, int64_t first,
                       int64_t rows) {
  const LossCase& loss = tested.loss;
  Guarded place{std::span(tested.predictions)
                    .subspan(static_cast<size_t>(first * loss.width),
                             static_cast<size_t>(rows * loss.width))};
  // Only read.
  void* target_pointer = const_cast<void*>(tested.targets.From(first));
  metrics::Tally tally = set.PartOf(0, rows);
  // Of the rows before.
  std::fill(tally.state.begin(), tally.state.end(), 7.0);
  std::fill(tally.kept.begin(), tally.kept.end(), 7.0F);
  const auto kernel = set.kind(0).lower(tested.spec, {.predictions = place.cell(),
                                                      .targets = &target_pointer,
                                                      .state = tally.state.data(),
                                                      .kept = tally.kept.data(),
                                                      .rows = rows,
                                                      .width = loss.width,
                                                      .logits = loss.logits,
                                                      .scoring = loss.kind->scoring,
                                                      .form = loss.target.form});
  EXPECT_NE(kernel->Describe(), "");
  EXPECT_TRUE(kernel->Run().ok());
  EXPECT_TRUE(place.Intact());
  return tally;
}

std::vector<double> FiguresIn(const MetricCase& tested, const std::vector<int64_t>& batches) {
  const metrics::MetricSet set({tested.spec}, tested.scored());
  std::vector<metrics::Tally> tallies = set.Start();
  int64_t first = 0;
  for (const int64_t rows : batches) {
    const metrics::Tally part = TallyOf(tested, set, first, rows);
    set.Merge({&part, 1}, tallies);
    first += rows;
  }
  EXPECT_TRUE(set.Fit(tallies, first));
  std::vector<double> values;
  for (const metrics::Figure& figure : set.FiguresOf(0, tallies[0], first))
    values.push_back(figure.value);
  return values;
}

std::vector<double> ReferenceOf(const MetricCase& tested) {
  metrics::ReferenceRows rows;
  for (int64_t row = 0; row < kEpoch; ++row) {
    const std::vector<double> given =
        Doubles(RowOf(std::span<const float>(tested.predictions), static_cast<size_t>(row),
                      static_cast<size_t>(tested.loss.width)));
    rows.predictions.push_back(tested.loss.logits ? Activated(given, tested.loss.kind->scoring)
                                                  : given);
    rows.scores.push_back(given);
    rows.targets.push_back(tested.targets.Row(row));
  }
  return metrics::Find(tested.spec)->reference(tested.spec, tested.scored(), rows);
}

class Metrics : public testing::TestWithParam<const MetricKind*> {
 protected:
  // Each sample with each loss that it goes with.
  static std::vector<MetricCase> Cases() {
    std::vector<MetricCase> cases;
    for (const v1::Metric& sample : GetParam()->samples()) {
      for (const losses::LossKind* loss : losses::Table()) {
        for (LossCase tested : CasesOf(*loss)) {
          if (tested.rows > 1 || !tested.target.compared) continue;
          tested.rows = kEpoch;
          MetricCase made{sample, tested, DrawPredictions(tested, 5),
                          DrawTargets(tested.target, loss->scoring, kEpoch, 6)};
          if (GetParam()->check(made.spec, made.scored()).ok()) cases.push_back(std::move(made));
        }
      }
    }
    return cases;
  }
};

INSTANTIATE_TEST_SUITE_P(Kinds, Metrics,
                         testing::ValuesIn(metrics::Table().begin(), metrics::Table().end()),
                         [](const auto& tested) { return metrics::Word(*tested.param); });

TEST_P(Metrics, AreTheReferencesOfAllRowsHoweverTheEpochIsCut) {
  const std::vector<MetricCase> cases = Cases();
  EXPECT_FALSE(cases.empty());
  for (const MetricCase& tested : cases) {
    SCOPED_TRACE(absl::StrCat(tested.spec.ShortDebugString(), " with ", tested.loss.name));
    const std::vector<double> expected = ReferenceOf(tested);
    for (const auto& batches : {kWhole, kUneven, kSingle}) {
      const std::vector<double> found = FiguresIn(tested, batches);
      ASSERT_EQ(found.size(), expected.size());
      for (size_t i = 0; i < found.size(); ++i) {
        EXPECT_TRUE(Agrees(found[i], expected[i], kTolerance * std::abs(expected[i]) + kNothing));
      }
    }
  }
}

TEST_P(Metrics, GoOnAfterWhatHasBeenSaved) {
  for (const MetricCase& tested : Cases()) {
    const metrics::MetricSet set({tested.spec}, tested.scored());
    const metrics::Tally first = TallyOf(tested, set, 0, 17);
    const metrics::Tally second = TallyOf(tested, set, 17, 44);
    std::vector<metrics::Tally> whole = set.Start();
    set.Merge({&first, 1}, whole);
    std::vector<metrics::Tally> saved = whole;
    set.Reserve(saved, kEpoch);
    set.Merge({&second, 1}, whole);
    set.Merge({&second, 1}, saved);
    EXPECT_EQ(saved, whole);
    EXPECT_EQ(set.Figures(saved, kEpoch, metrics::Occasion::kTest, ""),
              set.Figures(whole, kEpoch, metrics::Occasion::kTest, ""));
  }
}

}  // namespace
}  // namespace gradus::conformance
