// SPDX-License-Identifier: Apache-2.0
// Finds columns, and looks at every value that a row counts with before the first step.
#include "engine/data/view.h"

#include <cmath>
#include <utility>

#include "absl/status/status.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "engine/base/status.h"
#include "engine/data/convert.h"

namespace gradus::data {
namespace {

std::string Join(absl::string_view path, absl::string_view field) {
  return absl::StrCat(path, ".", field);
}

absl::StatusOr<const v1::Split*> FindSplit(const v1::DataView& spec, absl::string_view path,
                                           const v1::Dataset& dataset) {
  const std::string& wanted = spec.split().empty() ? "train" : spec.split();
  std::vector<std::string> names;
  for (const v1::Split& split : dataset.splits()) {
    if (split.name() == wanted) return &split;
    names.push_back(absl::StrCat("\"", split.name(), "\""));
  }
  return base::InvalidArgument(
      Join(path, "split"), absl::StrCat("\"", wanted, "\""),
      absl::StrCat("a split of \"", dataset.name(), "\", which has ", absl::StrJoin(names, ", ")));
}

absl::StatusOr<std::shared_ptr<const MappedColumn>> OpenColumn(const v1::Split& split,
                                                               absl::string_view name,
                                                               absl::string_view path,
                                                               const BlobOpener& open_blob) {
  for (const v1::Column& column : split.columns()) {
    if (absl::string_view(column.name()) != name) continue;
    ASSIGN_OR_RETURN(std::shared_ptr<const base::MappedFile> file, open_blob(column.blob()));
    absl::StatusOr<MappedColumn> opened = MappedColumn::Open(column, split.rows(), std::move(file));
    if (!opened.ok())
      return base::Annotate(opened.status(), absl::StrCat(path, ": column \"", name, "\""));
    return std::make_shared<const MappedColumn>(*std::move(opened));
  }
  return base::FieldError(
      absl::StatusCode::kInvalidArgument, path,
      absl::StrCat("split \"", split.name(), "\" has no column \"", name, "\""));
}

absl::StatusOr<float> Finite(const std::string& path, double value) {
  const float narrowed = static_cast<float>(value);
  if (!std::isfinite(narrowed))
    return base::InvalidArgument(path, absl::StrCat(value), "a finite number in f32");
  return narrowed;
}

}  // namespace

View::View(PickedRows rows) : rows_(std::move(rows)) {}

absl::StatusOr<View> View::Open(const v1::DataView& spec, absl::string_view path,
                                const v1::Dataset& dataset, const BlobOpener& open_blob,
                                const ViewNeeds& needs) {
  ASSIGN_OR_RETURN(const v1::Split* split, FindSplit(spec, path, dataset));
  std::shared_ptr<const MappedColumn> labels;
  if (spec.labels_size() != 0) {
    ASSIGN_OR_RETURN(labels, OpenColumn(*split, needs.labels, path, open_blob));
  }
  ASSIGN_OR_RETURN(PickedRows rows,
                   PickedRows::Pick(spec, path, split->rows(), labels.get(), needs.labels));
  View view(std::move(rows));
  ASSIGN_OR_RETURN(view.scale_, Finite(Join(path, "scale"), spec.has_scale() ? spec.scale() : 1.0));
  ASSIGN_OR_RETURN(view.offset_, Finite(Join(path, "offset"), spec.offset()));
  for (const InputNeeds& input : needs.inputs) {
    ASSIGN_OR_RETURN(auto column, OpenColumn(*split, input.column, path, open_blob));
    RETURN_IF_ERROR(view.AddInput(input, std::move(column), path));
  }
  for (const TargetNeeds& target : needs.targets) {
    ASSIGN_OR_RETURN(auto column, OpenColumn(*split, target.column, path, open_blob));
    const bool renumbered = target.column == needs.labels;
    ASSIGN_OR_RETURN(
        view.targets_.emplace_back(),
        TargetColumn::Make(target, std::move(column), view.rows_,
                           renumbered ? view.rows_.classes() : std::vector<int32_t>(), path));
  }
  if (!spec.sample_weight().empty()) {
    ASSIGN_OR_RETURN(auto column, OpenColumn(*split, spec.sample_weight(), path, open_blob));
    RETURN_IF_ERROR(view.WeighRows(*column, Join(path, "sample_weight")));
  }
  if (!needs.class_weight.empty()) RETURN_IF_ERROR(view.WeighClasses(needs.class_weight, path));
  return view;
}

absl::Status View::AddInput(const InputNeeds& needs, std::shared_ptr<const MappedColumn> column,
                            absl::string_view path) {
  Input input;
  input.elements = column->row_elements();
  if (needs.end > 0) {
    const std::vector<int64_t>& shape = column->row_shape();
    if (needs.first < 0 || needs.first >= needs.end || shape.empty() || needs.end > shape[0]) {
      return base::FieldError(absl::StatusCode::kInvalidArgument, path,
                              absl::StrCat("column \"", needs.column, "\" has no part [",
                                           needs.first, ", ", needs.end, ")"));
    }
    const int64_t each = column->row_elements() / shape[0];
    const auto bytes = static_cast<int64_t>(base::SizeOf(column->dtype()));
    input.first_byte = needs.first * each * bytes;
    input.elements = (needs.end - needs.first) * each;
  }
  input.column = std::move(column);
  inputs_.push_back(std::move(input));
  return absl::OkStatus();
}

absl::Status View::WeighRows(const MappedColumn& column, const std::string& path) {
  if (column.row_elements() != 1) {
    return base::FieldError(absl::StatusCode::kInvalidArgument, path,
                            absl::StrCat("the column has ", column.row_elements(),
                                         " values a row: one weight is needed"));
  }
  for (int64_t i = 0; i < rows(); ++i) {
    const auto weight = static_cast<float>(column.ValueAt(rows_.stored(i), 0));
    if (!std::isfinite(weight) || weight < 0) {
      return base::FieldError(absl::StatusCode::kInvalidArgument, path,
                              absl::StrCat("weight ", weight, " of stored row ", rows_.stored(i),
                                           " is not a finite number, 0 or more"));
    }
    weights_.push_back(weight);
  }
  return absl::OkStatus();
}

absl::Status View::WeighClasses(const std::map<int64_t, double>& class_weight,
                                absl::string_view path) {
  weights_.resize(static_cast<size_t>(rows()), 1.0F);
  for (int64_t i = 0; i < rows(); ++i) {
    const std::optional<int64_t> number = targets_[0].ClassOf(i, rows_.stored(i));
    if (!number.has_value()) {
      return base::FieldError(absl::StatusCode::kInvalidArgument, path,
                              absl::StrCat("the target of stored row ", rows_.stored(i),
                                           " is no class, and class_weight is for classes"));
    }
    const auto found = class_weight.find(*number);
    if (found != class_weight.end()) weights_[i] *= static_cast<float>(found->second);
  }
  return absl::OkStatus();
}

int64_t View::input_elements() const {
  int64_t sum = 0;
  for (const Input& input : inputs_) sum += input.elements;
  return sum;
}

int64_t View::target_elements() const {
  int64_t sum = 0;
  for (const TargetColumn& target : targets_)
    sum += target.needs().kind == TargetKind::kClasses ? 1 : target.needs().width;
  return sum;
}

void View::GatherInput(int64_t i, float* dst, size_t input) const {
  const Input& from = inputs_[input];
  ConvertToF32(from.column->dtype(), from.column->Row(rows_.stored(i)) + from.first_byte,
               from.elements, scale_, offset_, dst);
}

}  // namespace gradus::data
