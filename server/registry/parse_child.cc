// SPDX-License-Identifier: Apache-2.0
// The request to `gradus-worker parse` and its answer, which is believed no further than its form.
#include "server/registry/parse_child.h"

#include <fcntl.h>
#include <unistd.h>

#include <algorithm>
#include <span>
#include <utility>

#include <nlohmann/json.hpp>

#include "absl/cleanup/cleanup.h"
#include "absl/strings/escaping.h"
#include "absl/strings/str_cat.h"
#include "engine/base/descriptor.h"
#include "engine/base/mutex.h"
#include "engine/base/sha256.h"
#include "engine/base/status.h"
#include "server/registry/child_process.h"
#include "server/registry/file_error.h"

namespace gradus::registry {
namespace {

using base::Descriptor;
using nlohmann::json;

constexpr int64_t kBytesPerSecond = 8 << 20;

absl::StatusOr<Descriptor> OpenFile(const std::string& path, int flags) {
  Descriptor file(
      base::RetryOnInterrupt([&] { return ::open(path.c_str(), flags | O_CLOEXEC | O_NOFOLLOW); }));
  if (!file.valid()) return base::ErrnoStatus(errno, path);
  return file;
}

// Pairs of input and output, in the order of `inputs`.
absl::StatusOr<std::vector<Descriptor>> OpenFiles(std::span<const ParseInput> inputs) {
  std::vector<Descriptor> files;
  for (const ParseInput& input : inputs) {
    ASSIGN_OR_RETURN(Descriptor in, OpenFile(input.input_path, O_RDONLY));
    ASSIGN_OR_RETURN(Descriptor out, OpenFile(input.output_path, O_WRONLY));
    files.push_back(std::move(in));
    files.push_back(std::move(out));
  }
  return files;
}

ParsedColumn DecodeColumn(const json& object) {
  ParsedColumn parsed;
  parsed.file = object.at("file").get<size_t>();
  parsed.rows = object.at("rows").get<int64_t>();
  parsed.column.set_name(object.at("name").get<std::string>());
  parsed.column.set_dtype(object.at("dtype").get<std::string>());
  for (const json& dimension : object.at("shape"))
    parsed.column.add_shape(dimension.get<int64_t>());
  for (const json& pair : object.at("label_counts")) {
    (*parsed.column.mutable_label_counts())[pair.at(0).get<int64_t>()] = pair.at(1).get<int64_t>();
  }
  return parsed;
}

// A message that travels inside of JSON.
template <typename Message>
absl::Status DecodeMessage(const json& text, Message* message) {
  std::string bytes;
  if (!absl::Base64Unescape(text.get<std::string>(), &bytes) || !message->ParseFromString(bytes))
    return Nonsense();
  return absl::OkStatus();
}

absl::StatusOr<ParsedModel> DecodeModel(const json& object) {
  ParsedModel parsed;
  RETURN_IF_ERROR(DecodeMessage(object.at("spec"), &parsed.spec));
  RETURN_IF_ERROR(DecodeMessage(object.at("weights"), &parsed.weights));
  parsed.weights_sha256 = object.at("weights_sha256").get<std::string>();
  return base::ParseSha256(parsed.weights_sha256).ok() ? absl::StatusOr<ParsedModel>(parsed)
                                                       : Nonsense();
}

// The child's word for what is wrong. Only codes that are about data or disk are passed on.
struct ChildError {
  size_t file = 0;
  absl::StatusCode code = absl::StatusCode::kInternal;
  std::string message;
};

ChildError DecodeError(const json& error) {
  const auto code = static_cast<absl::StatusCode>(error.at("code").get<int>());
  const bool known = code == absl::StatusCode::kInvalidArgument ||
                     code == absl::StatusCode::kResourceExhausted ||
                     code == absl::StatusCode::kUnimplemented;
  return {error.at("file").get<size_t>(), known ? code : absl::StatusCode::kInternal,
          error.at("message").get<std::string>().substr(0, 1024)};
}

absl::StatusOr<std::vector<ParsedColumn>> DecodeColumns(const json& answer,
                                                        std::span<const ParseInput> inputs) {
  if (answer.contains("error")) {
    const ChildError error = DecodeError(answer.at("error"));
    const size_t file = std::min(error.file, inputs.size() - 1);
    return FileError(error.code, file, inputs[file].file.name(), error.message);
  }
  std::vector<ParsedColumn> columns;
  for (const json& column : answer.at("columns")) columns.push_back(DecodeColumn(column));
  return columns;
}

class ParseChild final : public Parser {
 public:
  ParseChild(base::Clock* clock, const ParseChildOptions& options)
      : clock_(clock), options_(options), free_(std::max(1, options.parallel)) {}

