// SPDX-License-Identifier: Apache-2.0
// The checks of a data view.
#include "engine/graph/view_check.h"

#include <algorithm>
#include <cmath>
#include <iterator>
#include <set>
#include <vector>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "engine/base/edit_distance.h"
#include "engine/base/names.h"
#include "engine/base/status.h"

namespace gradus::graph {
namespace {

using losses::Target;
using losses::TargetForm;

std::string Join(absl::string_view path, absl::string_view field) {
  return absl::StrCat(path, ".", field);
}

absl::Status Error(absl::string_view path, absl::string_view message) {
  return base::FieldError(absl::StatusCode::kInvalidArgument, path, message);
}

absl::StatusOr<const v1::Dataset*> FindDataset(const v1::DataView& view, absl::string_view path,
                                               std::span<const v1::Dataset> datasets) {
  if (view.dataset().empty()) return Error(Join(path, "dataset"), "a dataset's name is required");
  for (const v1::Dataset& dataset : datasets) {
    if (dataset.name() == view.dataset()) return &dataset;
  }
  return Error(Join(path, "dataset"), absl::StrCat("\"", base::Shown(view.dataset()),
                                                   "\" is not a dataset on this server"));
}

absl::StatusOr<const v1::Split*> FindSplit(const v1::DataView& view, absl::string_view path,
                                           const v1::Dataset& dataset) {
  std::vector<std::string> names;
  for (const v1::Split& split : dataset.splits()) {
    if (split.name() == view.split()) return &split;
    names.push_back(split.name());
  }
  return base::InvalidArgument(
      Join(path, "split"), absl::StrCat("\"", base::Shown(view.split()), "\""),
      absl::StrCat("a split of ", dataset.name(), ", which has ", absl::StrJoin(names, ", ")));
}

absl::StatusOr<const v1::Column*> FindColumn(absl::string_view name, absl::string_view path,
                                             const v1::Split& split) {
  for (const v1::Column& column : split.columns()) {
    if (column.name() == name) return &column;
  }
  return Error(path, absl::StrCat("split ", split.name(), " has no column \"", name, "\""));
}

int64_t RowValues(const v1::Column& column) {
  int64_t values = 1;
  for (const int64_t extent : column.shape()) values *= extent;
  return values;
}

bool IsWhole(const v1::Column& column) {
  return column.dtype() != "F32" && column.dtype() != "F64";
}

absl::Status CheckInputs(absl::string_view path, const v1::Column& x,
                         std::span<const int64_t> input_shape) {
  if (std::equal(x.shape().begin(), x.shape().end(), input_shape.begin(), input_shape.end()))
    return absl::OkStatus();
  return Error(path, absl::StrCat("rows of shape (", absl::StrJoin(x.shape(), ", "),
                                  ") do not fit model.input_shape (",
                                  absl::StrJoin(input_shape, ", "), ")"));
}

absl::Status CheckTargets(absl::string_view path, const v1::Column& y, const Target& target) {
  const int64_t values = RowValues(y);
  const bool class_numbers = values == 1 && IsWhole(y);
  if (target.form == TargetForm::kClass && !class_numbers) {
    return Error(path, absl::StrCat("labels of type ", y.dtype(), " with ", values,
                                    " values a row are no class numbers"));
  }
  const bool one_hot = target.form == TargetForm::kDistribution && class_numbers;
  if (target.form != TargetForm::kClass && !one_hot && values != target.width) {
    return Error(
        path, absl::StrCat("targets of ", values, " values a row do not fit the model's output of ",
                           target.width));
  }
  return absl::OkStatus();
}

absl::Status CheckRange(const v1::DataView& view, absl::string_view path, int64_t rows) {
  const auto& range = view.range();
  if (range.empty()) return absl::OkStatus();
  const bool fits = range.size() == 2 && range[0] >= 0 && range[0] < range[1] && range[1] <= rows;
  if (fits) return absl::OkStatus();
  return base::InvalidArgument(Join(path, "range"),
                               absl::StrCat("[", absl::StrJoin(range, ", "), "]"),
                               absl::StrCat("[first, end] with 0 <= first < end <= ", rows,
                                            ", the rows of split ", view.split()));
}

// Without `labels` every stored number must be a class; with a range nobody knows which of them are
// meant.
absl::Status CheckStoredClasses(const v1::DataView& view, absl::string_view path,
                                const v1::Column& y, const Target& target) {
  if (target.classes == 0 || !view.range().empty()) return absl::OkStatus();
  for (const auto& [label, rows] : y.label_counts()) {
    if (label < 0 || label >= target.classes) {
      return base::InvalidArgument(
          Join(path, "labels"), absl::StrCat("label ", label, " of ", rows, " rows"),
          absl::StrCat("one of the model's classes 0 to ", target.classes - 1,
                       "; choose labels, or change the model's last layer"));
    }
  }
  return absl::OkStatus();
}

// "0, 1, 2", or the first of them where there are many.
std::string KnownLabels(const v1::Column& y) {
  constexpr size_t kMost = 20;
  std::set<int64_t> labels;
  for (const auto& [label, count] : y.label_counts()) labels.insert(label);
  const size_t all = labels.size();
  while (labels.size() > kMost) labels.erase(std::prev(labels.end()));
  return absl::StrCat(absl::StrJoin(labels, ", "),
                      all > kMost ? absl::StrCat(" and ", all - kMost, " more") : "");
}

absl::Status CheckLabels(const v1::DataView& view, absl::string_view path, const v1::Column& y) {
  const std::string field = Join(path, "labels");
  if (y.label_counts().empty())
    return Error(field, absl::StrCat("the dataset's labels of type ", y.dtype(),
                                     " are no class numbers to choose from"));
  std::set<int64_t> seen;
  for (int i = 0; i < view.labels_size(); ++i) {
    const int64_t label = view.labels(i);
    const std::string at = absl::StrCat(field, "[", i, "]");
    if (!y.label_counts().contains(label))
      return base::InvalidArgument(
          at, absl::StrCat(label),
          absl::StrCat("a label of split ", view.split(), ", which has ", KnownLabels(y)));
    if (!seen.insert(label).second) return Error(at, absl::StrCat(label, " is there twice"));
  }
  return absl::OkStatus();
}

absl::Status CheckClasses(const v1::DataView& view, absl::string_view path, const v1::Column& y,
                          const Target& target) {
  if (view.labels().empty()) return CheckStoredClasses(view, path, y, target);
  if (target.classes == 0 || view.labels_size() <= target.classes) return absl::OkStatus();
  return Error(Join(path, "labels"),
               absl::StrCat(view.labels_size(), " labels are more than the model's ",
                            target.classes, " classes"));
}

// What the view's labels and the target ask of the labels that are stored; null: nothing does.
absl::StatusOr<const v1::Column*> CheckY(const v1::DataView& view, absl::string_view path,
                                         const v1::Split& split, const Target* target) {
  if (view.labels().empty() && target == nullptr) return nullptr;
  ASSIGN_OR_RETURN(const v1::Column* y, FindColumn("y", path, split));
  if (target != nullptr) RETURN_IF_ERROR(CheckTargets(path, *y, *target));
  if (!view.labels().empty()) RETURN_IF_ERROR(CheckLabels(view, path, *y));
  if (target != nullptr) RETURN_IF_ERROR(CheckClasses(view, path, *y, *target));
  return y;
}

std::optional<int64_t> CountRows(const v1::DataView& view, const v1::Split& split,
                                 const v1::Column* y) {
  if (view.labels().empty())
    return view.range().empty() ? split.rows() : view.range(1) - view.range(0);
  if (!view.range().empty() && !(view.range(0) == 0 && view.range(1) == split.rows()))
    return std::nullopt;
  int64_t rows = 0;
  for (const int64_t label : view.labels()) rows += y->label_counts().at(label);
  return rows;
}

absl::StatusOr<std::optional<int64_t>> CheckTake(const v1::DataView& view, absl::string_view path,
                                                 std::optional<int64_t> rows,
                                                 const v1::Split& split) {
  if (rows == 0) return Error(path, "has no rows");
  if (!view.has_take()) return rows;
  const int64_t most =
      rows.value_or(view.range().empty() ? split.rows() : view.range(1) - view.range(0));
  if (view.take() < 1 || view.take() > most) {
    return base::InvalidArgument(
        Join(path, "take"), absl::StrCat(view.take()),
        absl::StrCat("a number from 1 to ", most, ", the rows that are left"));
  }
  return view.take();
}

absl::Status CheckNumbers(const v1::DataView& view, absl::string_view path) {
  if (!std::isfinite(view.scale()))
    return base::InvalidArgument(Join(path, "scale"), absl::StrCat(view.scale()),
                                 "a finite number");
  if (!std::isfinite(view.offset()))
    return base::InvalidArgument(Join(path, "offset"), absl::StrCat(view.offset()),
                                 "a finite number");
  return absl::OkStatus();
}

}  // namespace

absl::StatusOr<std::optional<int64_t>> CheckView(v1::DataView& view, absl::string_view path,
                                                 std::span<const v1::Dataset> datasets,
                                                 std::span<const int64_t> input_shape,
                                                 const Target* target) {
  if (view.split().empty()) view.set_split("train");
  if (!view.has_scale()) view.set_scale(1);
  if (!view.has_offset()) view.set_offset(0);
  ASSIGN_OR_RETURN(const v1::Dataset* dataset, FindDataset(view, path, datasets));
  ASSIGN_OR_RETURN(const v1::Split* split, FindSplit(view, path, *dataset));
  ASSIGN_OR_RETURN(const v1::Column* x, FindColumn("x", path, *split));
  RETURN_IF_ERROR(CheckNumbers(view, path));
  RETURN_IF_ERROR(CheckRange(view, path, split->rows()));
  RETURN_IF_ERROR(CheckInputs(path, *x, input_shape));
  ASSIGN_OR_RETURN(const v1::Column* y, CheckY(view, path, *split, target));
  return CheckTake(view, path, CountRows(view, *split, y), *split);
}

}  // namespace gradus::graph
