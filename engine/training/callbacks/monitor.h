// SPDX-License-Identifier: Apache-2.0
// Watching one figure for improvements: what callbacks have in common.
#pragma once

#include <cstdint>
#include <optional>
#include <span>
#include <string>

#include "absl/status/status.h"
#include "absl/strings/string_view.h"
#include "engine/base/ranges.h"
#include "engine/training/callbacks/kind.h"

namespace gradus::callbacks {

// Which figure, and which way it is better.
struct Monitor {
  std::string name;
  v1::MonitorMode mode = v1::AUTO;
  double min_delta = 0;

  // The figure of this epoch, if it has one.
  std::optional<double> Value(const Epoch& epoch) const;
  // A NaN never is.
  bool Improves(double value, double best) const;
  // Than which everything is better.
  double Worst() const;
};

// Fills in the figure's name and mode, and checks the numbers that all have: INVALID_ARGUMENT with
// the field's path.
absl::Status CheckMonitor(std::span<const std::string> names, std::string* name,
                          v1::MonitorMode* mode);
// A number of epochs: 0 to 1,000,000.
absl::Status CheckEpochs(absl::string_view field, int64_t value);
using base::CheckNotNegative;

}  // namespace gradus::callbacks
