// SPDX-License-Identifier: Apache-2.0
// Figures reported beside the loss: one constant struct a member of the oneof `Metric.kind`.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/strings/string_view.h"
#include "engine/kernels/kernel.h"
#include "engine/training/losses/kind.h"
#include "gradus/v1/metrics.pb.h"

namespace gradus::metrics {

// What a job's metrics look at.
struct Scored {
  const losses::LossKind* loss = nullptr;
  losses::Target target;
  // Values in a row of the model's output.
  int64_t width = 1;
};

// What a metric gathers.
struct Sizes {
  // Numbers that batch after batch is merged into; they start as zeros.
  int64_t state = 1;
  // Floats kept of each row.
  int64_t kept = 0;
};

// Where a metric's kernel finds its numbers; as losses::LossOperands.
struct MetricOperands {
  kernels::Cell predictions = nullptr;
  kernels::Cell targets = nullptr;
  // Sizes::state of them; set to what these rows say.
  double* state = nullptr;
  // [rows, Sizes::kept]; set, too.
  float* kept = nullptr;
  int64_t rows = 0;
  int64_t width = 0;
  bool logits = false;
  losses::Scoring scoring = losses::Scoring::kNone;
  losses::TargetForm form = losses::TargetForm::kClass;
};

// What has been gathered of many rows.
struct Gathered {
  Scored scored;
  std::span<const double> state;
  std::span<const float> kept;
  int64_t rows = 0;
};

// A number with what its name has behind the metric's: nothing, where there is one.
struct Figure {
  std::string suffix;
  double value = 0;
};

// When figures are asked for.
enum class Occasion {
  // After any step.
  kProgress,
  // After an epoch of training or a validation.
  kEpoch,
  // After the test.
  kTest,
};

// Rows as references take them: what the model gave, its last activation done; one class number or
// the values that were wanted.
struct ReferenceRows {
  std::vector<std::vector<double>> predictions;
  // As the model gave them: in the same order, and not alike where an activation has its limit.
  std::vector<std::vector<double>> scores;
  std::vector<std::vector<double>> targets;
};

// For metrics that are means over rows: one number of state, added up.
Sizes OneSum(const v1::Metric& spec, const Scored& scored);
void AddUp(std::span<double> into, std::span<const double> from);
std::vector<Figure> MeanOverRows(const v1::Metric& spec, const Gathered& gathered);

// A metric: exact over all rows, however they were cut into batches and shards.
//   Threads  immutable; the functions are pure.
struct MetricKind {
  v1::Metric::KindCase field;
  const char* documentation;
  const char* source;
  // Nothing: no value is better than another.
  std::optional<bool> higher_is_better;
  // From this occasion on it is reported; what is kTest gathers nothing in training.
  Occasion from = Occasion::kProgress;
  // Fills in every default. Whether it makes sense with this loss.
  absl::Status (*check)(v1::Metric& spec, const Scored& scored);
  Sizes (*sizes)(const v1::Metric& spec, const Scored& scored) = OneSum;
  std::unique_ptr<kernels::Kernel> (*lower)(const v1::Metric& spec, const MetricOperands& operands);
  // Rows `from` come after those of `into`.
  void (*merge)(std::span<double> into, std::span<const double> from) = AddUp;
  // REQUIRES: there are rows.
  std::vector<Figure> (*figures)(const v1::Metric& spec, const Gathered& gathered) = MeanOverRows;
  // The figures' values of all rows at once, in double precision.
  std::vector<double> (*reference)(const v1::Metric& spec, const Scored& scored,
                                   const ReferenceRows& rows);
  // Settings that the conformance tests run.
  std::vector<v1::Metric> (*samples)();
};

// Every kind; written by the CMake list.
std::span<const MetricKind* const> Table();
// Null when the oneof is not set.
const MetricKind* Find(const v1::Metric& spec);

// The oneof member's name: "accuracy".
std::string Word(const MetricKind& kind);

// Of a figure's name, "val_", "test_" and an output's name before it or not: false for losses and
// what is no metric, nothing where no value is better than another.
std::optional<bool> HigherIsBetter(absl::string_view name);

// INVALID_ARGUMENT with path "[i]..." for a metric without a kind, a kind twice, or one that the
// loss does not allow; else defaults are filled in.
absl::Status Check(google::protobuf::RepeatedPtrField<v1::Metric>& specs, const Scored& scored);

}  // namespace gradus::metrics
