// SPDX-License-Identifier: Apache-2.0
// One array of an upload on its way to be a column.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include <nlohmann/json.hpp>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "server/worker/label_counter.h"
#include "server/worker/parse_task.h"

namespace gradus::worker {

// Takes an array's values, in C order and little endian, and describes it.
//   Threads  one.
class ColumnWriter {
 public:
  // `name`: the array's, where it has one. `shape`: the first extent counts the rows. Values of a
  // row that is one number are counted where `labels` says so. `output` must outlive it.
  //   Errors  INVALID_ARGUMENT for no rows, or more values than the output may take.
  static absl::StatusOr<ColumnWriter> Create(const std::string& name, const std::string& dtype,
                                             std::span<const int64_t> shape, bool labels,
                                             OutputFile& output);

  // Whole elements.
  absl::Status Append(std::span<const std::byte> values);
  // See RunParse.
  nlohmann::json Describe() const;

 private:
  ColumnWriter(std::string name, std::string dtype, std::vector<int64_t> shape, OutputFile& output)
      : name_(std::move(name)),
        dtype_(std::move(dtype)),
        shape_(std::move(shape)),
        output_(&output) {}

  std::string name_;
  std::string dtype_;
  std::vector<int64_t> shape_;
  OutputFile* output_;
  std::optional<LabelCounter> labels_;
};

// Whether an array of that name may hold labels: all but "x" and "x_SPLIT".
bool HoldsLabels(absl::string_view name);

// Readers of one format each, see ReadColumns.
absl::StatusOr<nlohmann::json> ReadIdx(const FileTask& task, OutputFile& output);
absl::StatusOr<nlohmann::json> ReadNpy(const FileTask& task, OutputFile& output);
absl::StatusOr<nlohmann::json> ReadNpz(const FileTask& task, OutputFile& output);
absl::StatusOr<nlohmann::json> ReadTensors(const FileTask& task, OutputFile& output);

}  // namespace gradus::worker
