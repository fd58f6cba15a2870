// SPDX-License-Identifier: Apache-2.0
// One IDX file, plain or gzipped: through inflater and decoder.
#include <optional>
#include <vector>

#include "engine/formats/gzip.h"
#include "engine/formats/idx.h"
#include "server/worker/parse_column.h"

namespace gradus::worker {
namespace {

constexpr size_t kPiece = 256 << 10;
// The longest IDX header there is.
constexpr uint64_t kMaxHeader = 4 + 4 * 255;

class IdxReader {
 public:
  IdxReader(const FileTask& task, OutputFile& output) : task_(task), output_(output) {}

  absl::StatusOr<nlohmann::json> Run() {
    std::vector<std::byte> buffer(kPiece);
    uint64_t offset = 0;
    std::optional<formats::GzipInflater> inflater;
    for (;;) {
      ASSIGN_OR_RETURN(const size_t count, base::ReadFully(task_.input, offset, buffer, "input"));
      const std::span<const std::byte> piece(buffer.data(), count);
      if (offset == 0 && formats::IsGzip(piece)) {
        ASSIGN_OR_RETURN(inflater, formats::GzipInflater::Create(output_.left() + kMaxHeader));
      }
      if (count == 0) break;
      offset += count;
      RETURN_IF_ERROR(inflater.has_value()
                          ? inflater->Push(piece, [this](auto bytes) { return Decode(bytes); })
                          : Decode(piece));
    }
    if (inflater.has_value()) RETURN_IF_ERROR(inflater->Finish());
    RETURN_IF_ERROR(decoder_.Finish());
    return nlohmann::json::array({column_->Describe()});
  }

 private:
  absl::Status Decode(std::span<const std::byte> bytes) {
    return decoder_.Push(
        bytes,
        [this](const formats::IdxHeader& header) -> absl::Status {
          ASSIGN_OR_RETURN(
              column_, ColumnWriter::Create("", header.dtype, header.shape, task_.labels, output_));
          return absl::OkStatus();
        },
        [this](std::span<const std::byte> values) { return column_->Append(values); });
  }

  const FileTask& task_;
  OutputFile& output_;
  formats::IdxDecoder decoder_;
  std::optional<ColumnWriter> column_;
};

}  // namespace

absl::StatusOr<nlohmann::json> ReadIdx(const FileTask& task, OutputFile& output) {
  return IdxReader(task, output).Run();
}

}  // namespace gradus::worker
