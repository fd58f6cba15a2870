// SPDX-License-Identifier: Apache-2.0
#include "server/program.h"

#include <unistd.h>

#include <atomic>
#include <utility>
#include <vector>

#include "absl/strings/str_cat.h"
#include "engine/base/clock.h"
#include "engine/base/files.h"
#include "engine/base/log.h"
#include "engine/base/random.h"
#include "engine/base/status.h"
#include "engine/graph/graph.h"
#include "server/api/admin_service.h"
#include "server/api/dataset_service.h"
#include "server/api/inference_service.h"
#include "server/api/job_service.h"
#include "server/api/model_service.h"
#include "server/api/server.h"
#include "server/api/worker_service.h"
#include "server/auth/tls.h"
#include "server/auth/tokens.h"
#include "server/data_folder.h"
#include "server/events/event_log.h"
#include "server/executors/local.h"
#include "server/executors/slurm.h"
#include "server/exit_timer.h"
#include "server/jobs/jobs.h"
#include "server/registry/datasets.h"
#include "server/registry/models.h"
#include "server/registry/parse_child.h"
#include "server/registry/uploads.h"
#include "server/serving/pool.h"
#include "server/store/blobs.h"
#include "server/store/request_keys.h"
#include "server/store/store.h"
#include "server/upkeep.h"
#include "server/watched_files.h"

namespace gradus::server {
namespace {

constexpr int64_t kHour = int64_t{3600} * 1'000'000;
// Threads that read for watchers and store for ranks.
constexpr int kStreamThreads = 4;
// Others that read for predictions, so that many of these do not keep ranks waiting.
constexpr int kInferenceThreads = 2;
// What calls under way get to end by themselves once jobs are drained. All of it is taken where an
// idle client does not read our goodbye.
constexpr int64_t kShutdownMicros = 500'000;
// Then what still runs is left.
constexpr int64_t kLeaveMicros = 1'500'000;
constexpr int kFaultExit = 1;

// Nothing may be acknowledged after a failed write, so nothing more is done at all; the next start
// recovers.
[[noreturn]] void EndAtOnce(const absl::Status& fault) {
  base::LogError("the disk failed: gradusd ends at once, its next start recovers",
                 {{"error", fault}});
  _exit(kFaultExit);
}

// Where this machine's own programs reach a server that listens on `address`.
std::string LocalAddress(api::ListenAddress address) {
  if (address.host == "0.0.0.0") address.host = "127.0.0.1";
  if (address.host == "::") address.host = "::1";
  return address.Text();
}

class Gradusd final : public Program {
 public:
  explicit Gradusd(const Settings& settings) : settings_(settings) {}
  ~Gradusd() override {
    if (hub_ != nullptr) hub_->CloseAll();
    if (serving_ != nullptr) serving_->Close();
  }

  absl::Status OpenStores();
  absl::Status OpenRegistry();
  absl::Status StartJobs();
  absl::Status Listen();
  void StartUpkeep();

  std::string address() const override { return LocalAddress(server_->address()); }
  void Drain() override;

 private:
  graph::Limits ModelLimits() const { return {.max_params = settings_.max_params}; }
  absl::StatusOr<v1::Profile> WorkerProfile(store::Tx& tx, const executors::RankKey& key);
  std::vector<std::string> ServerHosts() const {
    return auth::ServerHosts(settings_.listen.host, settings_.advertise.host);
  }
  bool HasEnded(const std::string& job);
  absl::StatusOr<std::unique_ptr<executors::Executor>> MakeExecutor();
  void MakeServices();
  std::vector<Chore> Chores();

  const Settings settings_;
  WatchedFiles files_{base::RealFiles(), EndAtOnce};
  base::Clock& clock_ = base::RealClock();
  base::RandomSource& random_ = base::SystemRandom();

  std::unique_ptr<ExitTimer> exit_timer_;  // first: until all else is gone
  std::atomic<bool> draining_ = false;

