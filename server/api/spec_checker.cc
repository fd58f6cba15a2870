// SPDX-License-Identifier: Apache-2.0
#include "server/api/spec_checker.h"

#include <array>
#include <cstring>
#include <utility>

#include "engine/base/status.h"
#include "engine/graph/start_plan.h"
#include "server/api/base_source.h"
#include "server/api/fold_source.h"

namespace gradus::api {
namespace {

// Short enough to be typed again by a person.
uint64_t DrawSeed(base::RandomSource& random) {
  std::array<std::byte, sizeof(uint32_t)> bytes = {};
  random.Fill(bytes);
  uint32_t seed = 0;
  std::memcpy(&seed, bytes.data(), sizeof(seed));
  return seed >> 1;
}

}  // namespace

absl::StatusOr<Checked> SpecChecker::Check(const v1::JobSpec& spec) const {
  Checked checked;
  v1::JobSpec whole = spec;
  if (spec.kind() == v1::JobSpec::FOLD) {
    ASSIGN_OR_RETURN(checked.models.emplace_back(), FillFold(sources_, whole));
  }
  Bases bases;
  if (spec.kind() != v1::JobSpec::FOLD) {
    ASSIGN_OR_RETURN(bases, FillBases(sources_, whole));
    checked.models = bases.models;
  }
  ASSIGN_OR_RETURN(checked.datasets, FindDatasets(sources_, graph::DatasetNames(whole)));
  ASSIGN_OR_RETURN(checked.job,
                   graph::CheckJob(whole, checked.datasets, limits_, DrawSeed(random_)));
  if (!bases.tensors.empty()) {
    ASSIGN_OR_RETURN(const graph::Graph graph, graph::Graph::Create(checked.job.spec.model()));
    absl::StatusOr<std::vector<v1::TensorStart>> plan = graph::PlanStart(graph, bases.tensors);
    RETURN_IF_ERROR(base::InField(plan.status(), "model"));
    checked.starts = *std::move(plan);
  }
  return checked;
}

}  // namespace gradus::api
