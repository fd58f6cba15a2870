// SPDX-License-Identifier: Apache-2.0
// The rows that a job takes of a dataset: v1.DataView resolved against what is stored.
#pragma once

#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <span>
#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "engine/base/mapped_file.h"
#include "engine/data/column.h"
#include "engine/data/picked_rows.h"
#include "engine/data/target_column.h"
#include "gradus/v1/data.pb.h"

namespace gradus::data {

// Gives a blob's bytes, verified against their digest.
using BlobOpener =
    std::function<absl::StatusOr<std::shared_ptr<const base::MappedFile>>(const v1::BlobRef&)>;

// Where one of the model's inputs is found.
struct InputNeeds {
  std::string column = "x";
  // Entries [first, end) of each row along its first axis; with an end of 0 all.
  int64_t first = 0;
  int64_t end = 0;
};

// What a job needs of a view.
struct ViewNeeds {
  // At least one.
  std::vector<InputNeeds> inputs = {InputNeeds()};
  // None: rows are taken for their inputs alone.
  std::vector<TargetNeeds> targets;
  // What rows of a class count, of the first targets; those of others 1.
  std::map<int64_t, double> class_weight = {};
  // Column in which labels are looked for.
  std::string labels = "y";
};

// Rows in the order of the view: range, then labels, then take; values become x * scale + offset
// when they are gathered.
//   Owns     shares of the mapped columns; what PickedRows and TargetColumn do; 4 bytes a row where
//            rows are weighted.
//   Threads  any; immutable.
class View {
 public:
  // Checks every field of `spec`, and every row's targets against `needs`, so that no step meets a
  // label that is no class. `path` names the view in messages: "data.train".
  //   Errors   INVALID_ARGUMENT with the field's path, what was found and what is allowed; what
  //   `open_blob` returns.
  static absl::StatusOr<View> Open(const v1::DataView& spec, absl::string_view path,
                                   const v1::Dataset& dataset, const BlobOpener& open_blob,
                                   const ViewNeeds& needs);

  int64_t rows() const { return rows_.count(); }
  size_t inputs() const { return inputs_.size(); }
  int64_t input_elements(size_t input) const { return inputs_[input].elements; }
  // Of all inputs together.
  int64_t input_elements() const;
  std::span<const TargetColumn> targets() const { return targets_; }
  // Numbers that all targets of a row take.
  int64_t target_elements() const;
  // Rows count differently.
  bool weighted() const { return !weights_.empty(); }

  // Row `i` of the view as f32. REQUIRES: 0 <= i < rows().
  void GatherInput(int64_t i, float* dst, size_t input = 0) const;  // dst: [input_elements(input)]
  // Row `i`'s class number. REQUIRES: targets()[target].needs().kind == kClasses.
  int32_t GatherClass(int64_t i, size_t target = 0) const {
    return targets_[target].GatherClass(i);
  }
  // Row `i`'s targets. REQUIRES: it is another kind. dst: [width]
  void GatherTarget(int64_t i, float* dst, size_t target = 0) const {
    targets_[target].Gather(i, rows_.stored(i), dst);
  }
  // What row `i` counts. REQUIRES: weighted().
  float GatherWeight(int64_t i) const { return weights_[i]; }

 private:
  struct Input {
    std::shared_ptr<const MappedColumn> column;
    int64_t first_byte = 0;  // of each row
    int64_t elements = 0;
  };

  explicit View(PickedRows rows);
  absl::Status AddInput(const InputNeeds& needs, std::shared_ptr<const MappedColumn> column,
                        absl::string_view path);
  absl::Status WeighRows(const MappedColumn& column, const std::string& path);
  absl::Status WeighClasses(const std::map<int64_t, double>& class_weight, absl::string_view path);

  PickedRows rows_;
  std::vector<Input> inputs_;
  std::vector<TargetColumn> targets_;
  float scale_ = 1.0f;
  float offset_ = 0.0f;
  std::vector<float> weights_;  // one a row, where they count differently
};

}  // namespace gradus::data
