// SPDX-License-Identifier: Apache-2.0
// Resolves range, labels and take, and looks at every target once, before the first step.
#include "engine/data/view.h"

#include <algorithm>
#include <cmath>
#include <cstring>
#include <limits>
#include <optional>
#include <unordered_map>
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

absl::StatusOr<std::unordered_map<int64_t, int32_t>> NumberLabels(const v1::DataView& spec,
                                                                  const std::string& path) {
  std::unordered_map<int64_t, int32_t> numbers;
  for (int i = 0; i < spec.labels_size(); ++i) {
    if (!numbers.emplace(spec.labels(i), i).second) {
      return base::InvalidArgument(absl::StrCat(path, "[", i, "]"), absl::StrCat(spec.labels(i)),
                                   "a class not named before");
    }
  }
  return numbers;
}

// Every label must occur in the split, though perhaps outside the range.
absl::Status CheckAllOccur(const v1::DataView& spec, const std::string& path, const MappedColumn& y,
                           std::vector<bool> seen,
                           const std::unordered_map<int64_t, int32_t>& numbers) {
  if (std::find(seen.begin(), seen.end(), false) == seen.end()) return absl::OkStatus();
  for (int64_t row = 0; row < y.rows(); ++row) {
    const auto found = numbers.find(y.IntegerAt(row).value_or(0));
    if (found != numbers.end()) seen[found->second] = true;
  }
  for (int i = 0; i < spec.labels_size(); ++i) {
    if (!seen[i]) {
      return base::InvalidArgument(absl::StrCat(path, "[", i, "]"), absl::StrCat(spec.labels(i)),
                                   "a label that occurs in the split");
    }
  }
  return absl::OkStatus();
}

}  // namespace

absl::StatusOr<View> View::Open(const v1::DataView& spec, absl::string_view path,
                                const v1::Dataset& dataset, const BlobOpener& open_blob,
                                const TargetNeeds& needs) {
  View view;
  view.needs_ = needs;
  ASSIGN_OR_RETURN(view.scale_, Finite(Join(path, "scale"), spec.has_scale() ? spec.scale() : 1.0));
  ASSIGN_OR_RETURN(view.offset_, Finite(Join(path, "offset"), spec.offset()));
  ASSIGN_OR_RETURN(const v1::Split* split, FindSplit(spec, path, dataset));
  ASSIGN_OR_RETURN(view.x_, OpenColumn(*split, "x", path, open_blob));
  if (needs.kind != TargetKind::kNone || spec.labels_size() != 0) {
    ASSIGN_OR_RETURN(view.y_, OpenColumn(*split, "y", path, open_blob));
  }
  RETURN_IF_ERROR(view.PickRows(spec, path));
  RETURN_IF_ERROR(view.Take(spec, path));
  RETURN_IF_ERROR(view.CheckTargets(path));
  return view;
}

absl::Status View::PickRows(const v1::DataView& spec, absl::string_view path) {
  const int64_t stored = x_->rows();
  int64_t end = stored;
  if (spec.range_size() != 0) {
    const std::string found = absl::StrCat("[", absl::StrJoin(spec.range(), ", "), "]");
    if (spec.range_size() != 2 || spec.range(0) < 0 || spec.range(0) >= spec.range(1) ||
        spec.range(1) > stored) {
      return base::InvalidArgument(
          Join(path, "range"), found,
          absl::StrCat("[first, end) with 0 <= first < end <= ", stored, ", the stored rows"));
    }
    first_ = spec.range(0);
    end = spec.range(1);
  }
  count_ = end - first_;
  if (spec.labels_size() != 0) RETURN_IF_ERROR(PickLabels(spec, path, end));
  if (count_ == 0)
    return base::FieldError(absl::StatusCode::kInvalidArgument, path, "no row is left");
  if (count_ > std::numeric_limits<uint32_t>::max()) {
    return base::FieldError(absl::StatusCode::kInvalidArgument, path,
                            absl::StrCat(count_, " rows are more than 2^32 - 1"));
  }
  return absl::OkStatus();
}

absl::Status View::PickLabels(const v1::DataView& spec, absl::string_view path, int64_t end) {
  const std::string field = Join(path, "labels");
  if (!y_->holds_integers() || y_->row_elements() != 1) {
    return base::FieldError(absl::StatusCode::kInvalidArgument, field,
                            "column \"y\" does not hold one class number a row");
  }
  ASSIGN_OR_RETURN(const auto numbers, NumberLabels(spec, field));
  std::vector<bool> seen(spec.labels_size(), false);
  for (int64_t row = first_; row < end; ++row) {
    const auto found = numbers.find(*y_->IntegerAt(row));
    if (found == numbers.end()) continue;
    seen[found->second] = true;
    picked_.push_back(row);
    classes_.push_back(found->second);
  }
  count_ = static_cast<int64_t>(picked_.size());
  return CheckAllOccur(spec, field, *y_, std::move(seen), numbers);
}

