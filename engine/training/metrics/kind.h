// SPDX-License-Identifier: Apache-2.0
// Figures reported beside the loss: one constant struct a member of the oneof `Metric.kind`.
#pragma once

#include <cstdint>
#include <memory>
#include <span>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/strings/string_view.h"
#include "engine/kernels/kernel.h"
#include "engine/training/losses/kind.h"
#include "gradus/v1/training.pb.h"

namespace gradus::metrics {

// Where a metric's kernel finds its numbers; as losses::LossOperands.
struct MetricOperands {
  kernels::Cell predictions = nullptr;
  kernels::Cell targets = nullptr;
  // Set to the sum over the rows.
  double* sum = nullptr;
  int64_t rows = 0;
  int64_t width = 0;
  bool logits = false;
  losses::Scoring scoring = losses::Scoring::kNone;
  losses::TargetForm form = losses::TargetForm::kClass;
};

// A metric: a mean over rows.
//   Threads  immutable; the functions are pure.
struct MetricKind {
  v1::Metric::KindCase field;
  const char* documentation;
  const char* source;
  // A higher value is a better one.
  bool higher_is_better;
  // Whether it makes sense with this loss.
  absl::Status (*check)(const v1::Metric& spec, const losses::LossKind& loss);
  std::unique_ptr<kernels::Kernel> (*lower)(const v1::Metric& spec, const MetricOperands& operands);
  // One row, in double precision.
  double (*reference)(losses::Scoring scoring, bool logits, std::span<const double> predictions,
                      std::span<const double> targets);
  // Settings that the conformance tests run.
  std::vector<v1::Metric> (*samples)();
};

// Every kind; written by the CMake list.
std::span<const MetricKind* const> Table();
// Null when the oneof is not set.
const MetricKind* Find(const v1::Metric& spec);
// Metrics of one job at most.
inline constexpr int kMaxMetrics = 8;

// The oneof member's name: "accuracy".
std::string Word(const MetricKind& kind);

// Of a figure's name, "val_" and "test_" before it or not: false for losses and what is no metric.
bool HigherIsBetter(absl::string_view name);

// INVALID_ARGUMENT with path "[i]..." for a metric without a kind, a kind twice, more than fit, or
// one that the loss does not allow.
absl::Status Check(const google::protobuf::RepeatedPtrField<v1::Metric>& specs,
                   const losses::LossKind& loss);

}  // namespace gradus::metrics
