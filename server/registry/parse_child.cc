// SPDX-License-Identifier: Apache-2.0
// The request to `gradus-worker parse` and its answer, which is believed no further than its form.
#include "server/registry/parse_child.h"

#include <fcntl.h>
#include <unistd.h>

#include <algorithm>
#include <utility>

#include <nlohmann/json.hpp>

#include "absl/cleanup/cleanup.h"
#include "absl/strings/str_cat.h"
#include "engine/base/descriptor.h"
#include "engine/base/mutex.h"
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
absl::StatusOr<std::vector<Descriptor>> OpenFiles(const std::vector<ParseInput>& inputs) {
  std::vector<Descriptor> files;
  for (const ParseInput& input : inputs) {
    ASSIGN_OR_RETURN(Descriptor in, OpenFile(input.input_path, O_RDONLY));
    ASSIGN_OR_RETURN(Descriptor out, OpenFile(input.output_path, O_WRONLY));
    files.push_back(std::move(in));
    files.push_back(std::move(out));
  }
  return files;
}

absl::StatusOr<ParsedColumn> DecodeColumn(const json& object) {
  ParsedColumn parsed;
  parsed.rows = object.at("rows").get<int64_t>();
  parsed.column.set_dtype(object.at("dtype").get<std::string>());
  for (const json& dimension : object.at("shape"))
    parsed.column.add_shape(dimension.get<int64_t>());
  for (const json& pair : object.at("label_counts")) {
    (*parsed.column.mutable_label_counts())[pair.at(0).get<int64_t>()] = pair.at(1).get<int64_t>();
  }
  return parsed;
}

// The child's word for what is wrong. Only codes that are about data or disk are passed on.
absl::Status DecodeError(const json& error, const std::vector<ParseInput>& inputs) {
  const size_t file = std::min(error.at("file").get<size_t>(), inputs.size() - 1);
  const auto code = static_cast<absl::StatusCode>(error.at("code").get<int>());
  const bool known = code == absl::StatusCode::kInvalidArgument ||
                     code == absl::StatusCode::kResourceExhausted ||
                     code == absl::StatusCode::kUnimplemented;
  return FileError(known ? code : absl::StatusCode::kInternal, file, inputs[file].file.name(),
                   error.at("message").get<std::string>().substr(0, 1024));
}

absl::StatusOr<std::vector<ParsedColumn>> DecodeAnswer(const std::string& text,
                                                       const std::vector<ParseInput>& inputs) {
  try {
    const json answer = json::parse(text);
    if (answer.contains("error")) return DecodeError(answer.at("error"), inputs);
    std::vector<ParsedColumn> columns;
    for (const json& column : answer.at("columns")) {
      ASSIGN_OR_RETURN(ParsedColumn parsed, DecodeColumn(column));
      columns.push_back(std::move(parsed));
    }
    if (columns.size() != inputs.size())
      return absl::InternalError("the parser answered for another number of files");
    return columns;
  } catch (const json::exception&) {
    return absl::InternalError("the parser's answer makes no sense");
  }
}

class ParseChild final : public Parser {
 public:
  ParseChild(base::Clock* clock, const ParseChildOptions& options)
      : clock_(clock), options_(options), free_(std::max(1, options.parallel)) {}

  absl::StatusOr<std::vector<ParsedColumn>> Parse(const std::vector<ParseInput>& inputs,
                                                  int64_t max_output) override {
    TakePlace();
    const absl::Cleanup give_back = [this] { GivePlace(); };
    ASSIGN_OR_RETURN(const std::vector<Descriptor> files, OpenFiles(inputs));
    ChildSpec spec{.program = options_.program, .argument = "parse", .request = {}, .fds = {}};
    int64_t bytes = max_output;
    for (const ParseInput& input : inputs) bytes += input.file.size();
    for (const Descriptor& file : files) spec.fds.push_back(file.get());
    spec.limit_micros = options_.base_micros + bytes / kBytesPerSecond * 1'000'000;
    spec.request = Request(inputs, max_output, spec.limit_micros);
    absl::StatusOr<std::string> answer = RunChild(*clock_, spec);
    if (!answer.ok()) return base::Annotate(answer.status(), "the process that parses uploads");
    return DecodeAnswer(*answer, inputs);
  }

 private:
  std::string Request(const std::vector<ParseInput>& inputs, int64_t max_output,
                      int64_t limit_micros) const {
    json files = json::array();
    int fd = kFirstChildFd;
    for (const ParseInput& input : inputs) {
      files.push_back({{"input", fd},
                       {"output", fd + 1},
                       {"format", v1::UploadFile::Format_Name(input.file.format())},
                       {"labels", input.file.column() != "x"}});
      fd += 2;
    }
    return json{{"memory", options_.memory_bytes},
                {"cpu_seconds", limit_micros / 1'000'000 + 1},
                {"max_output", max_output},
                {"files", std::move(files)}}
        .dump();
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
