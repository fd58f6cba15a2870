// SPDX-License-Identifier: Apache-2.0
// The checks of a fit.
#include "engine/graph/fit_check.h"

#include <cmath>

#include "absl/strings/str_cat.h"
#include "engine/base/status.h"
#include "engine/graph/graph.h"
#include "engine/training/callbacks/monitor.h"
#include "engine/training/optimizers/kind.h"

namespace gradus::graph {
namespace {

constexpr int64_t kMostEpochs = 1'000'000;
constexpr int64_t kMostBatch = 1'048'576;
constexpr int kMostShards = 256;
constexpr int kMostKept = 100;
constexpr double kMostSeconds = 86'400;
constexpr int kMostWorkers = 256;

absl::Status InRange(absl::string_view path, int64_t value, int64_t least, int64_t most) {
  if (value >= least && value <= most) return absl::OkStatus();
  return base::InvalidArgument(path, absl::StrCat(value),
                               absl::StrCat("a number from ", least, " to ", most));
}

absl::Status CheckCheckpoint(v1::Checkpoint& checkpoint) {
  if (!checkpoint.has_every_seconds()) checkpoint.set_every_seconds(60);
  if (!checkpoint.has_every_steps()) checkpoint.set_every_steps(0);
  if (!checkpoint.has_keep_last()) checkpoint.set_keep_last(2);
  if (!checkpoint.has_keep_best()) checkpoint.set_keep_best(0);
  const double seconds = checkpoint.every_seconds();
  if (!(seconds >= 0 && seconds <= kMostSeconds)) {
    return base::InvalidArgument("every_seconds", absl::StrCat(seconds),
                                 absl::StrCat("a number from 0 to ", kMostSeconds));
  }
  if (checkpoint.every_steps() < 0)
    return base::InvalidArgument("every_steps", absl::StrCat(checkpoint.every_steps()),
                                 "0 or more");
  RETURN_IF_ERROR(InRange("keep_last", checkpoint.keep_last(), 2, kMostKept));
  return InRange("keep_best", checkpoint.keep_best(), 0, kMostKept);
}

absl::Status CheckRate(const v1::LayerRate& rate) {
  if (rate.layers().empty())
    return base::FieldError(absl::StatusCode::kInvalidArgument, "layers",
                            "layers are required: names, or slices such as \":-1\"");
  if (rate.has_factor() == rate.has_learning_rate())
    return base::FieldError(absl::StatusCode::kInvalidArgument, "factor",
                            "either a factor or a learning_rate is required");
  if (rate.has_factor() && !(rate.factor() >= 0 && rate.factor() <= kMostRateFactor)) {
    return base::InvalidArgument("factor", absl::StrCat(rate.factor()),
                                 absl::StrCat("a number from 0 to ", kMostRateFactor));
  }
  if (rate.has_learning_rate() &&
      !(std::isfinite(rate.learning_rate()) && rate.learning_rate() >= 0)) {
    return base::InvalidArgument("learning_rate", absl::StrCat(rate.learning_rate()),
                                 "a finite number, 0 or more");
  }
  return absl::OkStatus();
}

absl::Status CheckStage(v1::Stage& stage) {
  RETURN_IF_ERROR(InRange("epochs", stage.epochs(), 1, kMostEpochs));
  if (stage.has_learning_rate() &&
      !(std::isfinite(stage.learning_rate()) && stage.learning_rate() >= 0)) {
    return base::InvalidArgument("learning_rate", absl::StrCat(stage.learning_rate()),
                                 "a finite number, 0 or more");
  }
  if (stage.has_optimizer())
    RETURN_IF_ERROR(base::InField(optimizers::Check(*stage.mutable_optimizer()), "optimizer"));
  for (int i = 0; i < stage.rates_size(); ++i)
    RETURN_IF_ERROR(base::InField(CheckRate(stage.rates(i)), absl::StrCat("rates[", i, "]")));
  return absl::OkStatus();
}

absl::Status CheckWorkers(v1::Workers& workers) {
  if (!workers.has_min()) workers.set_min(1);
  RETURN_IF_ERROR(InRange("min", workers.min(), 1, kMostWorkers));
  if (!workers.has_max()) workers.set_max(workers.min());
  RETURN_IF_ERROR(InRange("max", workers.max(), 1, kMostWorkers));
  if (workers.min() <= workers.max()) return absl::OkStatus();
  return base::InvalidArgument("min", absl::StrCat(workers.min()),
                               absl::StrCat("a number from 1 to ", workers.max(), ", max"));
}

absl::Status CheckShards(const v1::Fit& fit) {
  const int shards = fit.logical_shards();
  if (shards < 1 || shards > kMostShards || (shards & (shards - 1)) != 0) {
    return base::InvalidArgument("logical_shards", absl::StrCat(shards),
                                 absl::StrCat("a power of two from 1 to ", kMostShards));
  }
  if (shards >= fit.workers().max()) return absl::OkStatus();
  return base::InvalidArgument(
      "logical_shards", absl::StrCat(shards),
      absl::StrCat("at least ", fit.workers().max(), ", the workers that share them"));
}

absl::StatusOr<int64_t> CountEpochs(v1::Fit& fit) {
  if (fit.stages().empty()) {
    if (!fit.has_epochs()) fit.set_epochs(1);
    RETURN_IF_ERROR(InRange("epochs", fit.epochs(), 0, kMostEpochs));
    return fit.epochs();
  }
  if (fit.has_epochs())
    return base::FieldError(absl::StatusCode::kInvalidArgument, "epochs",
                            "cannot be given together with stages, which have their own");
  int64_t epochs = 0;
  for (int i = 0; i < fit.stages_size(); ++i) {
    RETURN_IF_ERROR(
        base::InField(CheckStage(*fit.mutable_stages(i)), absl::StrCat("stages[", i, "]")));
    epochs += fit.stages(i).epochs();
  }
  RETURN_IF_ERROR(InRange("stages", epochs, 1, kMostEpochs));
  return epochs;
}

}  // namespace

absl::StatusOr<int64_t> CheckFit(v1::Fit& fit, uint64_t drawn_seed) {
  ASSIGN_OR_RETURN(const int64_t epochs, CountEpochs(fit));
  if (!fit.has_batch_size()) fit.set_batch_size(32);
  RETURN_IF_ERROR(InRange("batch_size", fit.batch_size(), 1, kMostBatch));
  if (!fit.has_seed()) fit.set_seed(drawn_seed);
  if (!fit.has_shuffle()) fit.set_shuffle(true);
  if (!fit.has_validation_freq()) fit.set_validation_freq(1);
  RETURN_IF_ERROR(InRange("validation_freq", fit.validation_freq(), 1, kMostEpochs));
  RETURN_IF_ERROR(base::InField(CheckCheckpoint(*fit.mutable_checkpoint()), "checkpoint"));
  RETURN_IF_ERROR(base::InField(CheckWorkers(*fit.mutable_workers()), "workers"));
  if (fit.compress() == v1::COMPRESSION_UNSPECIFIED) fit.set_compress(v1::NONE);
  if (fit.has_logical_shards()) RETURN_IF_ERROR(CheckShards(fit));
  return epochs;
}

absl::Status CheckBestEpochs(v1::Checkpoint& checkpoint, std::span<const std::string> names) {
  if (checkpoint.keep_best() == 0) {
    if (checkpoint.monitor().empty() && checkpoint.mode() == v1::MONITOR_MODE_UNSPECIFIED)
      return absl::OkStatus();
    return base::FieldError(absl::StatusCode::kInvalidArgument,
                            checkpoint.monitor().empty() ? "mode" : "monitor",
                            "says which epochs are the best, but keep_best is 0: none are kept");
  }
  v1::MonitorMode mode = checkpoint.mode();
  RETURN_IF_ERROR(callbacks::CheckMonitor(names, checkpoint.mutable_monitor(), &mode));
  checkpoint.set_mode(mode);
  return absl::OkStatus();
}

absl::Status CheckFinder(v1::LearningRateFinder& finder) {
  if (!finder.has_min_learning_rate()) finder.set_min_learning_rate(1e-6);
  if (!finder.has_max_learning_rate()) finder.set_max_learning_rate(10);
  if (!finder.has_steps()) finder.set_steps(100);
  if (!finder.has_stop_factor()) finder.set_stop_factor(4);
  const double least = finder.min_learning_rate();
  const double most = finder.max_learning_rate();
  if (!(std::isfinite(least) && least > 0))
    return base::InvalidArgument("min_learning_rate", absl::StrCat(least),
                                 "a finite number above 0");
  if (!(std::isfinite(most) && most > least))
    return base::InvalidArgument("max_learning_rate", absl::StrCat(most),
                                 absl::StrCat("a finite number above ", least));
  if (!(std::isfinite(finder.stop_factor()) && finder.stop_factor() > 1))
    return base::InvalidArgument("stop_factor", absl::StrCat(finder.stop_factor()),
                                 "a finite number above 1");
  return InRange("steps", finder.steps(), 10, 10'000);
}

}  // namespace gradus::graph
