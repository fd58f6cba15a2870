// SPDX-License-Identifier: Apache-2.0
#include "server/api/spec_sources.h"

#include <utility>

#include "absl/strings/str_cat.h"
#include "engine/base/names.h"
#include "engine/base/status.h"

namespace gradus::api {

absl::StatusOr<std::vector<v1::Dataset>> FindDatasets(const SpecSources& sources,
                                                      const std::vector<std::string>& names) {
  std::vector<v1::Dataset> datasets;
  for (const std::string& name : names) {
    absl::StatusOr<v1::Dataset> dataset = sources.dataset(name);
    if (dataset.ok()) {
      datasets.push_back(*std::move(dataset));
    } else if (!absl::IsNotFound(dataset.status())) {
      return dataset.status();
    }
  }
  return datasets;
}

absl::StatusOr<v1::Model> FindModel(const SpecSources& sources, const std::string& ref) {
  absl::StatusOr<v1::Model> model = sources.model(ref);
  if (absl::IsInvalidArgument(model.status())) {
    return base::InvalidArgument(
        "", absl::StrCat("\"", base::Shown(ref), "\""),
        "a model reference: name, name@VERSION, name@ALIAS or name@sha256:DIGEST");
  }
  return model;
}

}  // namespace gradus::api
