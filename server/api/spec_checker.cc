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
  for (const std::string& name : graph::DatasetNames(spec)) {
    absl::StatusOr<v1::Dataset> dataset = find_(name);
    if (dataset.ok()) {
      checked.datasets.push_back(*std::move(dataset));
    } else if (!absl::IsNotFound(dataset.status())) {
      return dataset.status();
    }
    // A missing one is CheckJob's to tell: it knows which field names it.
  }
  ASSIGN_OR_RETURN(checked.job,
                   graph::CheckJob(spec, checked.datasets, limits_, DrawSeed(random_)));
  return checked;
}

}  // namespace gradus::api
