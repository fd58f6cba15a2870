// SPDX-License-Identifier: Apache-2.0
// A job's spec against this server: its limits, the datasets and models it has.
#pragma once

#include <utility>
#include <vector>

#include "absl/status/statusor.h"
#include "engine/base/random.h"
#include "engine/graph/job_check.h"
#include "gradus/v1/data.pb.h"
#include "gradus/v1/job.pb.h"
#include "gradus/v1/worker_service.pb.h"
#include "server/api/spec_sources.h"

namespace gradus::api {

// A job that can run here, with the datasets that it names.
struct Checked {
  graph::CheckedJob job;
  std::vector<v1::Dataset> datasets;
  // Published models that it works on.
  std::vector<v1::ModelWeights> models;
  // Where its weights start; empty where all do as their initializers say.
  std::vector<v1::TensorStart> starts;
};

//   Owns     nothing; random must outlive it.
//   Threads  any; Check reads the store.
class SpecChecker {
 public:
  SpecChecker(graph::JobLimits limits, SpecSources sources, base::RandomSource& random)
      : limits_(limits), sources_(std::move(sources)), random_(random) {}

  // INVALID_ARGUMENT with the field's path below the spec.
  absl::StatusOr<Checked> Check(const v1::JobSpec& spec) const;

 private:
  const graph::JobLimits limits_;
  const SpecSources sources_;
  base::RandomSource& random_;
};

}  // namespace gradus::api
