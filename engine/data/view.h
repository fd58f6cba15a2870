// SPDX-License-Identifier: Apache-2.0
// The rows that a job takes of a dataset: v1.DataView resolved against what is stored.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "engine/base/mapped_file.h"
#include "engine/data/column.h"
#include "gradus/v1/data.pb.h"

namespace gradus::data {

// Gives a blob's bytes, verified against their digest.
using BlobOpener =
    std::function<absl::StatusOr<std::shared_ptr<const base::MappedFile>>(const v1::BlobRef&)>;

// What a loss compares the output with.
enum class TargetKind {
  kClasses,        // one class number a row, 0 to width - 1
  kDistributions,  // `width` values a row; class numbers become one-hot rows
  kValues,         // `width` values a row, as stored; class numbers of a view with `labels` are the
                   // renumbered ones
  kNone,           // nothing: "y" is looked at only where `labels` pick rows, and need not be there
};

struct TargetNeeds {
  TargetKind kind = TargetKind::kClasses;
  int64_t width = 0;           // values of one output row
  bool probabilities = false;  // kValues: each value must lie in [0, 1]
};

// Rows in the order of the view: range, then labels, then take; values become x * scale + offset
// when they are gathered.
//   Owns     shares of the mapped columns, and 12 bytes a row where labels pick rows (4 where
//            classes are needed alone).
//   Threads  any; immutable.
class View {
 public:
  // Checks every field of `spec`, and every row's target against `needs`, so that no step meets a
  // label that is no class. `path` names the view in messages: "data.train".
  //   Errors   INVALID_ARGUMENT with the field's path, what was found and what is allowed; what
  //   `open_blob` returns.
  static absl::StatusOr<View> Open(const v1::DataView& spec, absl::string_view path,
                                   const v1::Dataset& dataset, const BlobOpener& open_blob,
                                   const TargetNeeds& needs);

  int64_t rows() const { return count_; }
  int64_t input_elements() const { return x_->row_elements(); }
  const std::vector<int64_t>& input_shape() const { return x_->row_shape(); }
  const TargetNeeds& targets() const { return needs_; }

  // Row `i` of the view as f32. REQUIRES: 0 <= i < rows().
  void GatherInput(int64_t i, float* dst) const;  // dst: [input_elements()]
  // Row `i`'s class number. REQUIRES: targets().kind == kClasses.
  int32_t GatherClass(int64_t i) const { return classes_[i]; }
  // Row `i`'s targets. REQUIRES: targets().kind is kDistributions or kValues.
  void GatherTarget(int64_t i, float* dst) const;  // dst: [targets().width]

 private:
  View() = default;

  int64_t StoredRow(int64_t i) const { return picked_.empty() ? first_ + i : picked_[i]; }
  absl::Status PickRows(const v1::DataView& spec, absl::string_view path);
  absl::Status PickLabels(const v1::DataView& spec, absl::string_view path, int64_t end);
  absl::Status Take(const v1::DataView& spec, absl::string_view path);
  absl::Status CheckTargets(absl::string_view path);
  absl::Status NumberClasses(absl::string_view path);
  absl::Status CheckValues(absl::string_view path) const;

  std::shared_ptr<const MappedColumn> x_;
  std::shared_ptr<const MappedColumn> y_;  // null where nothing of it is needed
  TargetNeeds needs_;
  float scale_ = 1.0f;
  float offset_ = 0.0f;
  int64_t first_ = 0;
  int64_t count_ = 0;
  std::vector<int64_t> picked_;  // stored rows, where they are not first_, first_ + 1, ...
  std::vector<int32_t>
      classes_;  // by row of the view, where class numbers are what is asked for or were renumbered
};

}  // namespace gradus::data