absl::Status View::Take(const v1::DataView& spec, absl::string_view path) {
  if (!spec.has_take()) return absl::OkStatus();
  if (spec.take() < 1 || spec.take() > count_) {
    return base::InvalidArgument(Join(path, "take"), absl::StrCat(spec.take()),
                                 absl::StrCat("1 to ", count_, ", the rows that are left"));
  }
  count_ = spec.take();
  if (!picked_.empty()) {
    picked_.resize(count_);
    classes_.resize(count_);
  }
  return absl::OkStatus();
}

absl::Status View::CheckTargets(absl::string_view path) {
  if (needs_.kind == TargetKind::kNone) return absl::OkStatus();
  const bool single = y_->row_elements() == 1;
  if (needs_.kind == TargetKind::kClasses ||
      (needs_.kind == TargetKind::kDistributions && single)) {
    if (!single) {
      return base::FieldError(absl::StatusCode::kInvalidArgument, path,
                              absl::StrCat("column \"y\" has ", y_->row_elements(),
                                           " values a row, but class numbers are needed"));
    }
    return NumberClasses(path);
  }
  if (y_->row_elements() != needs_.width) {
    return base::FieldError(
        absl::StatusCode::kInvalidArgument, path,
        absl::StrCat("column \"y\" has ", y_->row_elements(),
                     " values a row, but the model's output has ", needs_.width));
  }
  return CheckValues(path);
}

// Class numbers by row of the view, each checked against the number of classes.
absl::Status View::NumberClasses(absl::string_view path) {
  const bool renumbered = !classes_.empty();
  if (needs_.width > std::numeric_limits<int32_t>::max()) {
    return base::FieldError(
        absl::StatusCode::kInvalidArgument, path,
        absl::StrCat(needs_.width, " classes are more than class numbers can tell apart"));
  }
  classes_.resize(count_);
  for (int64_t i = 0; i < count_; ++i) {
    const std::optional<int64_t> label =
        renumbered ? std::optional<int64_t>(classes_[i]) : y_->IntegerAt(StoredRow(i));
    if (!label.has_value() || *label < 0 || *label >= needs_.width) {
      const std::string found =
          label.has_value() ? absl::StrCat(*label) : absl::StrCat(y_->ValueAt(StoredRow(i), 0));
      return base::FieldError(
          absl::StatusCode::kInvalidArgument, path,
          absl::StrCat("label ", found, " of stored row ", StoredRow(i), " is not 0 to ",
                       needs_.width - 1, ", the classes of the model's output"));
    }
    classes_[i] = static_cast<int32_t>(*label);
  }
  return absl::OkStatus();
}

absl::Status View::CheckValues(absl::string_view path) const {
  const bool bounded = needs_.probabilities || needs_.kind == TargetKind::kDistributions;
  for (int64_t i = 0; i < count_; ++i) {
    for (int64_t element = 0; element < needs_.width; ++element) {
      const double value = classes_.empty() ? y_->ValueAt(StoredRow(i), element) : classes_[i];
      if (std::isfinite(value) && (!bounded || (value >= 0.0 && value <= 1.0))) continue;
      return base::FieldError(absl::StatusCode::kInvalidArgument, path,
                              absl::StrCat("target ", value, " of stored row ", StoredRow(i),
                                           " is not ", bounded ? "0 to 1" : "a finite number"));
    }
  }
  return absl::OkStatus();
}

void View::GatherInput(int64_t i, float* dst) const {
  ConvertToF32(x_->dtype(), x_->Row(StoredRow(i)), x_->row_elements(), scale_, offset_, dst);
}

void View::GatherTarget(int64_t i, float* dst) const {
  if (classes_.empty()) {
    ConvertToF32(y_->dtype(), y_->Row(StoredRow(i)), needs_.width, 1.0f, 0.0f, dst);
  } else if (needs_.kind == TargetKind::kDistributions) {
    std::memset(dst, 0, sizeof(float) * needs_.width);
    dst[classes_[i]] = 1.0f;
  } else {
    dst[0] = static_cast<float>(classes_[i]);
  }
}

}  // namespace gradus::data
