// SPDX-License-Identifier: Apache-2.0
#include "server/worker/parse_column.h"

#include <utility>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "engine/base/names.h"
#include "engine/formats/element.h"

namespace gradus::worker {
namespace {

struct Format {
  const char* name;
  absl::StatusOr<nlohmann::json> (*read)(const FileTask& task, OutputFile& output);
};

constexpr Format kFormats[] = {
    {"IDX", ReadIdx}, {"NPY", ReadNpy}, {"NPZ", ReadNpz}, {"SAFETENSORS", ReadTensors}};

}  // namespace

absl::StatusOr<ColumnWriter> ColumnWriter::Create(const std::string& name, const std::string& dtype,
                                                  std::span<const int64_t> shape, bool labels,
                                                  OutputFile& output) {
  const std::string what =
      name.empty() ? "the array" : absl::StrCat("the array \"", base::Shown(name), "\"");
  if (!formats::IsColumnType(dtype)) {
    return absl::InvalidArgumentError(
        absl::StrCat(what, " is of ", dtype, "; columns are of U8, I8, I16, I32, I64, F32 or F64"));
  }
  const std::optional<uint64_t> bytes = formats::ArrayBytes(shape, formats::ElementSize(dtype));
  if (shape.empty() || !bytes.has_value() || *bytes == 0)
    return absl::InvalidArgumentError(absl::StrCat(what, " has no rows of values"));
  if (*bytes > output.left()) {
    return absl::InvalidArgumentError(absl::StrCat(
        what, " announces ", *bytes, " bytes of values, at most ", output.left(), " are allowed"));
  }
  ColumnWriter column(name, dtype, {shape.begin(), shape.end()}, output);
  if (labels && shape.size() == 1) column.labels_.emplace(dtype);
  return column;
}

absl::Status ColumnWriter::Append(std::span<const std::byte> values) {
  RETURN_IF_ERROR(output_->Append(values));
  if (labels_.has_value()) labels_->Count(values);
  return absl::OkStatus();
}

nlohmann::json ColumnWriter::Describe() const {
  nlohmann::json counts = nlohmann::json::array();
  if (labels_.has_value()) {
    for (const auto& [value, rows] : labels_->counts()) counts.push_back({value, rows});
  }
  return {{"name", name_},
          {"rows", shape_.front()},
          {"dtype", dtype_},
          {"shape", std::vector<int64_t>(shape_.begin() + 1, shape_.end())},
          {"label_counts", std::move(counts)}};
}

bool HoldsLabels(absl::string_view name) { return name != "x" && !absl::StartsWith(name, "x_"); }

absl::StatusOr<nlohmann::json> ReadColumns(const FileTask& task, OutputFile& output) {
  for (const Format& format : kFormats) {
    if (task.format == format.name) return format.read(task, output);
  }
  return absl::UnimplementedError(absl::StrCat("the format ", task.format, " is not known"));
}

}  // namespace gradus::worker
