// SPDX-License-Identifier: Apache-2.0
#include "tests/support/stored_server.h"

#include <utility>
#include <vector>

#include "engine/base/file_ops.h"
#include "engine/base/random.h"
#include "engine/base/sha256.h"
#include "engine/base/status.h"
#include "engine/formats/weights_index.h"

namespace gradus::test_support {
namespace {

std::string InData(const char* name) { return base::JoinPath(StoredServer::kDir, name); }

// Takes the bytes as they are.
class CopyingParser final : public registry::Parser {
 public:
  explicit CopyingParser(base::Files& files) : files_(files) {}

  absl::StatusOr<std::vector<registry::ParsedColumn>> Parse(
      const std::vector<registry::ParseInput>& inputs, int64_t max_output) override {
    std::vector<registry::ParsedColumn> columns;
    for (const registry::ParseInput& input : inputs) {
      ASSIGN_OR_RETURN(const std::string bytes,
                       base::ReadFile(files_, input.input_path, static_cast<size_t>(max_output)));
      ASSIGN_OR_RETURN(const std::unique_ptr<base::File> output,
                       files_.OpenWrite(input.output_path, {}));
      RETURN_IF_ERROR(output->Append(base::AsBytes(bytes)));
      registry::ParsedColumn& parsed = columns.emplace_back();
      parsed.file = columns.size() - 1;
      const bool is_x = input.file.column() == "x";
      parsed.rows = static_cast<int64_t>(bytes.size()) / (is_x ? 4 : 1);
      parsed.column.set_dtype("U8");
      if (is_x) parsed.column.add_shape(4);
    }
    return columns;
  }

  absl::StatusOr<registry::ParsedModel> ParseModel(const registry::ParseInput& input,
                                                   const v1::ModelSpec& spec,
                                                   int64_t max_output) override {
    ASSIGN_OR_RETURN(const std::string bytes,
                     base::ReadFile(files_, input.input_path, static_cast<size_t>(max_output)));
    ASSIGN_OR_RETURN(const std::unique_ptr<base::File> output,
                     files_.OpenWrite(input.output_path, {}));
    RETURN_IF_ERROR(output->Append(base::AsBytes(bytes)));
    std::vector<v1::WeightsTensor> tensors;
    for (const char* name : {"first/kernel", "second/kernel"}) {
      tensors.emplace_back().set_name(name);
      tensors.back().add_shape(static_cast<int64_t>(bytes.size() / 2 / sizeof(float)));
    }
    registry::ParsedModel model;
    model.spec = spec;
    model.weights = formats::CutWeights(std::move(tensors));
    model.weights_sha256 = base::Sha256Hex(std::string_view(bytes));
    return model;
  }

 private:
  base::Files& files_;
};

}  // namespace

absl::StatusOr<std::unique_ptr<StoredServer>> StoredServer::Start(base::Files& files,
                                                                  FakeClock& clock,
                                                                  FakeExecutor& executor) {
  std::unique_ptr<StoredServer> server(new StoredServer(files, clock, executor));
  RETURN_IF_ERROR(server->OpenStores());
  RETURN_IF_ERROR(server->OpenRegistry());
  RETURN_IF_ERROR(server->StartJobs());
  return server;
}

absl::Status StoredServer::OpenStores() {
  RETURN_IF_ERROR(base::MakeDirs(files(), kDir));
  RETURN_IF_ERROR(files().SyncDir(base::ParentOf(kDir)));
  ASSIGN_OR_RETURN(store_,
                   store::Store::Open({.path = InData("gradus.db"),
                                       .files = &files(),
                                       .clock = &clock_,
                                       .readers = 1,
                                       .on_fault = [this](const absl::Status&) { ++faults_; }}));
  ASSIGN_OR_RETURN(blobs_,
                   store::BlobStore::Open(store_.get(), &files(), &clock_, InData("blobs")));
  ASSIGN_OR_RETURN(tokens_, auth::Tokens::Load(*store_, clock_, base::SystemRandom()));
  events_ = std::make_unique<events::EventLog>(store_.get(), &clock_);
  return absl::OkStatus();
}

absl::Status StoredServer::OpenRegistry() {
  datasets_ = std::make_unique<registry::Datasets>(store_.get(), &clock_, jobs::DatasetInUse);
  parser_ = std::make_unique<CopyingParser>(files());
  models_ = std::make_unique<registry::Models>(
      store_.get(), blobs_.get(), &clock_,
      [](const v1::ModelSpec& spec) -> absl::StatusOr<v1::ModelSummary> {
        v1::ModelSummary summary;
        for (const v1::Layer& layer : spec.layers()) summary.add_layers()->set_name(layer.name());
        return summary;
      });
  ASSIGN_OR_RETURN(uploads_, registry::Uploads::Open({.store = store_.get(),
                                                      .blobs = blobs_.get(),
                                                      .datasets = datasets_.get(),
                                                      .models = models_.get(),
                                                      .parser = parser_.get(),
                                                      .files = &files(),
                                                      .clock = &clock_,
                                                      .random = &base::SystemRandom()},
                                                     {.dir = InData("uploads")}));
  return absl::OkStatus();
}

absl::Status StoredServer::StartJobs() {
  jobs::JobsParts parts{.store = store_.get(),
                        .blobs = blobs_.get(),
                        .events = events_.get(),
                        .executor = &executor_,
                        .files = &files(),
                        .clock = &clock_,
                        .random = &base::SystemRandom()};
  parts.issue_profile = [this](store::Tx& tx,
                               const executors::RankKey& key) -> absl::StatusOr<v1::Profile> {
    v1::Profile profile;
    ASSIGN_OR_RETURN(*profile.mutable_token(), tokens_->IssueForAttempt(tx, key.job, key.attempt));
    return profile;
  };
  parts.publish = [this](store::Tx& tx, const v1::Job& job, const v1::RankFinished& finished) {
    return models_->Publish(tx, job, finished);
  };
  ASSIGN_OR_RETURN(jobs_, jobs::Jobs::Start(parts, {.cpus = {0, 1},
                                                    .memory_bytes = int64_t{1} << 30,
                                                    .attempts_dir = InData("attempts"),
                                                    .endpoint_file = InData("endpoint")}));
  return absl::OkStatus();
}

}  // namespace gradus::test_support
