// SPDX-License-Identifier: Apache-2.0
// What a job that folds a model takes from the registry: the model, and rows that it was tried on.
#pragma once

#include "absl/status/statusor.h"
#include "gradus/v1/job.pb.h"
#include "gradus/v1/worker_service.pb.h"
#include "server/api/spec_sources.h"

namespace gradus::api {

// Fills in the definition of the model that `spec` folds, the version that its reference means, and
// where data.test is missing the first of these whose rows are still there: the validation rows,
// the test rows, some training rows of the job that published the model. Returns the model's
// weights.
//   Errors   INVALID_ARGUMENT with the field's path; NOT_FOUND where there is no such model.
absl::StatusOr<v1::ModelWeights> FillFold(const SpecSources& sources, v1::JobSpec& spec);

}  // namespace gradus::api
