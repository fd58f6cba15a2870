// SPDX-License-Identifier: Apache-2.0
// Merges tallies in the order of their rows.
#include "engine/training/metrics/metric_set.h"

#include <utility>

#include "absl/strings/str_cat.h"

namespace gradus::metrics {

namespace {

// An output's loss among its metrics: its mean over the rows.
constexpr MetricKind kOutputLoss = {
    .field = v1::Metric::KIND_NOT_SET,
    .documentation = "The loss of one output of several, without its weight in the sum.",
    .source = "Keras, Model.fit",
    .higher_is_better = false,
};

}  // namespace

MetricSet::MetricSet(std::vector<OutputMetrics> outputs) {
  for (size_t output = 0; output < outputs.size(); ++output) {
    const auto& [name, specs, scored] = outputs[output];
    const std::string prefix = name.empty() ? "" : absl::StrCat(name, "_");
    if (!name.empty()) items_.push_back({{}, &kOutputLoss, output, scored, prefix + "loss", {}});
    for (const v1::Metric& spec : specs) {
      const MetricKind* kind = Find(spec);
      items_.push_back(
          {spec, kind, output, scored, prefix + Word(*kind), kind->sizes(spec, scored)});
    }
  }
}

bool MetricSet::is_loss(size_t metric) const { return items_[metric].kind == &kOutputLoss; }

std::vector<Tally> MetricSet::Start() const {
  std::vector<Tally> tallies(size());
  for (size_t i = 0; i < size(); ++i)
    tallies[i].state.assign(static_cast<size_t>(items_[i].sizes.state), 0.0);
  return tallies;
}

Tally MetricSet::PartOf(size_t metric, int64_t rows) const {
  Tally tally;
  tally.state.resize(static_cast<size_t>(items_[metric].sizes.state));
  tally.kept.resize(static_cast<size_t>(rows * items_[metric].sizes.kept));
  return tally;
}

size_t MetricSet::BytesOf(size_t metric, int64_t rows) const {
  const Sizes& sizes = items_[metric].sizes;
  return static_cast<size_t>(sizes.state) * sizeof(double) +
         static_cast<size_t>(rows * sizes.kept) * sizeof(float);
}

void MetricSet::Merge(std::span<const Tally> from, std::span<Tally> into) const {
  for (size_t i = 0; i < size(); ++i) {
    kind(i).merge(into[i].state, from[i].state);
    into[i].kept.insert(into[i].kept.end(), from[i].kept.begin(), from[i].kept.end());
  }
}

void MetricSet::Reserve(std::span<Tally> tallies, int64_t rows) const {
  for (size_t i = 0; i < size(); ++i)
    tallies[i].kept.reserve(static_cast<size_t>(rows * items_[i].sizes.kept));
}

bool MetricSet::Fit(std::span<const Tally> tallies, int64_t rows) const {
  if (tallies.size() != size()) return false;
  for (size_t i = 0; i < size(); ++i) {
    if (tallies[i].state.size() != static_cast<size_t>(items_[i].sizes.state)) return false;
    if (tallies[i].kept.size() != static_cast<size_t>(rows * items_[i].sizes.kept)) return false;
  }
  return true;
}

std::vector<Figure> MetricSet::FiguresOf(size_t metric, const Tally& tally, int64_t rows) const {
  const Item& item = items_[metric];
  return item.kind->figures(
      item.spec, {.scored = item.scored, .state = tally.state, .kept = tally.kept, .rows = rows});
}

std::map<std::string, double> MetricSet::Figures(std::span<const Tally> tallies, int64_t rows,
                                                 Occasion occasion,
                                                 absl::string_view prefix) const {
  std::map<std::string, double> figures;
  for (size_t i = 0; i < size() && rows > 0; ++i) {
    if (occasion < kind(i).from) continue;
    for (const Figure& figure : FiguresOf(i, tallies[i], rows))
      figures[absl::StrCat(prefix, items_[i].name, figure.suffix)] = figure.value;
  }
  return figures;
}

}  // namespace gradus::metrics
