// SPDX-License-Identifier: Apache-2.0
// What training minimises: one constant struct a member of the oneof `Loss.kind`.
#pragma once

#include <cstdint>
#include <memory>
#include <span>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "engine/kernels/kernel.h"
#include "engine/training/losses/target.h"
#include "gradus/v1/activations.pb.h"
#include "gradus/v1/losses.pb.h"

namespace gradus::losses {

// How a prediction is scored as right or wrong.
enum class Scoring {
  // The largest output is the class.
  kArgmax,
  // Each output above one half says yes.
  kThreshold,
  // It is not.
  kNone,
};

// Where a loss kernel finds and leaves its numbers.
struct LossOperands {
  // [rows, width], f32: the model's output, or what its last activation would have been given where
  // that is fused.
  kernels::Cell predictions = nullptr;
  // As Target says.
  kernels::Cell targets = nullptr;
  // [rows, width], f32: where the gradient goes; null when only the sum is wanted.
  kernels::Cell diff = nullptr;
  // Set to the sum over the rows.
  double* sum = nullptr;
  int64_t rows = 0;
  int64_t width = 0;
  // What the gradient of the sum is multiplied with: 1 / rows of the whole batch.
  float scale = 0;
  // The predictions are logits.
  bool logits = false;
};

// A loss.
//   Threads  immutable; the functions are pure.
struct LossKind {
  v1::Loss::KindCase field;
  const char* documentation;
  const char* source;
  // The last activation that is computed together with this loss, stably, from logits.
  v1::Activation::KindCase fuses;
  Scoring scoring;
  // Its predictions must be above 0; with others it is no number.
  bool positive = false;
  // Fills in every default.
  absl::Status (*check)(v1::Loss& spec);
  // The model's output is logits by the user's own word.
  bool (*from_logits)(const v1::Loss& spec);
  // What the targets must be for rows of this output; INVALID_ARGUMENT where the output does not
  // fit.
  absl::StatusOr<Target> (*target)(const v1::Loss& spec, std::span<const int64_t> output_shape);
  absl::StatusOr<std::unique_ptr<kernels::Kernel>> (*lower)(const v1::Loss& spec,
                                                            const LossOperands& operands);
  // One row, in double precision. Targets as numbers: one class number, or `width` values.
  double (*reference)(const v1::Loss& spec, bool logits, std::span<const double> predictions,
                      std::span<const double> targets);
  // Settings that the conformance tests run.
  std::vector<v1::Loss> (*samples)();
};

// Every kind; written by the CMake list.
std::span<const LossKind* const> Table();
// Null when the oneof is not set.
const LossKind* Find(const v1::Loss& spec);
// The oneof member's name: "mean_squared_error".
std::string Word(const LossKind& kind);

// INVALID_ARGUMENT where nothing is set; else the kind checks its settings and fills in defaults.
absl::Status Check(v1::Loss& spec);

}  // namespace gradus::losses
