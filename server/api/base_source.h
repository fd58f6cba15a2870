// SPDX-License-Identifier: Apache-2.0
// What a job that builds on published models takes from the registry.
#pragma once

#include <map>
#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "engine/graph/start_plan.h"
#include "gradus/v1/job.pb.h"
#include "gradus/v1/worker_service.pb.h"
#include "server/api/spec_sources.h"

namespace gradus::api {

struct Bases {
  // Each once.
  std::vector<v1::ModelWeights> models;
  // By MODEL@VERSION.
  std::map<std::string, graph::PublishedTensors> tensors;
};

// Puts the layers of the spec's bases in (graph::Graft).
//   Errors   INVALID_ARGUMENT with the field's path; NOT_FOUND where there is no such model.
absl::StatusOr<Bases> FillBases(const SpecSources& sources, v1::JobSpec& spec);

}  // namespace gradus::api