  absl::StatusOr<std::vector<ParsedColumn>> Parse(const std::vector<ParseInput>& inputs,
                                                  int64_t max_output) override {
    ASSIGN_OR_RETURN(const std::string text, Ask(inputs, {}, options_.memory_bytes, max_output));
    try {
      return DecodeColumns(json::parse(text), inputs);
    } catch (const json::exception&) {
      return Nonsense();
    }
  }

  absl::StatusOr<ParsedModel> ParseModel(const ParseInput& input, const v1::ModelSpec& spec,
                                         int64_t max_output) override {
    // A graph is read as a whole, and its weights are turned into ours beside it.
    const bool whole = input.file.format() == v1::UploadFile::ONNX;
    const int64_t memory = options_.memory_bytes + (whole ? 10 * input.file.size() : 0);
    const json model = {{"spec", absl::Base64Escape(spec.SerializeAsString())}};
    ASSIGN_OR_RETURN(const std::string text, Ask(std::span(&input, 1), model, memory, max_output));
    try {
      const json answer = json::parse(text);
      if (answer.contains("model")) return DecodeModel(answer.at("model"));
      const ChildError error = DecodeError(answer.at("error"));
      return FileError(error.code, input.file.name(), error.message);
    } catch (const json::exception&) {
      return Nonsense();
    }
  }

 private:
  // One question to one child. `model`: null, or what is asked for.
  absl::StatusOr<std::string> Ask(std::span<const ParseInput> inputs, const json& model,
                                  int64_t memory, int64_t max_output) {
    TakePlace();
    const absl::Cleanup give_back = [this] { GivePlace(); };
    ASSIGN_OR_RETURN(const std::vector<Descriptor> files, OpenFiles(inputs));
    ChildSpec spec{.program = options_.program, .argument = "parse", .request = {}, .fds = {}};
    int64_t bytes = max_output;
    for (const ParseInput& input : inputs) bytes += input.file.size();
    for (const Descriptor& file : files) spec.fds.push_back(file.get());
    spec.limit_micros = options_.base_micros + bytes / kBytesPerSecond * 1'000'000;
    json request = {{"memory", memory},
                    {"cpu_seconds", spec.limit_micros / 1'000'000 + 1},
                    {"max_output", max_output},
                    {"max_answer", spec.max_answer},
                    {"files", Describe(inputs)}};
    if (!model.is_null()) request["model"] = model;
    spec.request = request.dump();
    absl::StatusOr<std::string> answer = RunChild(*clock_, spec);
    if (!answer.ok()) return base::Annotate(answer.status(), "the process that parses uploads");
    return answer;
  }

  static json Describe(std::span<const ParseInput> inputs) {
    json files = json::array();
    int fd = kFirstChildFd;
    for (const ParseInput& input : inputs) {
      files.push_back({{"input", fd},
                       {"output", fd + 1},
                       {"format", v1::UploadFile::Format_Name(input.file.format())},
                       {"labels", input.file.column() != "x"}});
      fd += 2;
    }
    return files;
  }

  void TakePlace() {
    base::MutexLock lock(mu_);
    place_free_.Wait(mu_, [this]() ABSL_EXCLUSIVE_LOCKS_REQUIRED(mu_) { return free_ > 0; });
    --free_;
  }
  void GivePlace() {
    base::MutexLock lock(mu_);
    ++free_;
    place_free_.Signal();
  }

  base::Clock* const clock_;
  const ParseChildOptions options_;
  base::Mutex mu_;
  base::CondVar place_free_;
  int free_ ABSL_GUARDED_BY(mu_);
};

}  // namespace

std::unique_ptr<Parser> NewParseChild(base::Clock* clock, const ParseChildOptions& options) {
  return std::make_unique<ParseChild>(clock, options);
}

}  // namespace gradus::registry
