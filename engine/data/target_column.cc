// SPDX-License-Identifier: Apache-2.0
// Looks at every target once, before the first step.
#include "engine/data/target_column.h"

#include <cmath>
#include <cstring>
#include <limits>
#include <utility>

#include "absl/status/status.h"
#include "absl/strings/str_cat.h"
#include "engine/base/status.h"
#include "engine/data/convert.h"

namespace gradus::data {

absl::StatusOr<TargetColumn> TargetColumn::Make(const TargetNeeds& needs,
                                                std::shared_ptr<const MappedColumn> column,
                                                const PickedRows& rows,
                                                std::vector<int32_t> classes,
                                                absl::string_view path) {
  TargetColumn made(needs, std::move(column), std::move(classes));
  RETURN_IF_ERROR(made.Check(rows, path));
  return made;
}

std::string TargetColumn::Quoted() const { return absl::StrCat("column \"", needs_.column, "\""); }

absl::Status TargetColumn::Check(const PickedRows& rows, absl::string_view path) {
  const bool single = column_->row_elements() == 1;
  if (needs_.kind == TargetKind::kClasses ||
      (needs_.kind == TargetKind::kDistributions && single)) {
    if (!single) {
      return base::FieldError(absl::StatusCode::kInvalidArgument, path,
                              absl::StrCat(Quoted(), " has ", column_->row_elements(),
                                           " values a row, but class numbers are needed"));
    }
    return NumberClasses(rows, path);
  }
  if (column_->row_elements() != needs_.width) {
    return base::FieldError(
        absl::StatusCode::kInvalidArgument, path,
        absl::StrCat(Quoted(), " has ", column_->row_elements(),
                     " values a row, but the model's output has ", needs_.width));
  }
  return CheckValues(rows, path);
}

// Class numbers by row of the view, each checked against the number of classes.
absl::Status TargetColumn::NumberClasses(const PickedRows& rows, absl::string_view path) {
  const bool renumbered = !classes_.empty();
  if (needs_.width > std::numeric_limits<int32_t>::max()) {
    return base::FieldError(
        absl::StatusCode::kInvalidArgument, path,
        absl::StrCat(needs_.width, " classes are more than class numbers can tell apart"));
  }
  classes_.resize(rows.count());
  for (int64_t i = 0; i < rows.count(); ++i) {
    const std::optional<int64_t> label =
        renumbered ? std::optional<int64_t>(classes_[i]) : column_->IntegerAt(rows.stored(i));
    if (!label.has_value() || *label < 0 || *label >= needs_.width) {
      const std::string found = label.has_value()
                                    ? absl::StrCat(*label)
                                    : absl::StrCat(column_->ValueAt(rows.stored(i), 0));
      return base::FieldError(
          absl::StatusCode::kInvalidArgument, path,
          absl::StrCat("label ", found, " of stored row ", rows.stored(i), " is not 0 to ",
                       needs_.width - 1, ", the classes of the model's output"));
    }
    classes_[i] = static_cast<int32_t>(*label);
  }
  return absl::OkStatus();
}

absl::Status TargetColumn::CheckValues(const PickedRows& rows, absl::string_view path) const {
  const bool bounded = needs_.probabilities || needs_.kind == TargetKind::kDistributions;
  for (int64_t i = 0; i < rows.count(); ++i) {
    for (int64_t element = 0; element < needs_.width; ++element) {
      const double value =
          classes_.empty() ? column_->ValueAt(rows.stored(i), element) : classes_[i];
      if (std::isfinite(value) && (!bounded || (value >= 0.0 && value <= 1.0))) continue;
      return base::FieldError(absl::StatusCode::kInvalidArgument, path,
                              absl::StrCat("target ", value, " of stored row ", rows.stored(i),
                                           " is not ", bounded ? "0 to 1" : "a finite number"));
    }
  }
  return absl::OkStatus();
}

void TargetColumn::Gather(int64_t i, int64_t stored, float* dst) const {
  if (classes_.empty()) {
    ConvertToF32(column_->dtype(), column_->Row(stored), needs_.width, 1.0f, 0.0f, dst);
  } else if (needs_.kind == TargetKind::kDistributions) {
    std::memset(dst, 0, sizeof(float) * needs_.width);
    dst[classes_[i]] = 1.0f;
  } else {
    dst[0] = static_cast<float>(classes_[i]);
  }
}

std::optional<int64_t> TargetColumn::ClassOf(int64_t i, int64_t stored) const {
  if (!classes_.empty()) return classes_[i];
  if (needs_.width == 1) return column_->IntegerAt(stored);
  int64_t largest = 0;
  for (int64_t element = 1; element < needs_.width; ++element) {
    if (column_->ValueAt(stored, element) > column_->ValueAt(stored, largest)) largest = element;
  }
  return largest;
}

}  // namespace gradus::data
