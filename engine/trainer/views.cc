// SPDX-License-Identifier: Apache-2.0
// Finds each view's dataset and compares its rows with the model's input.
#include "engine/trainer/views.h"

#include <string>
#include <utility>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "engine/base/status.h"

namespace gradus::trainer {
namespace {

data::TargetNeeds NeedsOf(const losses::Target& target) {
  switch (target.form) {
    case losses::TargetForm::kClass:
      return {data::TargetKind::kClasses, target.classes, false};
    case losses::TargetForm::kDistribution:
      return {data::TargetKind::kDistributions, target.width, false};
    case losses::TargetForm::kValues:
      return {data::TargetKind::kValues, target.width, target.probabilities};
  }
  return {};
}

absl::StatusOr<const v1::Dataset*> FindDataset(const TrainerInputs& inputs, const std::string& path,
                                               const std::string& name) {
  for (const v1::Dataset& dataset : inputs.datasets) {
    if (dataset.name() == name) return &dataset;
  }
  return base::InvalidArgument(absl::StrCat(path, ".dataset"), absl::StrCat("\"", name, "\""),
                               "a dataset of this job");
}

}  // namespace

absl::StatusOr<std::shared_ptr<const data::View>> OpenView(const TrainerInputs& inputs,
                                                           absl::string_view word,
                                                           const v1::DataView& spec,
                                                           const graph::Graph& graph,
                                                           const data::TargetNeeds& needs) {
  const std::string path = absl::StrCat("data.", word);
  ASSIGN_OR_RETURN(const v1::Dataset* dataset, FindDataset(inputs, path, spec.dataset()));
  ASSIGN_OR_RETURN(data::View view,
                   data::View::Open(spec, path, *dataset, inputs.open_blob, needs));
  if (view.input_elements() != graph.input_values()) {
    return base::FieldError(absl::StatusCode::kInvalidArgument, path,
                            absl::StrCat("rows of shape [", absl::StrJoin(view.input_shape(), ", "),
                                         "] do not fit the model's input_shape [",
                                         absl::StrJoin(graph.input_shape(), ", "), "]"));
  }
  return std::make_shared<const data::View>(std::move(view));
}

absl::StatusOr<JobViews> OpenViews(const TrainerInputs& inputs, const graph::Graph& graph,
                                   const losses::Target& target) {
  const data::TargetNeeds needs = NeedsOf(target);
  const v1::DataSpec& data = inputs.spec.data();
  JobViews views;
  ASSIGN_OR_RETURN(views.train, OpenView(inputs, "train", data.train(), graph, needs));
  if (data.has_validation()) {
    ASSIGN_OR_RETURN(views.validation,
                     OpenView(inputs, "validation", data.validation(), graph, needs));
  }
  if (data.has_test()) {
    ASSIGN_OR_RETURN(views.test, OpenView(inputs, "test", data.test(), graph, needs));
  }
  return views;
}

}  // namespace gradus::trainer
