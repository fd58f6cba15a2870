// SPDX-License-Identifier: Apache-2.0
// Doubles the distance of the points whenever there are too many.
#include "server/jobs/metric_series.h"

#include <utility>

namespace gradus::jobs {

void ThinnedSeries::Add(const v1::MetricPoint& point) {
  if (!points_.empty()) {
    const int64_t last = points_.rbegin()->first;
    if (point.epoch() < last && !Spaced(point.epoch())) return;
    if (point.epoch() > last && !Spaced(last)) points_.erase(last);
  }
  points_[point.epoch()] = point;
  while (points_.size() > kMostPoints) {
    stride_ *= 2;
    const int64_t last = points_.rbegin()->first;
    std::erase_if(points_,
                  [&](const auto& held) { return held.first != last && !Spaced(held.first); });
  }
}

void ThinnedSeries::MoveTo(v1::MetricSeries& series) {
  for (auto& [epoch, point] : points_) *series.add_points() = std::move(point);
  points_.clear();
}

}  // namespace gradus::jobs
