// SPDX-License-Identifier: Apache-2.0
// What specs speak of.
#pragma once

#include <functional>
#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "gradus/v1/data.pb.h"
#include "gradus/v1/job.pb.h"
#include "gradus/v1/model_service.pb.h"

namespace gradus::api {

// All are NOT_FOUND for what is not there.
struct SpecSources {
  std::function<absl::StatusOr<v1::Dataset>(const std::string& name)> dataset;
  std::function<absl::StatusOr<v1::Model>(const std::string& ref)> model;
  std::function<absl::StatusOr<v1::Job>(const std::string& id)> job;
};

// Those of the names that exist; a missing one is told by whoever knows which field names it.
absl::StatusOr<std::vector<v1::Dataset>> FindDatasets(const SpecSources& sources,
                                                      const std::vector<std::string>& names);

// The model that a field of a spec means; errors speak of the reference alone.
absl::StatusOr<v1::Model> FindModel(const SpecSources& sources, const std::string& ref);

}  // namespace gradus::api
