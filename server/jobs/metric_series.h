// SPDX-License-Identifier: Apache-2.0
// One metric over a run's epochs, thinned while it is read, so that a run of a million epochs takes
// no more memory than a short one.
#pragma once

#include <cstddef>
#include <cstdint>
#include <map>

#include "gradus/v1/job_service.pb.h"

namespace gradus::jobs {

//   Threads  one.
class ThinnedSeries {
 public:
  // Points that are held, and so sent, at most.
  static constexpr size_t kMostPoints = 4000;

  // In the order in which they were reported. Where an attempt went over an epoch again, the later
  // point counts.
  void Add(const v1::MetricPoint& point);

  size_t size() const { return points_.size(); }
  // By epoch: evenly spaced, and the last one.
  void MoveTo(v1::MetricSeries& series);

 private:
  bool Spaced(int64_t epoch) const { return epoch % stride_ == 0; }

  std::map<int64_t, v1::MetricPoint> points_;  // by epoch; all but the last are spaced
  int64_t stride_ = 1;
};

}  // namespace gradus::jobs
