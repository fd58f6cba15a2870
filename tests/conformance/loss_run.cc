// SPDX-License-Identifier: Apache-2.0
// Cases out of the table of losses, and one call of a kernel.
#include "tests/conformance/loss_run.h"

#include <gtest/gtest.h>

#include <cmath>
#include <limits>
#include <memory>
#include <set>

#include "absl/strings/str_cat.h"
#include "tests/conformance/draws.h"
#include "tests/support/guarded.h"

namespace gradus::conformance {
namespace {

using test_support::Guarded;

// Not below the smallest that a loss may ask for, and on both sides of every vector's width.
constexpr int64_t kWidths[] = {1, 2, 3, 16, 17, 33};
constexpr int64_t kRows[] = {1, 5, 32};

// Each row becomes its softmax.
void MakeProbabilities(std::vector<float>& values, int64_t width) {
  for (size_t at = 0; at < values.size(); at += static_cast<size_t>(width)) {
    double sum = 0;
    for (size_t i = at; i < at + static_cast<size_t>(width); ++i)
      sum += std::exp(static_cast<double>(values[i]));
    for (size_t i = at; i < at + static_cast<size_t>(width); ++i)
      values[i] = static_cast<float>(std::exp(static_cast<double>(values[i])) / sum);
  }
}

}  // namespace

std::vector<LossCase> CasesOf(const losses::LossKind& kind) {
  std::vector<LossCase> cases;
  for (v1::Loss spec : kind.samples()) {
    losses::Check(spec).IgnoreError();  // FamiliesTest sees to that
    std::set<bool> forms = {kind.from_logits(spec)};
    // Behind the activation that it fuses with it sees logits, whatever its spec says.
    if (kind.fuses != v1::Activation::KIND_NOT_SET) forms.insert(true);
    for (const bool logits : forms) {
      for (const int64_t width : kWidths) {
        const auto target = kind.target(spec, {&width, 1});
        if (!target.ok()) continue;
        for (const int64_t rows : kRows) {
          cases.push_back({.name = absl::StrCat(spec.ShortDebugString(), ", ", rows, " rows of ",
                                                width, logits ? ", logits" : ""),
                           .kind = &kind,
                           .spec = spec,
                           .logits = logits,
                           .target = *target,
                           .rows = rows,
                           .width = width});
        }
      }
    }
  }
  return cases;
}

std::vector<float> DrawPredictions(const LossCase& tested, uint32_t stream) {
  std::vector<float> values =
      DrawNormal(static_cast<size_t>(tested.rows * tested.width), stream, 2);
  // The only probability of a row of one would be 1.
  if (tested.wants_probabilities() && tested.width > 1) MakeProbabilities(values, tested.width);
  if (tested.wants_probabilities() && tested.width == 1) {
    for (float& value : values) value = 1 / (1 + std::exp(-value));
  }
  if (tested.kind->positive) {
    for (float& value : values) value = std::exp(value);
  }
  return values;
}

LossResult RunLoss(const LossCase& tested, const std::vector<float>& predictions,
                   const Targets& targets, bool with_gradient) {
  Guarded place{std::span<const float>(predictions)};
  Guarded gradient(predictions.size() * sizeof(float));
  // Kernels only read them; a cell's type has no const because most cells are written.
  void* target_pointer = const_cast<void*>(targets.data());
  const Targets before = targets;
  double sum = std::numeric_limits<double>::quiet_NaN();
  auto kernel = tested.kind->lower(tested.spec, {.predictions = place.cell(),
                                                 .targets = &target_pointer,
                                                 .diff = with_gradient ? gradient.cell() : nullptr,
                                                 .sum = &sum,
                                                 .rows = tested.rows,
                                                 .width = tested.width,
                                                 .scale = 1.0F / static_cast<float>(tested.rows),
                                                 .logits = tested.logits});
  EXPECT_TRUE(kernel.ok()) << kernel.status();
  if (!kernel.ok()) return {};
  EXPECT_NE((*kernel)->Describe(), "");
  EXPECT_TRUE((*kernel)->Run().ok());
  EXPECT_TRUE(place.Intact() && gradient.Intact()) << "it writes outside";
  EXPECT_TRUE(std::ranges::equal(place.floats(), predictions)) << "it changes the predictions";
  EXPECT_TRUE(targets.classes == before.classes && targets.values == before.values)
      << "it changes the targets";
  LossResult result{.sum = sum, .gradient = {}};
  if (with_gradient) result.gradient.assign(gradient.floats().begin(), gradient.floats().end());
  return result;
}

}  // namespace gradus::conformance
