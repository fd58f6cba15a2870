// SPDX-License-Identifier: Apache-2.0
// Draws targets.
#include "tests/conformance/targets.h"

#include <cmath>

#include "engine/base/philox.h"
#include "tests/conformance/draws.h"

namespace gradus::conformance {
namespace {

void AppendDistribution(int64_t width, bool one_hot, base::PhiloxStream& random,
                        std::vector<float>& values) {
  std::vector<double> parts(static_cast<size_t>(width), 0.0);
  double sum = 0;
  if (one_hot) {
    parts[random.NextBelow(static_cast<uint32_t>(width))] = sum = 1;
  } else {
    for (double& part : parts) sum += part = random.NextDouble();
  }
  for (const double part : parts) values.push_back(static_cast<float>(part / sum));
}

}  // namespace

std::vector<double> Targets::Row(int64_t row) const {
  if (form.form == losses::TargetForm::kClass)
    return {static_cast<double>(classes[static_cast<size_t>(row)])};
  return Doubles(RowOf(std::span<const float>(values), static_cast<size_t>(row),
                       static_cast<size_t>(form.width)));
}

const void* Targets::From(int64_t first) const {
  return form.form == losses::TargetForm::kClass ? static_cast<const void*>(classes.data() + first)
                                                 : values.data() + first * form.width;
}

Targets DrawTargets(const losses::Target& form, losses::Scoring scoring, int64_t rows,
                    uint32_t stream) {
  base::PhiloxStream random(DrawKey(stream));
  Targets targets{.form = form, .classes = {}, .values = {}};
  for (int64_t row = 0; row < rows; ++row) {
    if (form.form == losses::TargetForm::kClass) {
      targets.classes.push_back(
          static_cast<int32_t>(random.NextBelow(static_cast<uint32_t>(form.classes))));
    } else if (form.form == losses::TargetForm::kDistribution) {
      AppendDistribution(form.width, row % 2 == 0, random, targets.values);
    } else {
      for (int64_t i = 0; i < form.width; ++i) {
        const double value = form.probabilities ? random.NextDouble() : 4 * random.NextDouble() - 2;
        targets.values.push_back(static_cast<float>(
            scoring == losses::Scoring::kThreshold && row % 2 == 0 ? std::round(value) : value));
      }
    }
  }
  return targets;
}

}  // namespace gradus::conformance
