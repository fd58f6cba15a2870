// SPDX-License-Identifier: Apache-2.0
// The checks of a job that folds a model.
#include "engine/graph/fold_check.h"

#include <cmath>
#include <utility>

#include "absl/strings/str_cat.h"
#include "engine/base/names.h"
#include "engine/base/ranges.h"
#include "engine/base/status.h"
#include "engine/graph/columns.h"
#include "engine/graph/fold.h"
#include "engine/graph/resources.h"
#include "engine/graph/view_check.h"

namespace gradus::graph {
namespace {

constexpr double kMaxDifference = 1e-4;
// Of each weight, beside what a network takes that trains: its value in double precision while it
// is folded, and the folded one.
constexpr uint64_t kBytesOfWeight = 12;

absl::Status Error(absl::string_view path, absl::string_view message) {
  return base::FieldError(absl::StatusCode::kInvalidArgument, path, message);
}

absl::Status CheckNothingTrains(const v1::JobSpec& spec) {
  const std::pair<const char*, bool> fields[] = {
      {"data.train", spec.data().has_train()},
      {"data.validation", spec.data().has_validation()},
      {"loss", spec.has_loss()},
      {"optimizer", spec.has_optimizer()},
      {"metrics", spec.metrics_size() > 0},
      {"outputs", spec.outputs_size() > 0},
      {"class_weight", !spec.class_weight().empty()},
      {"fit", spec.has_fit()},
      {"find_learning_rate", spec.has_find_learning_rate()},
      {"transfer_search", spec.has_transfer_search()}};
  for (const auto& [path, given] : fields) {
    if (given) return Error(path, "has no meaning in a job that folds a model");
  }
  return absl::OkStatus();
}

}  // namespace

absl::Status CheckFold(v1::JobSpec& spec, const Graph& graph,
                       std::span<const v1::Dataset> datasets) {
  v1::Fold& fold = *spec.mutable_fold();
  if (fold.model().empty()) return Error("fold.model", "a model's reference is required");
  RETURN_IF_ERROR(CheckNothingTrains(spec));
  if (!fold.has_max_difference()) fold.set_max_difference(kMaxDifference);
  RETURN_IF_ERROR(base::CheckNotNegative("fold.max_difference", fold.max_difference()));
  if (spec.publish().model().empty())
    spec.mutable_publish()->set_model(fold.model().substr(0, fold.model().find('@')));
  RETURN_IF_ERROR(base::CheckName("publish.model", spec.publish().model()));
  if (!MayFold(graph)) {
    return Error("fold.model", absl::StrCat(base::Shown(fold.model()),
                                            " has nothing to fold: none of its layers only scales "
                                            "and shifts channels, as batch_normalization does"));
  }
  if (!spec.data().has_test())
    return Error("data.test", "rows to compare the outputs on are required");
  const absl::StatusOr<Columns> columns = FindColumns(graph, {}, *spec.mutable_data());
  RETURN_IF_ERROR(base::InField(columns.status(), "data"));
  return CheckView(*spec.mutable_data()->mutable_test(), "data.test", datasets, *columns).status();
}

uint64_t FoldMemory(const Graph& graph, int cores) {
  Load load{.batch_size = kFoldBatch, .resources = {.cores = cores, .logical_shards = 1}};
  for (size_t i = 0; i < graph.outputs().size(); ++i) load.target_values += graph.output_values(i);
  return EstimateMemory(graph, load) + kBytesOfWeight * static_cast<uint64_t>(graph.total_params());
}

}  // namespace gradus::graph
