// SPDX-License-Identifier: Apache-2.0
// Resolves range, labels and take.
#include "engine/data/picked_rows.h"

#include <algorithm>
#include <limits>
#include <string>
#include <unordered_map>
#include <utility>

#include "absl/status/status.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "engine/base/status.h"

namespace gradus::data {
namespace {

std::string Join(absl::string_view path, absl::string_view field) {
  return absl::StrCat(path, ".", field);
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

absl::StatusOr<PickedRows> PickedRows::Pick(const v1::DataView& spec, absl::string_view path,
                                            int64_t stored, const MappedColumn* labels,
                                            absl::string_view name) {
  PickedRows rows;
  RETURN_IF_ERROR(rows.PickRange(spec, path, stored, labels, name));
  RETURN_IF_ERROR(rows.Take(spec, path));
  return rows;
}

absl::Status PickedRows::PickRange(const v1::DataView& spec, absl::string_view path, int64_t stored,
                                   const MappedColumn* labels, absl::string_view name) {
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
  if (spec.labels_size() != 0) RETURN_IF_ERROR(PickLabels(spec, path, end, *labels, name));
  if (count_ == 0)
    return base::FieldError(absl::StatusCode::kInvalidArgument, path, "no row is left");
  if (count_ > std::numeric_limits<uint32_t>::max()) {
    return base::FieldError(absl::StatusCode::kInvalidArgument, path,
                            absl::StrCat(count_, " rows are more than 2^32 - 1"));
  }
  return absl::OkStatus();
}

absl::Status PickedRows::PickLabels(const v1::DataView& spec, absl::string_view path, int64_t end,
                                    const MappedColumn& labels, absl::string_view name) {
  const std::string field = Join(path, "labels");
  if (!labels.holds_integers() || labels.row_elements() != 1) {
    return base::FieldError(
        absl::StatusCode::kInvalidArgument, field,
        absl::StrCat("column \"", name, "\" does not hold one class number a row"));
  }
  ASSIGN_OR_RETURN(const auto numbers, NumberLabels(spec, field));
  std::vector<bool> seen(spec.labels_size(), false);
  for (int64_t row = first_; row < end; ++row) {
    const auto found = numbers.find(*labels.IntegerAt(row));
    if (found == numbers.end()) continue;
    seen[found->second] = true;
    picked_.push_back(row);
    classes_.push_back(found->second);
  }
  count_ = static_cast<int64_t>(picked_.size());
  return CheckAllOccur(spec, field, labels, std::move(seen), numbers);
}

absl::Status PickedRows::Take(const v1::DataView& spec, absl::string_view path) {
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

}  // namespace gradus::data
