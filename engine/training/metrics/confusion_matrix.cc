// SPDX-License-Identifier: Apache-2.0
// How many rows of each class were called each class.
#include "engine/base/status.h"
#include "engine/training/metrics/output_mean.h"

namespace gradus::metrics {
namespace {

// Of them each has as many figures as there are classes.
constexpr int64_t kMostClasses = 100;

int64_t ClassesOf(const Scored& scored) { return HasClasses(scored) ? scored.width : 2; }

absl::Status CheckScored(v1::Metric& metric, const Scored& scored) {
  v1::ConfusionMatrix& spec = *metric.mutable_confusion_matrix();
  if (!spec.has_threshold()) spec.set_threshold(0.5);
  RETURN_IF_ERROR(CheckThreshold(spec.threshold()));
  RETURN_IF_ERROR(
      CheckFits(scored.target.form != losses::TargetForm::kValues || scored.width == 1, scored));
  if (ClassesOf(scored) <= kMostClasses) return absl::OkStatus();
  return absl::InvalidArgumentError(
      absl::StrCat("is for at most ", kMostClasses, " classes, the model has ", scored.width));
}

Sizes SizesOf(const v1::Metric&, const Scored& scored) {
  return {.state = ClassesOf(scored) * ClassesOf(scored)};
}

void Count(const MetricOperands& o, double cut) {
  const bool two = o.form == losses::TargetForm::kValues;
  const int64_t classes = two ? 2 : o.width;
  std::fill_n(o.state, classes * classes, 0.0);
  const RowView rows(o);
  for (int64_t row = 0; row < o.rows; ++row) {
    const int64_t called = !two ? rows.called_class(row)
                           : static_cast<double>(rows.prediction(row)[0]) > cut ? 1
                                                                                : 0;
    const int64_t wanted = !two ? rows.wanted_class(row) : rows.target(row)[0] > 0.5F ? 1 : 0;
    if (wanted >= 0 && wanted < classes) o.state[wanted * classes + called] += 1;
  }
}

std::unique_ptr<kernels::Kernel> Lower(const v1::Metric& spec, const MetricOperands& o) {
  return kernels::MakeKernel(
      absl::StrCat("confusion_matrix ", o.rows, "x", o.width),
      [o, cut = CutOf(spec.confusion_matrix().threshold(), o)] { Count(o, cut); });
}

std::vector<Figure> Figures(const v1::Metric&, const Gathered& gathered) {
  const auto classes = static_cast<size_t>(ClassesOf(gathered.scored));
  std::vector<Figure> figures;
  for (size_t wanted = 0; wanted < classes; ++wanted) {
    for (size_t called = 0; called < classes; ++called)
      figures.push_back(
          {absl::StrCat("/", wanted, "/", called), gathered.state[wanted * classes + called]});
  }
  return figures;
}

std::vector<double> Reference(const v1::Metric& spec, const Scored& scored,
                              const ReferenceRows& rows) {
  const auto classes = static_cast<size_t>(ClassesOf(scored));
  const auto class_of = [&](const std::vector<double>& values, double threshold) {
    if (values.size() > 1) return static_cast<size_t>(IndexOfLargest(std::span(values)));
    return static_cast<size_t>(values[0] > threshold ? 1 : 0);
  };
  std::vector<double> counts(classes * classes, 0.0);
  for (size_t row = 0; row < rows.predictions.size(); ++row) {
    const size_t wanted = scored.target.form == losses::TargetForm::kClass
                              ? static_cast<size_t>(rows.targets[row][0])
                              : class_of(rows.targets[row], 0.5);
    const std::vector<double>& given = scored.width > 1 ? rows.scores[row] : rows.predictions[row];
    counts[wanted * classes + class_of(given, spec.confusion_matrix().threshold())] += 1;
  }
  return counts;
}

std::vector<v1::Metric> Samples() {
  v1::Metric spec;
  spec.mutable_confusion_matrix();
  return {spec};
}

}  // namespace

extern const MetricKind confusion_matrix_kind;
constinit const MetricKind confusion_matrix_kind = {
    .field = v1::Metric::kConfusionMatrix,
    .documentation = "How many rows of each class were called each class.",
    .source = "Keras, tf.math.confusion_matrix",
    .higher_is_better = std::nullopt,
    .from = Occasion::kTest,
    .check = CheckScored,
    .sizes = SizesOf,
    .lower = Lower,
    .figures = Figures,
    .reference = Reference,
    .samples = Samples,
};

}  // namespace gradus::metrics
