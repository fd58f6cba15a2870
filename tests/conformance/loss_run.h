// SPDX-License-Identifier: Apache-2.0
// A loss's kernel on predictions of one's choice.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "engine/training/losses/kind.h"
#include "tests/conformance/targets.h"

namespace gradus::conformance {

// A sample of a loss on outputs of one width.
struct LossCase {
  // "SPEC, 3 rows of 17, logits".
  std::string name;
  const losses::LossKind* kind = nullptr;
  v1::Loss spec;
  // What its predictions are; losses that take no part in that are given any numbers.
  bool logits = false;
  losses::Target target;
  int64_t rows = 1;
  int64_t width = 1;

  // Probabilities along each row are what it wants.
  bool wants_probabilities() const {
    return !logits && kind->fuses != v1::Activation::KIND_NOT_SET;
  }
};

// Its samples, from logits and without, on batches of 1, an odd number and many rows, as wide as it
// allows.
std::vector<LossCase> CasesOf(const losses::LossKind& kind);

// [rows, width].
std::vector<float> DrawPredictions(const LossCase& tested, uint32_t stream);

struct LossResult {
  double sum = 0;
  // Empty where it was not wanted.
  std::vector<float> gradient;

  bool operator==(const LossResult&) const = default;
};

// With the gradient of the mean over the rows. A write outside the gradient, or to what is only
// read, is a failure of the running test.
LossResult RunLoss(const LossCase& tested, const std::vector<float>& predictions,
                   const Targets& targets, bool with_gradient);

}  // namespace gradus::conformance
