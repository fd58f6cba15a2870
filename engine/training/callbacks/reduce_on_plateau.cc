// SPDX-License-Identifier: Apache-2.0
// Reduce on plateau: the learning rate is multiplied by `factor` when a figure has not improved for
// `patience` epochs.
#include <algorithm>

#include "absl/strings/str_cat.h"
#include "engine/base/status.h"
#include "engine/training/callbacks/monitor.h"

namespace gradus::callbacks {
namespace {

// The state's numbers.
enum : size_t { kBest, kWait, kCooldown, kNumbers };

Monitor MonitorOf(const v1::ReduceOnPlateau& spec) {
  return {spec.monitor(), spec.mode(), spec.min_delta()};
}

absl::Status Check(v1::Callback& callback, std::span<const std::string> names) {
  v1::ReduceOnPlateau& spec = *callback.mutable_reduce_on_plateau();
  v1::MonitorMode mode = spec.mode();
  RETURN_IF_ERROR(CheckMonitor(names, spec.mutable_monitor(), &mode));
  spec.set_mode(mode);
  if (!spec.has_factor()) spec.set_factor(0.1);
  if (!spec.has_patience()) spec.set_patience(10);
  if (!spec.has_min_delta()) spec.set_min_delta(1e-4);
  if (!spec.has_cooldown()) spec.set_cooldown(0);
  if (!spec.has_min_learning_rate()) spec.set_min_learning_rate(0);
  if (!(spec.factor() > 0 && spec.factor() < 1))
    return base::InvalidArgument("factor", absl::StrCat(spec.factor()),
                                 "a number above 0 and below 1");
  RETURN_IF_ERROR(CheckEpochs("patience", spec.patience()));
  RETURN_IF_ERROR(CheckEpochs("cooldown", spec.cooldown()));
  RETURN_IF_ERROR(CheckNotNegative("min_delta", spec.min_delta()));
  return CheckNotNegative("min_learning_rate", spec.min_learning_rate());
}

std::vector<double> Start(const v1::Callback& callback) {
  std::vector<double> state(kNumbers, 0);
  state[kBest] = MonitorOf(callback.reduce_on_plateau()).Worst();
  return state;
}

Verdict AfterEpoch(const v1::Callback& callback, const Epoch& epoch, std::span<double> state) {
  const v1::ReduceOnPlateau& spec = callback.reduce_on_plateau();
  const Monitor monitor = MonitorOf(spec);
  const std::optional<double> value = monitor.Value(epoch);
  Verdict verdict;
  if (!value.has_value()) return verdict;
  if (state[kCooldown] > 0) {
    --state[kCooldown];
    state[kWait] = 0;
  }
  if (monitor.Improves(*value, state[kBest])) {
    state[kBest] = *value;
    state[kWait] = 0;
    return verdict;
  }
  if (state[kCooldown] > 0) return verdict;
  ++state[kWait];
  if (state[kWait] < static_cast<double>(spec.patience())) return verdict;
  state[kWait] = 0;
  state[kCooldown] = static_cast<double>(spec.cooldown());
  const double lower = std::max(epoch.learning_rate * spec.factor(), spec.min_learning_rate());
  if (!(lower < epoch.learning_rate)) return verdict;
  verdict.learning_rate = lower;
  verdict.note = absl::StrCat("reduce on plateau: ", monitor.name, " has not improved on ",
                              state[kBest], "; the learning rate is ", lower, " now");
  return verdict;
}

std::vector<v1::Callback> Samples() {
  v1::Callback plain;
  plain.mutable_reduce_on_plateau();
  v1::Callback whole;
  v1::ReduceOnPlateau& spec = *whole.mutable_reduce_on_plateau();
  spec.set_factor(0.5);
  spec.set_patience(1);
  spec.set_cooldown(1);
  spec.set_min_learning_rate(0.02);
  return {plain, whole};
}

}  // namespace

extern const CallbackKind reduce_on_plateau_kind;
constinit const CallbackKind reduce_on_plateau_kind = {
    .field = v1::Callback::kReduceOnPlateau,
    .documentation =
        "Multiplies the learning rate by `factor` when a figure has not improved for "
        "`patience` epochs.",
    .source = "Keras, ReduceLROnPlateau",
    .check = Check,
    .start = Start,
    .after_epoch = AfterEpoch,
    .samples = Samples,
};

}  // namespace gradus::callbacks
