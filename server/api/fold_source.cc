// SPDX-License-Identifier: Apache-2.0
#include "server/api/fold_source.h"

#include <google/protobuf/util/message_differencer.h>

#include <optional>
#include <utility>

#include "absl/strings/str_cat.h"
#include "engine/base/names.h"
#include "engine/base/status.h"
#include "engine/graph/columns.h"
#include "engine/graph/graph.h"
#include "engine/graph/view_check.h"
#include "server/registry/model_ref.h"

namespace gradus::api {
namespace {

// Of the training rows.
constexpr int64_t kMostTrainRows = 4096;

absl::Status Error(absl::string_view path, absl::string_view message) {
  return base::FieldError(absl::StatusCode::kInvalidArgument, path, message);
}

// Whether the view's rows are there, and inputs of the model; if so, with its defaults.
absl::Status TryView(const SpecSources& sources, const v1::ModelSpec& model, v1::DataSpec data,
                     v1::DataView& view, bool some) {
  ASSIGN_OR_RETURN(const std::vector<v1::Dataset> datasets,
                   FindDatasets(sources, {view.dataset()}));
  ASSIGN_OR_RETURN(const graph::Graph graph, graph::Graph::Create(model));
  ASSIGN_OR_RETURN(const graph::Columns columns, graph::FindColumns(graph, {}, data));
  view.clear_sample_weight();
  ASSIGN_OR_RETURN(const std::optional<int64_t> rows,
                   graph::CheckView(view, "data.test", datasets, columns));
  if (some && rows.has_value() && *rows > kMostTrainRows) view.set_take(kMostTrainRows);
  return absl::OkStatus();
}

absl::Status NoRows(const std::string& why) {
  return Error("data.test",
               absl::StrCat("there are no rows to compare the outputs on: ", why,
                            "; name some, as in data: {test: {dataset: NAME}} or gradus model fold "
                            "--data NAME"));
}

// Views that the model was trained and tried on, the best ones to compare outputs on first.
absl::Status ChooseView(const SpecSources& sources, const v1::Model& model, v1::JobSpec& spec) {
  if (model.job().empty()) return NoRows(absl::StrCat(spec.fold().model(), " is no job's work"));
  const absl::StatusOr<v1::Job> job = sources.job(model.job());
  if (!job.ok()) return NoRows(std::string(job.status().message()));
  const v1::DataSpec& data = job->spec().data();
  const v1::DataView* const views[] = {data.has_validation() ? &data.validation() : nullptr,
                                       data.has_test() ? &data.test() : nullptr,
                                       data.has_train() ? &data.train() : nullptr};
  absl::Status first = absl::NotFoundError(absl::StrCat("job ", model.job(), " names none"));
  bool tried = false;
  for (const v1::DataView* candidate : views) {
    if (candidate == nullptr) continue;
    v1::DataView view = *candidate;
    const absl::Status status =
        TryView(sources, model.spec(), data, view, candidate == &data.train());
    if (status.ok()) {
      *spec.mutable_data()->mutable_inputs() = data.inputs();
      *spec.mutable_data()->mutable_targets() = data.targets();
      *spec.mutable_data()->mutable_test() = std::move(view);
      return absl::OkStatus();
    }
    if (!absl::IsInvalidArgument(status)) return status;
    if (!std::exchange(tried, true)) first = status;
  }
  return NoRows(tried ? absl::StrCat("those of job ", model.job(), " are gone or changed (",
                                     first.message(), ")")
                      : std::string(first.message()));
}

}  // namespace

absl::StatusOr<v1::ModelWeights> FillFold(const SpecSources& sources, v1::JobSpec& spec) {
  if (spec.fold().model().empty()) return Error("fold.model", "a model's reference is required");
  const absl::StatusOr<v1::Model> found = FindModel(sources, spec.fold().model());
  RETURN_IF_ERROR(base::InField(found.status(), "fold.model"));
  const v1::Model& model = *found;
  spec.mutable_fold()->set_model(registry::VersionRef(model.name(), model.version()));
  if (spec.has_model() &&
      !google::protobuf::util::MessageDifferencer::Equals(spec.model(), model.spec())) {
    return Error("model", absl::StrCat("is not that of ", spec.fold().model(),
                                       ": leave it out, it is filled in"));
  }
  *spec.mutable_model() = model.spec();
  if (!spec.data().has_test()) RETURN_IF_ERROR(ChooseView(sources, model, spec));
  v1::ModelWeights weights;
  weights.set_ref(spec.fold().model());
  *weights.mutable_index() = model.weights();
  return weights;
}

}  // namespace gradus::api
