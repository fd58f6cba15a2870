// SPDX-License-Identifier: Apache-2.0
// Early stopping: the stage ends when a figure has not improved for `patience` epochs.
#include <cmath>

#include "absl/strings/str_cat.h"
#include "engine/base/status.h"
#include "engine/training/callbacks/monitor.h"

namespace gradus::callbacks {
namespace {

// The state's numbers.
enum : size_t { kBest, kWait, kNumbers };

Monitor MonitorOf(const v1::EarlyStopping& spec) {
  return {spec.monitor(), spec.mode(), spec.min_delta()};
}

absl::Status Check(v1::Callback& callback, std::span<const std::string> names) {
  v1::EarlyStopping& spec = *callback.mutable_early_stopping();
  v1::MonitorMode mode = spec.mode();
  RETURN_IF_ERROR(CheckMonitor(names, spec.mutable_monitor(), &mode));
  spec.set_mode(mode);
  if (!spec.has_min_delta()) spec.set_min_delta(0);
  if (!spec.has_patience()) spec.set_patience(0);
  if (!spec.has_restore_best_weights()) spec.set_restore_best_weights(false);
  if (!spec.has_start_from_epoch()) spec.set_start_from_epoch(0);
  RETURN_IF_ERROR(CheckNotNegative("min_delta", spec.min_delta()));
  RETURN_IF_ERROR(CheckEpochs("patience", spec.patience()));
  RETURN_IF_ERROR(CheckEpochs("start_from_epoch", spec.start_from_epoch()));
  if (spec.has_baseline() && !std::isfinite(spec.baseline()))
    return base::InvalidArgument("baseline", absl::StrCat(spec.baseline()), "a finite number");
  return absl::OkStatus();
}

std::vector<double> Start(const v1::Callback& callback) {
  const v1::EarlyStopping& spec = callback.early_stopping();
  std::vector<double> state(kNumbers, 0);
  state[kBest] = MonitorOf(spec).Worst();
  return state;
}

Verdict AfterEpoch(const v1::Callback& callback, const Epoch& epoch, std::span<double> state) {
  const v1::EarlyStopping& spec = callback.early_stopping();
  const Monitor monitor = MonitorOf(spec);
  const std::optional<double> value = monitor.Value(epoch);
  Verdict verdict;
  if (!value.has_value() || epoch.number < spec.start_from_epoch()) return verdict;
  ++state[kWait];
  if (monitor.Improves(*value, state[kBest])) {
    state[kBest] = *value;
    if (!spec.has_baseline() || monitor.Improves(*value, spec.baseline())) state[kWait] = 0;
    verdict.keep_weights = spec.restore_best_weights();
    return verdict;
  }
  if (epoch.number == 0 || state[kWait] < static_cast<double>(spec.patience())) return verdict;
  verdict.end_stage = true;
  verdict.note = absl::StrCat("early stopping: ", monitor.name, " has not improved on ",
                              state[kBest], " for ", state[kWait], " epochs");
  return verdict;
}

std::vector<v1::Callback> Samples() {
  v1::Callback plain;
  plain.mutable_early_stopping();
  v1::Callback whole;
  v1::EarlyStopping& spec = *whole.mutable_early_stopping();
  spec.set_patience(2);
  spec.set_min_delta(0.01);
  spec.set_restore_best_weights(true);
  spec.set_start_from_epoch(1);
  spec.set_baseline(10);
  return {plain, whole};
}

}  // namespace

extern const CallbackKind early_stopping_kind;
constinit const CallbackKind early_stopping_kind = {
    .field = v1::Callback::kEarlyStopping,
    .documentation = "Ends the stage when a figure has not improved for `patience` epochs.",
    .source = "Keras, EarlyStopping; Prechelt 1998",
    .check = Check,
    .start = Start,
    .after_epoch = AfterEpoch,
    .samples = Samples,
};

}  // namespace gradus::callbacks
