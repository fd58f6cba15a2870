// SPDX-License-Identifier: Apache-2.0
// Counts rows whose largest output is that of the wanted class.
#include "engine/training/metrics/right_class.h"

#include "absl/strings/str_cat.h"
#include "engine/kernels/function_kernel.h"
#include "engine/training/metrics/rows.h"

namespace gradus::metrics {

std::unique_ptr<kernels::Kernel> RightClassKernel(absl::string_view name, const MetricOperands& o) {
  return kernels::MakeKernel(absl::StrCat(name, " ", o.rows, "x", o.width), [o] {
    const RowView rows(o);
    int64_t right = 0;
    for (int64_t row = 0; row < o.rows; ++row)
      right += rows.called_class(row) == rows.wanted_class(row) ? 1 : 0;
    *o.state = static_cast<double>(right);
  });
}

double ReferenceShareOfRightClasses(const ReferenceRows& rows) {
  const auto largest = [](const std::vector<double>& values) {
    size_t at = 0;
    for (size_t i = 1; i < values.size(); ++i) at = values[i] > values[at] ? i : at;
    return at;
  };
  double right = 0;
  for (size_t row = 0; row < rows.predictions.size(); ++row) {
    const std::vector<double>& target = rows.targets[row];
    const size_t wanted = target.size() == 1 ? static_cast<size_t>(target[0]) : largest(target);
    right += largest(rows.scores[row]) == wanted ? 1 : 0;
  }
  return right / static_cast<double>(rows.predictions.size());
}

}  // namespace gradus::metrics
