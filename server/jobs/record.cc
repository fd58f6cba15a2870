// SPDX-License-Identifier: Apache-2.0
#include "server/jobs/record.h"

#include <cmath>
#include <optional>
#include <string>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "engine/base/status.h"
#include "engine/training/metrics/kind.h"
#include "proto/support/utf8.h"

namespace gradus::jobs {
namespace {

constexpr size_t kLongestLine = 4096;

using Values = google::protobuf::Map<std::string, double>;

// A matrix's entries would fill the list of jobs.
void Merge(const Values& values, Values& into) {
  for (const auto& [name, value] : values) {
    if (!absl::StrContains(name, '/')) into[name] = value;
  }
}

// What is no number is never the best, and what is neither good nor bad has none.
void MergeBest(const Values& values, Values& best) {
  for (const auto& [name, value] : values) {
    const std::optional<bool> higher = metrics::HigherIsBetter(name);
    if (std::isnan(value) || !higher.has_value()) continue;
    const auto [known, first] = best.insert({name, value});
    if (first) continue;
    if (*higher ? value > known->second : value < known->second) known->second = value;
  }
}

}  // namespace

absl::Status CheckRankEvent(v1::Event& event) {
  switch (event.kind_case()) {
    case v1::Event::kStageStarted:
    case v1::Event::kProgress:
    case v1::Event::kEpochFinished:
    case v1::Event::kEvaluated:
    case v1::Event::kLearningRateTried:
    case v1::Event::kModelFolded:
    case v1::Event::kWeightsTaken:
    case v1::Event::kTransferTried:
      return absl::OkStatus();
    case v1::Event::kLogLine:
      event.mutable_log_line()->mutable_text()->resize(
          support::CutUtf8(event.log_line().text(), kLongestLine).size());
      return absl::OkStatus();
    default:
      return base::InvalidArgument(
          "event.kind", absl::StrCat(event.kind_case()),
          "stage_started, progress, epoch_finished, evaluated, log_line, learning_rate_tried, "
          "model_folded, weights_taken or transfer_tried");
  }
}

void ApplyEvent(const v1::Event& event, v1::Job& job) {
  if (event.has_stage_started()) {
    job.set_stage(event.stage_started().stage());
  } else if (event.has_progress()) {
    const v1::Progress& progress = event.progress();
    job.set_stage(progress.stage());
    job.set_epoch(progress.epoch());
    job.set_step(progress.step());
    if (progress.steps_per_epoch() > 0) job.set_steps_per_epoch(progress.steps_per_epoch());
    Merge(progress.metrics(), *job.mutable_metrics());
  } else if (event.has_epoch_finished()) {
    const v1::EpochFinished& epoch = event.epoch_finished();
    job.set_stage(epoch.stage());
    job.set_epoch(epoch.epoch() + 1);
    job.set_step(epoch.step());
    job.set_samples_per_second(epoch.samples_per_second());
    Merge(epoch.metrics(), *job.mutable_metrics());
    MergeBest(epoch.metrics(), *job.mutable_best_metrics());
  } else if (event.has_evaluated()) {
    Merge(event.evaluated().metrics(), *job.mutable_metrics());
    MergeBest(event.evaluated().metrics(), *job.mutable_best_metrics());
  } else if (event.has_learning_rate_tried()) {
    job.set_step(event.learning_rate_tried().step());
  } else if (event.has_model_folded()) {
    (*job.mutable_metrics())["largest_difference"] = event.model_folded().largest_difference();
  }
}

}  // namespace gradus::jobs
