// SPDX-License-Identifier: Apache-2.0
// A job's spec against this server: its limits, the datasets it has.
#pragma once

#include <cstdint>
#include <functional>
#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "engine/base/random.h"
#include "engine/graph/job_check.h"
#include "gradus/v1/data.pb.h"
#include "gradus/v1/job.pb.h"
#include "gradus/v1/job_service.pb.h"

namespace gradus::api {

// A job that can run here, with the datasets that it names.
struct Checked {
  graph::CheckedJob job;
  std::vector<v1::Dataset> datasets;
};

//   Owns     nothing; random must outlive it.
//   Threads  any; Check reads the store.
class SpecChecker {
 public:
  // NOT_FOUND for a dataset that is not there.
  using FindDataset = std::function<absl::StatusOr<v1::Dataset>(const std::string& name)>;

  SpecChecker(graph::JobLimits limits, FindDataset find, base::RandomSource& random)
      : limits_(limits), find_(std::move(find)), random_(random) {}

  // INVALID_ARGUMENT with the field's path below the spec.
  absl::StatusOr<Checked> Check(const v1::JobSpec& spec) const;

 private:
  const graph::JobLimits limits_;
  const FindDataset find_;
  base::RandomSource& random_;
};

}  // namespace gradus::api
