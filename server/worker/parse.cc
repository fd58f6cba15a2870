// SPDX-License-Identifier: Apache-2.0
// The request, the sandbox, and the answer; what is in the files is for parse_column.h and
// parse_model.cc.
#include "server/worker/parse.h"

#include <unistd.h>

#include <cstddef>
#include <new>
#include <optional>
#include <span>
#include <utility>
#include <vector>

#include <nlohmann/json.hpp>

#include "absl/strings/escaping.h"
#include "absl/strings/str_cat.h"
#include "engine/base/descriptor.h"
#include "engine/base/failpoint.h"
#include "engine/base/sha256.h"
#include "engine/base/status.h"
#include "server/worker/parse_task.h"
#include "server/worker/sandbox.h"

namespace gradus::worker {
namespace {

using nlohmann::json;

constexpr int kRequest = 3;
constexpr size_t kMaxRequest = 4 << 20;

struct Request {
  SandboxLimits limits;
  uint64_t max_output = 0;
  size_t max_answer = 0;
  std::vector<FileTask> files;
  std::optional<std::string> model;  // the serialized definition, empty where the file has one
};

absl::StatusOr<Request> ReadRequest(std::string_view text) {
  try {
    const json object = json::parse(text);
    Request request;
    request.max_output = object.at("max_output").get<uint64_t>();
    request.max_answer = object.at("max_answer").get<size_t>();
    request.limits = {.memory_bytes = object.at("memory").get<int64_t>(),
                      .cpu_seconds = object.at("cpu_seconds").get<int64_t>(),
                      .file_bytes = object.at("max_output").get<int64_t>()};
    for (const json& file : object.at("files")) {
      request.files.push_back({.input = file.at("input").get<int>(),
                               .output = file.at("output").get<int>(),
                               .format = file.at("format").get<std::string>(),
                               .labels = file.at("labels").get<bool>()});
    }
    if (object.contains("model")) {
      const auto spec = object.at("model").at("spec").get<std::string>();
      if (!absl::Base64Unescape(spec, &request.model.emplace()) || request.files.size() != 1)
        return absl::InvalidArgumentError("request: no model can be read so");
    }
    return request;
  } catch (const json::exception& error) {
    return absl::InvalidArgumentError(absl::StrCat("request: ", error.what()));
  }
}

std::string ErrorAnswer(size_t file, const absl::Status& status) {
  const json answer = {{"error",
                        {{"file", file},
                         {"code", static_cast<int>(status.code())},
                         {"message", std::string(status.message())}}}};
  return answer.dump(-1, ' ', true, json::error_handler_t::replace);
}

std::string AnswerModel(const Request& request) {
  const FileTask& task = request.files.front();
  OutputFile output(task.output, request.max_output);
  const absl::StatusOr<json> model = ReadModel(task, *request.model, output);
  return model.ok() ? json{{"model", *model}}.dump() : ErrorAnswer(0, model.status());
}

std::string AnswerColumns(const Request& request) {
  json columns = json::array();
  uint64_t left = request.max_output;
  for (size_t i = 0; i < request.files.size(); ++i) {
    OutputFile output(request.files[i].output, left);
    absl::StatusOr<json> found = ReadColumns(request.files[i], output);
    if (!found.ok()) return ErrorAnswer(i, found.status());
    left = output.left();
    for (json& column : *found) {
      column["file"] = i;
      columns.push_back(std::move(column));
    }
  }
  return json{{"columns", std::move(columns)}}.dump();
}

std::string Answer(const Request& request) {
  std::string answer;
  try {
    answer = request.model.has_value() ? AnswerModel(request) : AnswerColumns(request);
  } catch (const std::bad_alloc&) {
    return ErrorAnswer(0, absl::InvalidArgumentError("reading it takes too much memory"));
  }
  if (answer.size() > request.max_answer) {
    return ErrorAnswer(0, absl::InvalidArgumentError(
                              "what it is made of cannot be told in a message: too many parts"));
  }
  FAILPOINT("worker.parse.before_answer");
  return answer;
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
  // OpenSSL reads its configuration for its first digest, which is not to be had in there.
  base::Sha256();
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
