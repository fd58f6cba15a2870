// SPDX-License-Identifier: Apache-2.0
// Merges tallies in the order of their rows.
#include "engine/training/metrics/metric_set.h"

#include <utility>

#include "absl/strings/str_cat.h"

namespace gradus::metrics {

MetricSet::MetricSet(std::vector<v1::Metric> specs, const Scored& scored)
    : specs_(std::move(specs)), scored_(scored) {
  for (const v1::Metric& spec : specs_) sizes_.push_back(Find(spec)->sizes(spec, scored_));
}

std::vector<Tally> MetricSet::Start() const {
  std::vector<Tally> tallies(size());
  for (size_t i = 0; i < size(); ++i)
    tallies[i].state.assign(static_cast<size_t>(sizes_[i].state), 0.0);
  return tallies;
}

Tally MetricSet::PartOf(size_t metric, int64_t rows) const {
  Tally tally;
  tally.state.resize(static_cast<size_t>(sizes_[metric].state));
  tally.kept.resize(static_cast<size_t>(rows * sizes_[metric].kept));
  return tally;
}

void MetricSet::Merge(std::span<const Tally> from, std::span<Tally> into) const {
  for (size_t i = 0; i < size(); ++i) {
    kind(i).merge(into[i].state, from[i].state);
    into[i].kept.insert(into[i].kept.end(), from[i].kept.begin(), from[i].kept.end());
  }
}

void MetricSet::Reserve(std::span<Tally> tallies, int64_t rows) const {
  for (size_t i = 0; i < size(); ++i)
    tallies[i].kept.reserve(static_cast<size_t>(rows * sizes_[i].kept));
}

bool MetricSet::Fit(std::span<const Tally> tallies, int64_t rows) const {
  if (tallies.size() != size()) return false;
  for (size_t i = 0; i < size(); ++i) {
    if (tallies[i].state.size() != static_cast<size_t>(sizes_[i].state)) return false;
    if (tallies[i].kept.size() != static_cast<size_t>(rows * sizes_[i].kept)) return false;
  }
  return true;
}

std::vector<Figure> MetricSet::FiguresOf(size_t metric, const Tally& tally, int64_t rows) const {
  return kind(metric).figures(
      specs_[metric], {.scored = scored_, .state = tally.state, .kept = tally.kept, .rows = rows});
}

std::map<std::string, double> MetricSet::Figures(std::span<const Tally> tallies, int64_t rows,
                                                 Occasion occasion,
                                                 absl::string_view prefix) const {
  std::map<std::string, double> figures;
  for (size_t i = 0; i < size() && rows > 0; ++i) {
    if (occasion < kind(i).from) continue;
    for (const Figure& figure : FiguresOf(i, tallies[i], rows))
      figures[absl::StrCat(prefix, Word(kind(i)), figure.suffix)] = figure.value;
  }
  return figures;
}

}  // namespace gradus::metrics
