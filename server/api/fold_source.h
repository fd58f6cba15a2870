// SPDX-License-Identifier: Apache-2.0
// What a job that folds a model takes from the registry: the model, and rows that it was tried on.
#pragma once

#include <functional>
#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "gradus/v1/data.pb.h"
#include "gradus/v1/job.pb.h"
#include "gradus/v1/model_service.pb.h"

namespace gradus::api {

// What specs speak of. All are NOT_FOUND for what is not there.
struct SpecSources {
  std::function<absl::StatusOr<v1::Dataset>(const std::string& name)> dataset;
  std::function<absl::StatusOr<v1::Model>(const std::string& ref)> model;
  std::function<absl::StatusOr<v1::Job>(const std::string& id)> job;
};

// Those of the names that exist; a missing one is told by whoever knows which field names it.
absl::StatusOr<std::vector<v1::Dataset>> FindDatasets(const SpecSources& sources,
                                                      const std::vector<std::string>& names);

// Fills in the definition of the model that `spec` folds, the version that its reference means, and
// where data.test is missing the first of these whose rows are still there: the validation rows,
// the test rows, some training rows of the job that published the model. Returns the weights' blob.
//   Errors   INVALID_ARGUMENT with the field's path; NOT_FOUND where there is no such model.
absl::StatusOr<v1::BlobRef> FillFold(const SpecSources& sources, v1::JobSpec& spec);

}  // namespace gradus::api
