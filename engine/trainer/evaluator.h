// SPDX-License-Identifier: Apache-2.0
// Passes over rows that are not trained on.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <vector>

#include "absl/status/statusor.h"
#include "engine/data/batch_reader.h"
#include "engine/data/view.h"
#include "engine/plan/executable.h"
#include "engine/trainer/control.h"

namespace gradus::trainer {

// Runs a network forward over a whole view, as often as asked; the next pass's first batches are
// read while training goes on.
//   Threads  one.
// Rows that were read, as a step takes them.
inline plan::Batch StepOf(const data::Batch& batch) {
  return {batch.inputs, batch.targets, batch.rows, batch.weights};
}

class Evaluator {
 public:
  static absl::StatusOr<std::unique_ptr<Evaluator>> Create(std::shared_ptr<const data::View> view,
                                                           int64_t batch_size,
                                                           const std::vector<int>& cpus);

  // What all rows give; nothing when `control` asked for an end meanwhile, and then the
  // evaluator is of no more use.
  absl::StatusOr<std::optional<plan::Totals>> Run(plan::Executable& executable,
                                                  const Control& control);

 private:
  Evaluator(std::unique_ptr<data::BatchReader> reader, int64_t rows)
      : reader_(std::move(reader)), rows_(rows) {}

  std::unique_ptr<data::BatchReader> reader_;
  const int64_t rows_;
};

}  // namespace gradus::trainer