  // In the order of their making; each needs some of those before it.
  std::unique_ptr<DataFolder> folder_;
  std::unique_ptr<auth::Authority> authority_;
  std::unique_ptr<store::Store> store_;
  std::unique_ptr<store::BlobStore> blobs_;
  std::unique_ptr<auth::Tokens> tokens_;
  std::unique_ptr<events::EventLog> events_;
  std::unique_ptr<registry::Datasets> datasets_;
  std::unique_ptr<registry::Parser> parser_;
  std::unique_ptr<registry::Models> models_;
  std::unique_ptr<registry::Uploads> uploads_;
  std::unique_ptr<executors::Executor> executor_;
  std::unique_ptr<jobs::Jobs> jobs_;

  std::unique_ptr<api::CallWatch> watch_;
  std::unique_ptr<api::RateLimiter> rate_;
  std::shared_ptr<api::Gate> gate_;
  std::unique_ptr<api::Frame> frame_;
  std::unique_ptr<api::SpecChecker> checker_;
  std::unique_ptr<api::StreamHub> hub_;
  std::unique_ptr<api::WorkPool> pool_;
  std::unique_ptr<api::WorkPool> inference_;
  std::unique_ptr<serving::Pool> serving_;
  std::vector<std::unique_ptr<grpc::Service>> services_;
  std::unique_ptr<api::Server> server_;
  std::unique_ptr<Upkeep> upkeep_;
};

absl::Status Gradusd::OpenStores() {
  ASSIGN_OR_RETURN(folder_, DataFolder::Open(files_, settings_.data_dir));
  // A port that is taken is told before any job is started.
  RETURN_IF_ERROR(api::ProbeListenAddress(settings_.listen));
  ASSIGN_OR_RETURN(authority_, auth::Authority::Open(files_, clock_, folder_->Path("tls")));
  RETURN_IF_ERROR(authority_->EnsureServerCertificate(ServerHosts()).status());
  ASSIGN_OR_RETURN(store_, store::Store::Open({.path = folder_->Path("gradus.db"),
                                               .files = &files_,
                                               .clock = &clock_,
                                               .on_fault = EndAtOnce}));
  ASSIGN_OR_RETURN(blobs_,
                   store::BlobStore::Open(store_.get(), &files_, &clock_, folder_->Path("blobs")));
  ASSIGN_OR_RETURN(tokens_, auth::Tokens::Load(*store_, clock_, random_));
  events_ = std::make_unique<events::EventLog>(store_.get(), &clock_);
  return absl::OkStatus();
}

absl::Status Gradusd::OpenRegistry() {
  datasets_ = std::make_unique<registry::Datasets>(store_.get(), &clock_, jobs::DatasetInUse);
  models_ = std::make_unique<registry::Models>(
      store_.get(), blobs_.get(), &clock_,
      [limits = ModelLimits()](const v1::ModelSpec& spec) -> absl::StatusOr<v1::ModelSummary> {
        ASSIGN_OR_RETURN(const graph::Graph graph, graph::Graph::Create(spec, limits));
        return graph.Summary();
      });
  parser_ = registry::NewParseChild(&clock_, {.program = settings_.worker_program});
  ASSIGN_OR_RETURN(uploads_, registry::Uploads::Open({.store = store_.get(),
                                                      .blobs = blobs_.get(),
                                                      .datasets = datasets_.get(),
                                                      .models = models_.get(),
                                                      .parser = parser_.get(),
                                                      .files = &files_,
                                                      .clock = &clock_,
                                                      .random = &random_},
                                                     {.dir = folder_->Path("uploads"),
                                                      .max_upload = settings_.max_upload_bytes}));
  return absl::OkStatus();
}

absl::StatusOr<std::unique_ptr<executors::Executor>> Gradusd::MakeExecutor() {
  if (!settings_.on_slurm)
    return executors::MakeLocalExecutor(
        {.program = settings_.worker_program, .store_id = store_->id()});
  return executors::MakeSlurmExecutor({.place = {.config = settings_.slurm,
                                                 .store_id = store_->id(),
                                                 .network = settings_.worker_network,
                                                 .cache_bytes = settings_.node_cache_bytes}});
}

absl::Status Gradusd::StartJobs() {
  ASSIGN_OR_RETURN(executor_, MakeExecutor());
  jobs::JobsParts parts{.store = store_.get(),
                        .blobs = blobs_.get(),
                        .events = events_.get(),
                        .executor = executor_.get(),
                        .files = &files_,
                        .clock = &clock_,
                        .random = &random_};
  parts.issue_profile = [this](store::Tx& tx, const executors::RankKey& key) {
    return WorkerProfile(tx, key);
  };
  parts.publish = [this](store::Tx& tx, const v1::Job& job, const v1::RankFinished& finished) {
    return models_->Publish(tx, job, finished);
  };
  jobs::JobsOptions options{.cpus = settings_.cpus,
                            .memory_bytes = settings_.memory_bytes,
                            .max_open_jobs = settings_.max_open_jobs,
                            .worker_grace_micros = settings_.worker_grace_micros,
                            .max_attempts = settings_.max_attempts,
                            .attempts_dir = folder_->Path("attempts"),
                            .endpoint_file = folder_->endpoint_path()};
  ASSIGN_OR_RETURN(jobs_, jobs::Jobs::Start(parts, options));
  return absl::OkStatus();
}

absl::StatusOr<v1::Profile> Gradusd::WorkerProfile(store::Tx& tx, const executors::RankKey& key) {
  v1::Profile profile;
  // Where it listens now stands in the endpoint file, which a rank of this machine reads before
  // each connection.
  profile.set_server(LocalAddress(settings_.advertise));
  profile.set_ca_pem(authority_->ca_pem());
  ASSIGN_OR_RETURN(auth::Identity identity,
                   authority_->IssueClient(absl::StrCat("rank ", key.job, "-", key.attempt)));
  profile.set_client_cert_pem(std::move(identity.cert_pem));
  profile.set_client_key_pem(std::move(identity.key_pem));
  ASSIGN_OR_RETURN(*profile.mutable_token(), tokens_->IssueForAttempt(tx, key.job, key.attempt));
  return profile;
}

void Gradusd::MakeServices() {
  watch_ = std::make_unique<api::CallWatch>(clock_);
  rate_ = std::make_unique<api::RateLimiter>(clock_, settings_.writes);
  gate_ = std::make_shared<api::Gate>(*tokens_);
  const api::Owners owners{
      .job = [this](const std::string& id) { return jobs_->OwnerOf(id); },
      .upload = [this](const std::string& id) { return uploads_->OwnerOf(id); },
      .dataset = [this](const std::string& name) { return datasets_->OwnerOf(name); },
      .model = [this](const std::string& ref) { return models_->OwnerOf(ref); }};
  frame_ = std::make_unique<api::Frame>(*gate_, owners, *rate_, *watch_, clock_);
  const graph::JobLimits limits{.model = ModelLimits(),
                                .cores = static_cast<int>(settings_.cpus.size()),
                                .memory = static_cast<uint64_t>(settings_.memory_bytes),
                                .one_machine = executor_->is_local()};
  const api::SpecSources sources{
      .dataset = [this](const std::string& name) { return datasets_->Get(name); },
      .model = [this](const std::string& ref) { return models_->Get(ref); },
      .job = [this](const std::string& id) { return jobs_->Get(id); }};
  checker_ = std::make_unique<api::SpecChecker>(limits, sources, random_);
  hub_ = std::make_unique<api::StreamHub>();
  pool_ = std::make_unique<api::WorkPool>(kStreamThreads);
  inference_ = std::make_unique<api::WorkPool>(kInferenceThreads);
  serving_ = serving::Pool::Start(&clock_, {.program = settings_.worker_program,
                                            .blob_dir = blobs_->dir(),
                                            .memory_bytes = settings_.prediction_memory_bytes,
                                            .idle_micros = settings_.prediction_idle_micros});
  const api::StreamParts streams{
      .frame = frame_.get(), .log = events_.get(), .pool = pool_.get(), .hub = hub_.get()};
  services_.push_back(
      std::make_unique<api::JobService>(streams, *jobs_, *checker_, registry::Datasets::Unchanged));
  services_.push_back(std::make_unique<api::WorkerService>(streams, *jobs_, *blobs_));
  services_.push_back(std::make_unique<api::DatasetService>(*frame_, *datasets_, *uploads_));
  services_.push_back(std::make_unique<api::ModelService>(*frame_, *models_, *uploads_));
  services_.push_back(std::make_unique<api::AdminService>(*frame_, GRADUS_VERSION));
  services_.push_back(std::make_unique<api::InferenceService>(
      api::InferenceParts{.frame = frame_.get(),
                          .watch = watch_.get(),
                          .work = inference_.get(),
                          .models = models_.get(),
                          .pool = serving_.get(),
                          .version = GRADUS_VERSION,
                          .ready = [this] { return !draining_; }}));
}

absl::Status Gradusd::Listen() {
  MakeServices();
  std::vector<grpc::Service*> services;
  for (const auto& service : services_) services.push_back(service.get());
  ASSIGN_OR_RETURN(server_, api::Server::Start({.listen = settings_.listen,
                                                .ca_path = authority_->ca_path(),
                                                .cert_path = authority_->server_cert_path(),
                                                .key_path = authority_->server_key_path(),
                                                .require_client_certificate =
                                                    !auth::IsLoopback(settings_.listen.host)},
                                               gate_, *watch_, services));
  RETURN_IF_ERROR(folder_->EnsureAdminProfile(address(), *authority_, *tokens_, clock_));
  // Last: who finds the endpoint finds the profile, too.
  return folder_->WriteEndpoint(address());
}

bool Gradusd::HasEnded(const std::string& job) {
  const absl::StatusOr<v1::Job> found = jobs_->Get(job);
  return found.ok() ? found->has_finished_at() : absl::IsNotFound(found.status());
}

std::vector<Chore> Gradusd::Chores() {
  return {
      {"models", [this] { return models_->RemoveUnretained().status(); }},
      {"blobs", [this] { return blobs_->Collect().status(); }},
      {"uploads", [this] { return uploads_->RemoveAbandoned().status(); }},
      {"tokens",
       [this] { return tokens_->Tidy([this](const std::string& job) { return HasEnded(job); }); }},
      {"request keys",
       [this] { return store::ForgetOldAnswers(*store_, clock_.NowMicros()).status(); }},
      {"certificate",
       [this] { return authority_->EnsureServerCertificate(ServerHosts()).status(); }},
      {"admin profile",
       [this] { return folder_->EnsureAdminProfile(address(), *authority_, *tokens_, clock_); }},
  };
}

void Gradusd::StartUpkeep() { upkeep_ = std::make_unique<Upkeep>(clock_, kHour, Chores()); }

void Gradusd::Drain() {
  draining_ = true;
  server_->SetServing(false);
  jobs_->Drain(clock_.MonotonicMicros() + settings_.drain_micros);
  exit_timer_ = std::make_unique<ExitTimer>(clock_, kLeaveMicros);
  upkeep_.reset();
  hub_->CloseAll();
  serving_->Close();
  server_->Shutdown(kShutdownMicros);
}

}  // namespace

absl::StatusOr<std::unique_ptr<Program>> Program::Start(const Settings& settings) {
  auto program = std::make_unique<Gradusd>(settings);
  RETURN_IF_ERROR(program->OpenStores());
  RETURN_IF_ERROR(program->OpenRegistry());
  RETURN_IF_ERROR(program->StartJobs());
  RETURN_IF_ERROR(program->Listen());
  program->StartUpkeep();
  return program;
}

}  // namespace gradus::server
