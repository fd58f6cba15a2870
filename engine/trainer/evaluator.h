// SPDX-License-Identifier: Apache-2.0
// Passes over rows that are not trained on.
#pragma once

#include <algorithm>
#include <cstdint>
#include <memory>
#include <optional>
#include <utility>
#include <vector>

#include "absl/status/statusor.h"
#include "engine/data/batch_reader.h"
#include "engine/data/view.h"
#include "engine/plan/executable.h"
#include "engine/trainer/control.h"
#include "engine/trainer/ranks.h"

namespace gradus::trainer {

// Runs a network forward over a whole view, as often as asked; the next pass's first batches are
// read while training goes on.
//   Threads  one.
// Rows that were read, as a step takes them.
inline plan::Batch StepOf(const data::Batch& batch) {
  return {.inputs = batch.inputs,
          .targets = batch.targets,
          .rows = batch.rows,
          .weights = batch.weights,
          .first_held = batch.first_held,
          .held = batch.held};
}

class Evaluator {
 public:
  struct Options {
    int64_t batch_size = 32;
    // Of each batch's logical shards, those that are computed here; none: all.
    int logical_shards = 1;
    base::ShardRange share;
    std::vector<int> cpus;
  };

  static absl::StatusOr<std::unique_ptr<Evaluator>> Create(std::shared_ptr<const data::View> view,
                                                           const Options& options);

  // What all rows give; nothing when `control` asked for an end meanwhile, and then the
  // evaluator is of no more use. With `ranks` that are more than one, each computes its share, and
  // all get the same.
  absl::StatusOr<std::optional<plan::Totals>> Run(plan::Executable& executable,
                                                  const Control& control, Ranks* ranks);

 private:
  Evaluator(std::unique_ptr<data::BatchReader> reader, int64_t rows, Options options)
      : reader_(std::move(reader)), rows_(rows), options_(std::move(options)) {}

  absl::StatusOr<std::optional<plan::Totals>> RunShared(plan::Executable& executable,
                                                        const Control& control, Ranks& ranks);
  int64_t RowsOf(int64_t step) const {
    return std::min(options_.batch_size, rows_ - step * options_.batch_size);
  }

  std::unique_ptr<data::BatchReader> reader_;
  const int64_t rows_;
  const Options options_;
};

}  // namespace gradus::trainer
