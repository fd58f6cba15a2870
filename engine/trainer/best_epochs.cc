// SPDX-License-Identifier: Apache-2.0
// A sorted list.
#include "engine/trainer/best_epochs.h"

#include <algorithm>
#include <cmath>
#include <utility>

namespace gradus::trainer {

BestEpochs::BestEpochs(const v1::Checkpoint& spec)
    : most_(static_cast<size_t>(spec.keep_best())),
      monitor_{.name = spec.monitor(), .mode = spec.mode()} {}

std::optional<double> BestEpochs::Add(int64_t step, const std::map<std::string, double>& figures) {
  const std::optional<double> value = monitor_.Value({.figures = figures});
  if (most_ == 0 || !value.has_value() || !std::isfinite(*value)) return std::nullopt;
  const auto place = std::ranges::find_if(
      list_, [&](const BestEpoch& kept) { return monitor_.Improves(*value, kept.value); });
  if (place == list_.end() && list_.size() == most_) return std::nullopt;
  list_.insert(place, {*value, step});
  if (list_.size() > most_) list_.pop_back();
  return value;
}

absl::Status BestEpochs::Restore(std::vector<BestEpoch> list) {
  const bool fits =
      list.size() <= most_ &&
      std::ranges::all_of(list, [](const BestEpoch& kept) { return std::isfinite(kept.value); }) &&
      std::ranges::is_sorted(list, [&](const BestEpoch& a, const BestEpoch& b) {
        return monitor_.Improves(a.value, b.value);
      });
  if (!fits) return absl::DataLossError("the checkpoint's best epochs are not those of this job");
  list_ = std::move(list);
  return absl::OkStatus();
}

}  // namespace gradus::trainer
