// SPDX-License-Identifier: Apache-2.0
// The rows that one of the model's outputs is compared with.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "engine/data/column.h"
#include "engine/data/picked_rows.h"

namespace gradus::data {

// What a loss compares the output with.
enum class TargetKind {
  kClasses,        // one class number a row, 0 to width - 1
  kDistributions,  // `width` values a row; class numbers become one-hot rows
  kValues,         // `width` values a row, as stored; class numbers of a view with `labels` are the
                   // renumbered ones
};

struct TargetNeeds {
  TargetKind kind = TargetKind::kClasses;
  int64_t width = 0;           // values of one output row
  bool probabilities = false;  // kValues: each value must lie in [0, 1]
  std::string column = "y";
};

// A column of targets, each looked at once, before the first step.
//   Owns     a share of the column, and 4 bytes a row where class numbers are needed.
//   Threads  any; immutable.
class TargetColumn {
 public:
  TargetColumn() = default;
  // `classes`: the rows' class numbers, where they are not those stored; else empty.
  //   Errors   INVALID_ARGUMENT with `path` where a row's target does not fit `needs`.
  static absl::StatusOr<TargetColumn> Make(const TargetNeeds& needs,
                                           std::shared_ptr<const MappedColumn> column,
                                           const PickedRows& rows, std::vector<int32_t> classes,
                                           absl::string_view path);

  const TargetNeeds& needs() const { return needs_; }
  // Row `i`'s class number. REQUIRES: needs().kind == kClasses.
  int32_t GatherClass(int64_t i) const { return classes_[i]; }
  // The targets of row `i`, which is stored as `stored`. REQUIRES: needs().kind != kClasses.
  void Gather(int64_t i, int64_t stored, float* dst) const;  // dst: [needs().width]
  // The class that a row belongs to: its number, its largest value, or its one value where that is
  // a whole number; else nothing.
  std::optional<int64_t> ClassOf(int64_t i, int64_t stored) const;

 private:
  TargetColumn(const TargetNeeds& needs, std::shared_ptr<const MappedColumn> column,
               std::vector<int32_t> classes)
      : needs_(needs), column_(std::move(column)), classes_(std::move(classes)) {}

  std::string Quoted() const;
  absl::Status Check(const PickedRows& rows, absl::string_view path);
  absl::Status NumberClasses(const PickedRows& rows, absl::string_view path);
  absl::Status CheckValues(const PickedRows& rows, absl::string_view path) const;

  TargetNeeds needs_;
  std::shared_ptr<const MappedColumn> column_;
  std::vector<int32_t> classes_;  // by row of the view
};

}  // namespace gradus::data
