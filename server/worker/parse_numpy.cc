// SPDX-License-Identifier: Apache-2.0
// Arrays as NumPy saves them: one in an NPY file, several in an NPZ file.
#include <unistd.h>

#include <optional>
#include <vector>

#include "engine/formats/npy.h"
#include "engine/formats/npz.h"
#include "server/worker/parse_column.h"

namespace gradus::worker {
namespace {

constexpr size_t kPiece = 256 << 10;
// NPZ counts the arrays' headers, too.
constexpr uint64_t kHeaders = 1 << 20;

// One array from its decoder to the output.
class ArraySink {
 public:
  ArraySink(std::string name, bool labels, OutputFile& output)
      : name_(std::move(name)), labels_(labels), output_(output) {}

  absl::Status Begin(const formats::NpyHeader& header) {
    ASSIGN_OR_RETURN(column_,
                     ColumnWriter::Create(name_, header.dtype, header.shape, labels_, output_));
    return absl::OkStatus();
  }
  absl::Status Append(std::span<const std::byte> values) { return column_->Append(values); }
  nlohmann::json Describe() const { return column_->Describe(); }

 private:
  const std::string name_;
  const bool labels_;
  OutputFile& output_;
  std::optional<ColumnWriter> column_;
};

}  // namespace

absl::StatusOr<nlohmann::json> ReadNpy(const FileTask& task, OutputFile& output) {
  ArraySink sink("", task.labels, output);
  formats::NpyDecoder decoder;
  std::vector<std::byte> buffer(kPiece);
  for (uint64_t offset = 0;;) {
    ASSIGN_OR_RETURN(const size_t count, base::ReadFully(task.input, offset, buffer, "input"));
    if (count == 0) break;
    RETURN_IF_ERROR(decoder.Push(
        std::span(buffer).first(count),
        [&](const formats::NpyHeader& header) { return sink.Begin(header); },
        [&](std::span<const std::byte> values) { return sink.Append(values); }));
    offset += count;
  }
  RETURN_IF_ERROR(decoder.Finish());
  return nlohmann::json::array({sink.Describe()});
}

absl::StatusOr<nlohmann::json> ReadNpz(const FileTask& task, OutputFile& output) {
  const off_t size = ::lseek(task.input, 0, SEEK_END);
  if (size < 0) return base::ErrnoStatus(errno, "input");
  const auto source = [&task](uint64_t offset, std::span<std::byte> to) {
    return base::ReadFully(task.input, offset, to, "input");
  };
  ASSIGN_OR_RETURN(
      const formats::NpzReader reader,
      formats::NpzReader::Open(source, static_cast<uint64_t>(size), output.left() + kHeaders));
  nlohmann::json columns = nlohmann::json::array();
  for (const formats::NpzArray& array : reader.arrays()) {
    ArraySink sink(array.name, HoldsLabels(array.name), output);
    RETURN_IF_ERROR(reader.Read(
        array, [&](const formats::NpyHeader& header) { return sink.Begin(header); },
        [&](std::span<const std::byte> values) { return sink.Append(values); }));
    columns.push_back(sink.Describe());
  }
  return columns;
}

}  // namespace gradus::worker
