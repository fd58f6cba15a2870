// SPDX-License-Identifier: Apache-2.0
// Watching one figure for improvements.
#include "engine/training/callbacks/monitor.h"

#include <algorithm>
#include <cmath>
#include <limits>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "engine/base/edit_distance.h"
#include "engine/base/names.h"
#include "engine/base/status.h"
#include "engine/training/metrics/kind.h"

namespace gradus::callbacks {

std::optional<double> Monitor::Value(const Epoch& epoch) const {
  const auto found = epoch.figures.find(name);
  return found == epoch.figures.end() ? std::nullopt : std::optional(found->second);
}

bool Monitor::Improves(double value, double best) const {
  return mode == v1::MAX ? value > best + min_delta : value < best - min_delta;
}

double Monitor::Worst() const {
  constexpr double kInfinity = std::numeric_limits<double>::infinity();
  return mode == v1::MAX ? -kInfinity : kInfinity;
}

absl::Status CheckMonitor(std::span<const std::string> names, std::string* name,
                          v1::MonitorMode* mode) {
  if (name->empty()) *name = names.front();
  if (std::ranges::find(names, *name) == names.end()) {
    return base::InvalidArgument(
        "monitor", absl::StrCat("\"", base::Shown(*name), "\""),
        absl::StrCat("a figure of this job, which are ", absl::StrJoin(names, ", "),
                     base::DidYouMean(*name, {names.begin(), names.end()})));
  }
  if (*mode == v1::AUTO || *mode == v1::MONITOR_MODE_UNSPECIFIED)
    *mode = metrics::HigherIsBetter(*name).value_or(false) ? v1::MAX : v1::MIN;
  return absl::OkStatus();
}

absl::Status CheckEpochs(absl::string_view field, int64_t value) {
  constexpr int64_t kMost = 1'000'000;
  if (value >= 0 && value <= kMost) return absl::OkStatus();
  return base::InvalidArgument(field, absl::StrCat(value),
                               absl::StrCat("a number of epochs from 0 to ", kMost));
}

}  // namespace gradus::callbacks
