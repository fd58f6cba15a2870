// SPDX-License-Identifier: Apache-2.0
// Checks a whole job before anything of it is stored, and fills in every default.
#pragma once

#include <chrono>
#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "engine/graph/graph.h"
#include "engine/graph/stages.h"
#include "gradus/v1/data.pb.h"
#include "gradus/v1/job.pb.h"
#include "gradus/v1/model.pb.h"

namespace gradus::graph {

// What the server has to give.
struct JobLimits {
  Limits model;
  // Cores that a worker may have at most.
  int cores = 1;
  // Memory that a worker may have at most, in bytes.
  uint64_t memory = uint64_t{1} << 40;
  // Whether a job's workers have them together, on one machine; else each on its own.
  bool one_machine = true;
};

// A job that can run.
struct CheckedJob {
  // Effective: every default filled in, resources and logical shards chosen. Checking it again
  // gives the same.
  v1::JobSpec spec;
  v1::ModelSummary summary;
  int cores = 1;  // of each worker
  // Bytes that a rank is expected to use, and those that it may use (resources.memory).
  uint64_t memory_estimate = 0;
  uint64_t memory_limit = 0;
  // time_limit, if there is one.
  std::optional<std::chrono::microseconds> time_limit;
  int64_t total_epochs = 0;
  // Rows of the training view and steps in one epoch. Both 0 where only a look at the labels can
  // tell (labels with range).
  int64_t train_rows = 0;
  int64_t steps_per_epoch = 0;
  // Empty where the job does not train.
  std::vector<StagePlan> stages;
};

// Names of the datasets that the job's views speak of, each once, in order of appearance.
std::vector<std::string> DatasetNames(const v1::JobSpec& spec);

// Checks everything that can be checked without reading rows: model, loss against output and
// labels, optimizer, metrics, stages, views, resources.
//   datasets    those of DatasetNames that exist; one that is missing is an error of the view that
//   names it. drawn_seed  becomes fit.seed where the job has none. Errors      INVALID_ARGUMENT
//   with the field's path, what was found and what is allowed.
absl::StatusOr<CheckedJob> CheckJob(const v1::JobSpec& spec, std::span<const v1::Dataset> datasets,
                                    const JobLimits& limits, uint64_t drawn_seed);

}  // namespace gradus::graph
