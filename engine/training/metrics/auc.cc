// SPDX-License-Identifier: Apache-2.0
// The area under a curve over all thresholds, from all scores in order.
#include <algorithm>
#include <cmath>
#include <limits>
#include <utility>

#include "engine/base/status.h"
#include "engine/training/metrics/output_mean.h"

namespace gradus::metrics {
namespace {

absl::Status CheckScored(v1::Metric& metric, const Scored& scored) {
  v1::Auc& spec = *metric.mutable_auc();
  if (spec.curve() == v1::Auc::CURVE_UNSPECIFIED) spec.set_curve(v1::Auc::ROC);
  if (spec.curve() != v1::Auc::ROC && spec.curve() != v1::Auc::PR)
    return base::InvalidArgument("curve", absl::StrCat(spec.curve()), "ROC or PR");
  return CheckFits(scored.target.form == losses::TargetForm::kValues, scored);
}

Sizes SizesOf(const v1::Metric&, const Scored& scored) {
  return {.state = 0, .kept = 2 * scored.width};
}

// Keeps each output with 1 where it is a positive's, else 0. Logits have the order of their
// probabilities, and fewer ties.
std::unique_ptr<kernels::Kernel> Lower(const v1::Metric&, const MetricOperands& o) {
  return kernels::MakeKernel(absl::StrCat("keep_scores ", o.rows, "x", o.width), [o] {
    const float* predictions = kernels::Floats(o.predictions);
    const auto* targets = static_cast<const float*>(*o.targets);
    for (int64_t i = 0; i < o.rows * o.width; ++i) {
      o.kept[2 * i] = predictions[i];
      o.kept[2 * i + 1] = targets[i] > 0.5F ? 1.0F : 0.0F;
    }
  });
}

// Positives and negatives of one score.
struct Step {
  double positives = 0;
  double negatives = 0;
};

// From the highest score to the lowest; nothing where one is no number.
std::vector<Step> StepsOf(std::span<const float> kept) {
  std::vector<std::pair<float, float>> scores;
  scores.reserve(kept.size() / 2);
  for (size_t i = 0; i + 1 < kept.size(); i += 2) {
    if (std::isnan(kept[i])) return {};
    scores.emplace_back(kept[i], kept[i + 1]);
  }
  std::sort(scores.begin(), scores.end(), std::greater<>());
  std::vector<Step> steps;
  for (size_t i = 0; i < scores.size(); ++i) {
    if (i == 0 || scores[i].first != scores[i - 1].first) steps.emplace_back();
    (scores[i].second > 0 ? steps.back().positives : steps.back().negatives) += 1;
  }
  return steps;
}

Step SumOf(std::span<const Step> steps) {
  Step sum;
  for (const Step& step : steps) {
    sum.positives += step.positives;
    sum.negatives += step.negatives;
  }
  return sum;
}

double AreaUnderRoc(std::span<const Step> steps) {
  const Step all = SumOf(steps);
  double above = 0;  // positives
  double pairs = 0;
  for (const Step& step : steps) {
    pairs += step.negatives * (above + step.positives / 2);
    above += step.positives;
  }
  return all.positives == 0 || all.negatives == 0 ? 0 : pairs / (all.positives * all.negatives);
}

// Between two scores as many negatives come with each positive: the integral of
// (TP + t) / (P + t / slope) over the t positives of a step.
double AreaUnderPr(std::span<const Step> steps) {
  const Step all = SumOf(steps);
  double positives = 0;
  double called = 0;
  double area = 0;
  for (const Step& step : steps) {
    const double calls = step.positives + step.negatives;
    const double slope = step.positives / calls;
    const double intercept = positives - slope * called;
    const double growth = called == 0 ? 0 : std::log1p(calls / called);
    area += slope * (step.positives + intercept * growth);
    positives += step.positives;
    called += calls;
  }
  return all.positives == 0 || all.negatives == 0 ? 0 : area / all.positives;
}

std::vector<Figure> Figures(const v1::Metric& spec, const Gathered& gathered) {
  const std::vector<Step> steps = StepsOf(gathered.kept);
  if (steps.empty()) return {{"", std::numeric_limits<double>::quiet_NaN()}};
  return {{"", spec.auc().curve() == v1::Auc::PR ? AreaUnderPr(steps) : AreaUnderRoc(steps)}};
}

// From the sum of the positives' ranks; those of equal scores share the mean of theirs.
double ReferenceRoc(std::vector<std::pair<double, bool>> scores) {
  std::sort(scores.begin(), scores.end());
  double positives = 0;
  double ranks = 0;
  for (size_t i = 0; i < scores.size();) {
    size_t end = i;
    double equal_positives = 0;
    for (; end < scores.size() && scores[end].first == scores[i].first; ++end)
      equal_positives += scores[end].second ? 1 : 0;
    positives += equal_positives;
    ranks += equal_positives * (static_cast<double>(i + 1 + end) / 2);
    i = end;
  }
  const double negatives = static_cast<double>(scores.size()) - positives;
  if (positives == 0 || negatives == 0) return 0;
  return (ranks - positives * (positives + 1) / 2) / (positives * negatives);
}

// Simpson's rule on each stretch between two thresholds.
double ReferencePr(std::span<const std::pair<double, bool>> scores) {
  constexpr int kParts = 200;
  std::vector<double> thresholds;
  double all = 0;
  for (const auto& [score, yes] : scores) {
    thresholds.push_back(score);
    all += yes ? 1 : 0;
  }
  std::sort(thresholds.rbegin(), thresholds.rend());
  thresholds.erase(std::unique(thresholds.begin(), thresholds.end()), thresholds.end());
  if (all == 0 || all == static_cast<double>(scores.size())) return 0;
  double area = 0;
  Step before;
  for (const double threshold : thresholds) {
    Step now;
    for (const auto& [score, yes] : scores)
      (yes ? now.positives : now.negatives) += score >= threshold ? 1 : 0;
    const double width = now.positives - before.positives;
    const double rise = now.negatives - before.negatives;
    for (int i = 0; i <= kParts && width > 0; ++i) {
      const double part = std::max(1e-12, static_cast<double>(i) / kParts);
      const double right = before.positives + part * width;
      const double wrong = before.negatives + part * rise;
      const double weight = i == 0 || i == kParts ? 1 : i % 2 == 1 ? 4 : 2;
      area += weight * right / (right + wrong) * width / (3 * kParts);
    }
    before = now;
  }
  return area / all;
}

std::vector<double> Reference(const v1::Metric& spec, const Scored&, const ReferenceRows& rows) {
  std::vector<std::pair<double, bool>> scores;
  for (size_t row = 0; row < rows.predictions.size(); ++row) {
    for (size_t i = 0; i < rows.predictions[row].size(); ++i)
      scores.emplace_back(rows.scores[row][i], rows.targets[row][i] > 0.5);
  }
  return {spec.auc().curve() == v1::Auc::PR ? ReferencePr(scores) : ReferenceRoc(scores)};
}

std::vector<v1::Metric> Samples() {
  std::vector<v1::Metric> samples(2);
  samples[0].mutable_auc();
  samples[1].mutable_auc()->set_curve(v1::Auc::PR);
  return samples;
}

}  // namespace

extern const MetricKind auc_kind;
constinit const MetricKind auc_kind = {
    .field = v1::Metric::kAuc,
    .documentation =
        "Area under the curve of true over false positives, or of precision over recall.",
    .source = "Hanley, McNeil 1982; Davis, Goadrich 2006; Keras, AUC",
    .higher_is_better = true,
    .from = Occasion::kEpoch,
    .check = CheckScored,
    .sizes = SizesOf,
    .lower = Lower,
    .figures = Figures,
    .reference = Reference,
    .samples = Samples,
};

}  // namespace gradus::metrics
