// SPDX-License-Identifier: Apache-2.0
// What a run tells, made into events at the pace that watchers want.
#pragma once

#include <cstdint>
#include <map>
#include <span>
#include <string>
#include <string_view>

#include "absl/strings/string_view.h"
#include "engine/base/clock.h"
#include "engine/plan/executable.h"
#include "engine/trainer/checkpoint.h"
#include "engine/trainer/trainer.h"
#include "engine/training/metrics/metric_set.h"
#include "gradus/v1/events.pb.h"

namespace gradus::trainer {

// By name: PREFIX + "loss", PREFIX + each metric that is reported on this occasion. Empty without
// rows.
std::map<std::string, double> FiguresOf(const plan::Totals& totals,
                                        const metrics::MetricSet& metrics,
                                        metrics::Occasion occasion, absl::string_view prefix);

// Sends progress, the first at once, then at most five a second and never more than one a step.
//   Threads  one.
class ProgressReporter {
 public:
  ProgressReporter(base::Clock& clock, Callback& callback) : clock_(clock), callback_(callback) {}

  // Time that is no step's (validation, a checkpoint) ends here: the mean starts anew.
  void Restart() {
    since_micros_ = clock_.MonotonicMicros();
    steps_ = 0;
  }

  // To be called after each step.
  void AfterStep(const Position& position, int64_t steps_per_epoch, const plan::Totals& totals,
                 const metrics::MetricSet& metrics, double learning_rate);

 private:
  base::Clock& clock_;
  Callback& callback_;
  int64_t since_micros_ = 0;  // start of the steps that the next event's mean is over
  int64_t steps_ = 0;
  int64_t last_event_micros_ = INT64_MIN / 2;
};

// A line for people, cut to what an event may hold.
// At most a thousand tensors; the counts are of all.
v1::Event WeightsTakenEvent(std::span<const v1::TensorStart> plan);

void SendLogLine(Callback& callback, v1::LogLine::Level level, std::string_view text);

}  // namespace gradus::trainer
