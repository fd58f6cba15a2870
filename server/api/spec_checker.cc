// SPDX-License-Identifier: Apache-2.0
#include "server/api/spec_checker.h"

#include <array>
#include <cstring>
#include <utility>

#include "engine/base/status.h"

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
    ASSIGN_OR_RETURN(checked.weights, FillFold(sources_, whole));
  }
  ASSIGN_OR_RETURN(checked.datasets, FindDatasets(sources_, graph::DatasetNames(whole)));
  ASSIGN_OR_RETURN(checked.job,
                   graph::CheckJob(whole, checked.datasets, limits_, DrawSeed(random_)));
  return checked;
}

}  // namespace gradus::api
