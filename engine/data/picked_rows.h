// SPDX-License-Identifier: Apache-2.0
// Which of a split's rows a view has, and in which order.
#pragma once

#include <cstdint>
#include <vector>

#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "engine/data/column.h"
#include "gradus/v1/data.pb.h"

namespace gradus::data {

// Rows by range, then labels, then take.
//   Owns     12 bytes a row where labels pick rows, else nothing.
//   Threads  any; immutable.
class PickedRows {
 public:
  // Of `stored` rows. `labels`: the column that labels are looked for in, called `name`; null where
  // the view has none.
  //   Errors   INVALID_ARGUMENT with the field's path.
  static absl::StatusOr<PickedRows> Pick(const v1::DataView& spec, absl::string_view path,
                                         int64_t stored, const MappedColumn* labels,
                                         absl::string_view name);

  int64_t count() const { return count_; }
  // REQUIRES: 0 <= i < count().
  int64_t stored(int64_t i) const { return picked_.empty() ? first_ + i : picked_[i]; }
  // The numbers that the labels of these rows were given; empty where none were asked for.
  const std::vector<int32_t>& classes() const { return classes_; }

 private:
  PickedRows() = default;

  absl::Status PickRange(const v1::DataView& spec, absl::string_view path, int64_t stored,
                         const MappedColumn* labels, absl::string_view name);
  absl::Status PickLabels(const v1::DataView& spec, absl::string_view path, int64_t end,
                          const MappedColumn& labels, absl::string_view name);
  absl::Status Take(const v1::DataView& spec, absl::string_view path);

  int64_t first_ = 0;
  int64_t count_ = 0;
  std::vector<int64_t> picked_;  // stored rows, where they are not first_, first_ + 1, ...
  std::vector<int32_t> classes_;
};

}  // namespace gradus::data
