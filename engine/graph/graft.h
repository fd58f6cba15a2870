// SPDX-License-Identifier: Apache-2.0
// Transfer learning as data: layers of published models in front of a model's own.
#pragma once

#include <string>
#include <vector>

#include "absl/functional/function_ref.h"
#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "engine/graph/graph.h"
#include "gradus/v1/job.pb.h"

namespace gradus::graph {

// A model of the registry.
struct Published {
  // MODEL@VERSION.
  std::string ref;
  Graph graph;
};

// The model that a reference means. The result lives as long as what was called. Errors speak of
// the reference alone.
using FindPublished = absl::FunctionRef<absl::StatusOr<const Published*>(const std::string& ref)>;

// One layer's `from`: MODEL@VERSION/LAYER.
struct LayerSource {
  std::string ref;
  std::string layer;
};
//   Errors   INVALID_ARGUMENT for text without both parts.
absl::StatusOr<LayerSource> ParseLayerSource(absl::string_view from);

// Makes the spec speak of layers alone: those of each of model.base come before the model's own and
// have a `from`, with the version that its reference means; in stages a base's name becomes the
// names of its layers. `from` that the spec has itself gets its version too. A spec without either
// stays as it is.
//   Errors   INVALID_ARGUMENT with the field's path below the spec, what was found and what is allowed; the finder's, in the
//            field that has the reference.
absl::Status Graft(v1::JobSpec& spec, FindPublished find);

}  // namespace gradus::graph
