// SPDX-License-Identifier: Apache-2.0
// Finds each view's dataset and compares its rows with the model's input.
#include "engine/trainer/views.h"

#include <string>
#include <utility>
#include <vector>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "engine/base/status.h"
#include "engine/graph/columns.h"
#include "engine/graph/goals.h"

namespace gradus::trainer {
namespace {

data::TargetNeeds NeedsOf(const graph::TargetColumn& wanted) {
  const losses::Target& target = wanted.target;
  switch (target.form) {
    case losses::TargetForm::kClass:
      return {data::TargetKind::kClasses, target.classes, false, wanted.column};
    case losses::TargetForm::kDistribution:
      return {data::TargetKind::kDistributions, target.width, false, wanted.column};
    case losses::TargetForm::kValues:
      return {data::TargetKind::kValues, target.width, target.probabilities, wanted.column};
  }
  return {};
}

data::ViewNeeds NeedsOf(const graph::Columns& columns) {
  data::ViewNeeds needs;
  needs.inputs.clear();
  for (const graph::InputColumn& input : columns.inputs)
    needs.inputs.push_back({input.column, input.first, input.end});
  for (const graph::TargetColumn& target : columns.targets)
    needs.targets.push_back(NeedsOf(target));
  needs.labels = columns.labels;
  return needs;
}

absl::StatusOr<const v1::Dataset*> FindDataset(const TrainerInputs& inputs, const std::string& path,
                                               const std::string& name) {
  for (const v1::Dataset& dataset : inputs.datasets) {
    if (dataset.name() == name) return &dataset;
  }
  return base::InvalidArgument(absl::StrCat(path, ".dataset"), absl::StrCat("\"", name, "\""),
                               "a dataset of this job");
}

absl::StatusOr<std::shared_ptr<const data::View>> OpenOne(const TrainerInputs& inputs,
                                                          absl::string_view word,
                                                          const v1::DataView& spec,
                                                          const graph::Columns& columns,
                                                          const data::ViewNeeds& needs) {
  const std::string path = absl::StrCat("data.", word);
  ASSIGN_OR_RETURN(const v1::Dataset* dataset, FindDataset(inputs, path, spec.dataset()));
  ASSIGN_OR_RETURN(data::View view,
                   data::View::Open(spec, path, *dataset, inputs.open_blob, needs));
  for (size_t i = 0; i < columns.inputs.size(); ++i) {
    const graph::InputColumn& input = columns.inputs[i];
    if (view.input_elements(i) == graph::CountOf(input.shape)) continue;
    return base::FieldError(
        absl::StatusCode::kInvalidArgument, path,
        absl::StrCat("rows of ", view.input_elements(i), " values in column \"", input.column,
                     "\" do not fit ", input.path, " (", absl::StrJoin(input.shape, ", "), ")"));
  }
  return std::make_shared<const data::View>(std::move(view));
}

}  // namespace

absl::StatusOr<std::shared_ptr<const data::View>> OpenInputs(const TrainerInputs& inputs,
                                                             absl::string_view word,
                                                             const v1::DataView& spec,
                                                             const graph::Graph& graph) {
  v1::DataSpec data = inputs.spec.data();
  ASSIGN_OR_RETURN(const graph::Columns columns, graph::FindColumns(graph, {}, data));
  return OpenOne(inputs, word, spec, columns, NeedsOf(columns));
}

absl::StatusOr<JobViews> OpenViews(const TrainerInputs& inputs, const graph::Graph& graph) {
  const v1::JobSpec& spec = inputs.spec;
  const std::vector<v1::Metric> metrics(spec.metrics().begin(), spec.metrics().end());
  const std::vector<v1::OutputTraining> outputs(spec.outputs().begin(), spec.outputs().end());
  ASSIGN_OR_RETURN(const std::vector<graph::Goal> goals,
                   graph::GoalsOf(graph, spec.loss(), metrics, outputs));
  v1::DataSpec columns_data = spec.data();
  ASSIGN_OR_RETURN(const graph::Columns columns, graph::FindColumns(graph, goals, columns_data));
  const data::ViewNeeds needs = NeedsOf(columns);
  data::ViewNeeds train_needs = needs;
  train_needs.class_weight = {spec.class_weight().begin(), spec.class_weight().end()};
  const v1::DataSpec& data = inputs.spec.data();
  JobViews views;
  ASSIGN_OR_RETURN(views.train, OpenOne(inputs, "train", data.train(), columns, train_needs));
  if (data.has_validation()) {
    ASSIGN_OR_RETURN(views.validation,
                     OpenOne(inputs, "validation", data.validation(), columns, needs));
  }
  if (data.has_test()) {
    ASSIGN_OR_RETURN(views.test, OpenOne(inputs, "test", data.test(), columns, needs));
  }
  return views;
}

}  // namespace gradus::trainer
