// SPDX-License-Identifier: Apache-2.0
// From the request's descriptors through inflater and decoder to raw columns.
#include "server/worker/parse.h"

#include <unistd.h>

#include <cstddef>
#include <optional>
#include <span>
#include <utility>
#include <vector>

#include <nlohmann/json.hpp>

#include "absl/strings/str_cat.h"
#include "engine/base/descriptor.h"
#include "engine/base/failpoint.h"
#include "engine/base/status.h"
#include "engine/formats/gzip.h"
#include "engine/formats/idx.h"
#include "server/worker/label_counter.h"
#include "server/worker/sandbox.h"

namespace gradus::worker {
namespace {

using nlohmann::json;

constexpr int kRequest = 3;
constexpr size_t kMaxRequest = 1 << 20;
constexpr size_t kPiece = 256 << 10;
// The longest IDX header there is.
constexpr uint64_t kMaxHeader = 4 + 4 * 255;

struct FileTask {
  int input = -1;
  int output = -1;
  std::string format;
  bool labels = false;
};

struct Request {
  SandboxLimits limits;
  uint64_t max_output = 0;
  std::vector<FileTask> files;
};

absl::StatusOr<Request> ReadRequest(std::string_view text) {
  try {
    const json object = json::parse(text);
    Request request;
    request.max_output = object.at("max_output").get<uint64_t>();
    request.limits = {.memory_bytes = object.at("memory").get<int64_t>(),
                      .cpu_seconds = object.at("cpu_seconds").get<int64_t>(),
                      .file_bytes = object.at("max_output").get<int64_t>()};
    for (const json& file : object.at("files")) {
      request.files.push_back({.input = file.at("input").get<int>(),
                               .output = file.at("output").get<int>(),
                               .format = file.at("format").get<std::string>(),
                               .labels = file.at("labels").get<bool>()});
    }
    return request;
  } catch (const json::exception& error) {
    return absl::InvalidArgumentError(absl::StrCat("request: ", error.what()));
  }
}

// One IDX file, plain or gzipped, on its way from descriptor to descriptor.
class IdxTask {
 public:
  IdxTask(const FileTask& task, uint64_t max_output) : task_(task), max_output_(max_output) {}

  absl::StatusOr<json> Run() {
    std::vector<std::byte> buffer(kPiece);
    uint64_t offset = 0;
    std::optional<formats::GzipInflater> inflater;
    for (;;) {
      ASSIGN_OR_RETURN(const size_t count, base::ReadFully(task_.input, offset, buffer, "input"));
      const std::span<const std::byte> piece(buffer.data(), count);
      if (offset == 0 && formats::IsGzip(piece)) {
        ASSIGN_OR_RETURN(inflater, formats::GzipInflater::Create(max_output_ + kMaxHeader));
      }
      if (count == 0) break;
      offset += count;
      RETURN_IF_ERROR(inflater.has_value()
                          ? inflater->Push(piece, [this](auto bytes) { return Decode(bytes); })
                          : Decode(piece));
    }
    if (inflater.has_value()) RETURN_IF_ERROR(inflater->Finish());
    RETURN_IF_ERROR(decoder_.Finish());
    return Describe();
  }

  uint64_t written() const { return written_; }

 private:
  absl::Status Decode(std::span<const std::byte> bytes) {
    return decoder_.Push(
        bytes, [this](const formats::IdxHeader& header) { return Begin(header); },
        [this](std::span<const std::byte> values) { return Write(values); });
  }

  absl::Status Begin(const formats::IdxHeader& header) {
    if (header.data_bytes > max_output_) {
      return absl::InvalidArgumentError(
          absl::StrCat("idx: the header announces ", header.data_bytes,
                       " bytes of values, at most ", max_output_, " are allowed"));
    }
    if (task_.labels && header.row_shape().empty()) labels_.emplace(header.dtype);
    return absl::OkStatus();
  }

  absl::Status Write(std::span<const std::byte> values) {
    RETURN_IF_ERROR(base::WriteFully(task_.output, written_, values, "output"));
    written_ += values.size();
    if (labels_.has_value()) labels_->Count(values);
    return absl::OkStatus();
  }

  json Describe() const {
    const formats::IdxHeader& header = decoder_.header();
    json counts = json::array();
    if (labels_.has_value()) {
      for (const auto& [value, rows] : labels_->counts()) counts.push_back({value, rows});
    }
    const std::span<const int64_t> shape = header.row_shape();
    return {{"rows", header.rows()},
            {"dtype", header.dtype},
            {"shape", std::vector<int64_t>(shape.begin(), shape.end())},
            {"label_counts", std::move(counts)}};
  }

  const FileTask& task_;
  const uint64_t max_output_;
  formats::IdxDecoder decoder_;
  std::optional<LabelCounter> labels_;
  uint64_t written_ = 0;
};

std::string ErrorAnswer(size_t file, const absl::Status& status) {
  const json answer = {{"error",
                        {{"file", file},
                         {"code", static_cast<int>(status.code())},
                         {"message", std::string(status.message())}}}};
  return answer.dump(-1, ' ', true, json::error_handler_t::replace);
}

std::string Answer(const Request& request) {
  json columns = json::array();
  uint64_t left = request.max_output;
  for (size_t i = 0; i < request.files.size(); ++i) {
    if (request.files[i].format != "IDX") {
      return ErrorAnswer(i, absl::UnimplementedError(absl::StrCat(
                                "the format ", request.files[i].format, " is not known")));
    }
    IdxTask task(request.files[i], left);
    absl::StatusOr<json> column = task.Run();
    if (!column.ok()) return ErrorAnswer(i, column.status());
    left -= task.written();
    columns.push_back(*std::move(column));
  }
  FAILPOINT("worker.parse.before_answer");
  return json{{"columns", std::move(columns)}}.dump();
}

absl::StatusOr<std::string> ReadAll(int fd) {
  std::vector<std::byte> buffer(kMaxRequest);
  ASSIGN_OR_RETURN(const size_t count, base::ReadFully(fd, 0, buffer, "request"));
  return std::string(reinterpret_cast<const char*>(buffer.data()), count);
}

absl::Status WriteAll(int fd, std::string_view text) {
  while (!text.empty()) {
    const ssize_t count =
        base::RetryOnInterrupt([&] { return ::write(fd, text.data(), text.size()); });
    if (count <= 0) return base::ErrnoStatus(errno, "answer");
    text.remove_prefix(static_cast<size_t>(count));
  }
  return absl::OkStatus();
}

absl::Status Serve() {
  ASSIGN_OR_RETURN(const std::string text, ReadAll(kRequest));
  ASSIGN_OR_RETURN(const Request request, ReadRequest(text));
  RETURN_IF_ERROR(EnterSandbox(request.limits));
  return WriteAll(STDOUT_FILENO, Answer(request));
}

}  // namespace

std::string AnswerParse(std::string_view text) {
  const absl::StatusOr<Request> request = ReadRequest(text);
  return request.ok() ? Answer(*request) : ErrorAnswer(0, request.status());
}

void RunParse() {
  const absl::Status status = Serve();
  if (!status.ok())
    WriteAll(STDERR_FILENO, absl::StrCat("gradus-worker parse: ", status.message(), "\n"))
        .IgnoreError();
  // Exit handlers of libraries that were loaded along have no business in the sandbox.
  ::_exit(status.ok() ? 0 : 1);
}

}  // namespace gradus::worker
