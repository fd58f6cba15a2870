// SPDX-License-Identifier: Apache-2.0
// Builds the events of a run.
#include "engine/trainer/events.h"

#include <algorithm>

#include "absl/strings/str_cat.h"

namespace gradus::trainer {
namespace {

constexpr int64_t kMicrosBetweenEvents = 200'000;
constexpr size_t kMaxLogText = 4096;
constexpr int kMostTensorsTold = 1000;

}  // namespace

std::map<std::string, double> FiguresOf(const plan::Totals& totals,
                                        const metrics::MetricSet& metrics,
                                        metrics::Occasion occasion, absl::string_view prefix) {
  if (totals.rows == 0) return {};
  std::map<std::string, double> figures =
      metrics.Figures(totals.metrics, totals.rows, occasion, prefix);
  figures[absl::StrCat(prefix, "loss")] = totals.loss / static_cast<double>(totals.rows);
  return figures;
}

void ProgressReporter::AfterStep(const Position& position, int64_t steps_per_epoch,
                                 const plan::Totals& totals, const metrics::MetricSet& metrics,
                                 double learning_rate) {
  ++steps_;
  const int64_t now = clock_.MonotonicMicros();
  if (now - last_event_micros_ < kMicrosBetweenEvents) return;
  v1::Event event;
  v1::Progress* progress = event.mutable_progress();
  progress->set_stage(position.stage);
  progress->set_epoch(position.epoch);
  progress->set_step_in_epoch(position.step_in_epoch);
  progress->set_steps_per_epoch(steps_per_epoch);
  progress->set_step(position.step);
  for (const auto& [name, value] : FiguresOf(totals, metrics, metrics::Occasion::kProgress, ""))
    (*progress->mutable_metrics())[name] = value;
  progress->set_ms_per_step(static_cast<double>(now - since_micros_) / 1000.0 /
                            static_cast<double>(steps_));
  progress->set_learning_rate(learning_rate);
  callback_.OnEvent(event);
  last_event_micros_ = now;
  since_micros_ = now;
  steps_ = 0;
}

v1::Event WeightsTakenEvent(std::span<const v1::TensorStart> plan) {
  v1::Event event;
  v1::WeightsTaken& taken = *event.mutable_weights_taken();
  for (const v1::TensorStart& start : plan) {
    if (taken.tensors_size() < kMostTensorsTold) *taken.add_tensors() = start;
    switch (start.start()) {
      case v1::TensorStart::LOADED:
        taken.set_loaded(taken.loaded() + 1);
        break;
      case v1::TensorStart::MISMATCHED:
        taken.set_mismatched(taken.mismatched() + 1);
        [[fallthrough]];
      case v1::TensorStart::INITIALIZED:
        taken.set_initialized(taken.initialized() + 1);
        break;
      default:
        break;
    }
  }
  return event;
}

void SendLogLine(Callback& callback, v1::LogLine::Level level, std::string_view text) {
  v1::Event event;
  event.mutable_log_line()->set_level(level);
  // Not through the middle of a character: protobuf's strings are UTF-8.
  size_t length = std::min(text.size(), kMaxLogText);
  while (length < text.size() && length > 0 &&
         (static_cast<unsigned char>(text[length]) & 0xC0U) == 0x80U)
    --length;
  event.mutable_log_line()->set_text(std::string(text.substr(0, length)));
  callback.OnEvent(event);
}

}  // namespace gradus::trainer
