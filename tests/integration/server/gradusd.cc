// SPDX-License-Identifier: Apache-2.0
#include "tests/integration/server/gradusd.h"

#include <fcntl.h>
#include <spawn.h>
#include <sys/wait.h>
#include <unistd.h>

#include <chrono>
#include <csignal>
#include <filesystem>
#include <thread>

#include "absl/strings/ascii.h"
#include "absl/strings/match.h"
#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_split.h"
#include "engine/base/file_ops.h"
#include "engine/base/random.h"
#include "engine/base/status.h"
#include "gtest/gtest.h"
#include "server/auth/profile.h"
#include "server/auth/tokens.h"
#include "server/registry/datasets.h"
#include "server/store/blobs.h"
#include "server/store/store.h"
#include "server/store/verify.h"

extern char** environ;

namespace gradus::test {
namespace {

using std::chrono::steady_clock;
constexpr auto kPatience = std::chrono::seconds(20);
constexpr int kRows = 100;

// Until `condition` holds or patience ends; a short nap between two looks at another process.
template <typename Condition>
bool Eventually(Condition condition, std::chrono::seconds patience = kPatience) {
  const auto end = steady_clock::now() + patience;
  while (!condition()) {
    if (steady_clock::now() > end) return false;
    std::this_thread::sleep_for(std::chrono::milliseconds(5));
  }
  return true;
}

v1::Column MakeColumn(const std::string& name, std::vector<int64_t> shape,
                      const v1::BlobRef& blob) {
  v1::Column column;
  column.set_name(name);
  column.set_dtype("U8");
  for (const int64_t dimension : shape) column.add_shape(dimension);
  *column.mutable_blob() = blob;
  return column;
}

absl::Status AddTinyDataset(store::Store& store, store::BlobStore& blobs) {
  std::string x, y;
  for (int row = 0; row < kRows; ++row) {
    for (int i = 0; i < 4; ++i)
      x.push_back(static_cast<char>(row % 2 == 0 ? 10 * i : 255 - 10 * i));
    y.push_back(static_cast<char>(row % 2));
  }
  ASSIGN_OR_RETURN(const v1::BlobRef x_blob, blobs.Put(base::AsBytes(x)));
  ASSIGN_OR_RETURN(const v1::BlobRef y_blob, blobs.Put(base::AsBytes(y)));
  v1::Dataset tiny;
  tiny.set_name("tiny");
  tiny.set_owner("ann");
  v1::Split& split = *tiny.add_splits();
  split.set_name("train");
  split.set_rows(kRows);
  *split.add_columns() = MakeColumn("x", {4}, x_blob);
  *split.add_columns() = MakeColumn("y", {}, y_blob);
  for (int64_t label = 0; label < 2; ++label)
    (*split.mutable_columns(1)->mutable_label_counts())[label] = kRows / 2;
  registry::Datasets datasets(&store, &base::RealClock(), nullptr);
  return store.Write([&](store::Tx& tx) { return datasets.Add(tx, tiny).status(); });
}

std::string Program(const std::string& name) { return base::JoinPath(GRADUS_BIN_DIR, name); }

// This process's variables but for those that are set anew.
std::vector<std::string> Variables(Environment environment, const std::string& stub) {
  environment.emplace("GRADUS_WORKER_STUB", stub);
  std::vector<std::string> variables;
  for (char** entry = environ; *entry != nullptr; ++entry) {
    const std::string variable = *entry;
    if (!environment.contains(variable.substr(0, variable.find('='))))
      variables.push_back(variable);
  }
  for (const auto& [name, value] : environment) variables.push_back(absl::StrCat(name, "=", value));
  return variables;
}

// As exec takes them.
std::vector<char*> Pointers(const std::vector<std::string>& words) {
  std::vector<char*> pointers;
  for (const std::string& word : words) pointers.push_back(const_cast<char*>(word.c_str()));
  pointers.push_back(nullptr);
  return pointers;
}

// The log lies beside the data: what is done to the data's files must not silence it.
std::string LogOf(const std::string& data_dir) {
  return base::JoinPath(base::ParentOf(data_dir), "log");
}

}  // namespace

Gradusd::Gradusd(const GradusdOptions& options) : options_(options), path_(own_ / "data") {
  EXPECT_TRUE(base::RealFiles().MakeDir(path_).ok());
  if (options_.prepared) Prepare();
  WriteSettings();
}

Gradusd::Gradusd(const Gradusd& other, const GradusdOptions& options)
    : options_(options), path_(other.path_), tokens_(other.tokens_) {
  WriteSettings();
}

Gradusd::~Gradusd() {
  Kill();
  KillRanks();
}

void Gradusd::Prepare() {
  base::Files& files = base::RealFiles();
  auto store = store::Store::Open(
      {.path = *this / "gradus.db", .files = &files, .clock = &base::RealClock()});
  ASSERT_TRUE(store.ok()) << store.status();
  auto blobs = store::BlobStore::Open(store->get(), &files, &base::RealClock(), *this / "blobs");
  ASSERT_TRUE(blobs.ok()) << blobs.status();
  const absl::Status added = AddTinyDataset(**store, **blobs);
  ASSERT_TRUE(added.ok()) << added;
  auto tokens = auth::Tokens::Load(**store, base::RealClock(), base::SystemRandom());
  ASSERT_TRUE(tokens.ok()) << tokens.status();
  for (const char* user : {"ann", "bob"}) {
    tokens_[user] = (*tokens)->Issue(user, auth::Role::kUser, auth::kMicrosPerDay).value();
  }
}

void Gradusd::WriteSettings() {
  const std::string settings =
      absl::StrCat("worker_program: ", Program(options_.worker), "\n", options_.settings, "\n");
  ASSERT_TRUE(base::WriteFileAtomically(base::RealFiles(), *this / "settings.yaml", settings).ok());
}

void Gradusd::Spawn(const Environment& environment) {
  const std::vector<std::string> words = {
      Program("gradusd"), "--data-dir",           dir(), "--listen", options_.listen,
      "--config",         *this / "settings.yaml"};
  const std::vector<std::string> variables = Variables(environment, options_.stub);
  const std::string log = LogOf(path_);
  posix_spawn_file_actions_t actions;
  posix_spawn_file_actions_init(&actions);
  posix_spawn_file_actions_addopen(&actions, STDERR_FILENO, log.c_str(),
                                   O_WRONLY | O_CREAT | O_APPEND, 0600);
  ASSERT_EQ(posix_spawn(&pid_, words[0].c_str(), &actions, nullptr, Pointers(words).data(),
                        Pointers(variables).data()),
            0);
  posix_spawn_file_actions_destroy(&actions);
}

bool Gradusd::TryStart(const Environment& environment) {
  const std::string endpoint = *this / "endpoint";
  unlink(endpoint.c_str());
  Spawn(environment);
  EXPECT_TRUE(Eventually([&] { return access(endpoint.c_str(), F_OK) == 0 || HasEnded(); }));
  if (access(endpoint.c_str(), F_OK) != 0) return false;
  tokens_["admin"] = AdminProfile().token();
  channel_ = Connect();
  jobs_ = v1::JobService::NewStub(channel_);
  admin_ = v1::AdminService::NewStub(channel_);
  return true;
}

// A rank works in a folder below its server's.
void Gradusd::KillRanks() const {
  std::error_code error;
  for (const auto& process : std::filesystem::directory_iterator("/proc", error)) {
    pid_t pid = 0;
    if (!absl::SimpleAtoi(process.path().filename().string(), &pid)) continue;
    const std::string cwd = std::filesystem::read_symlink(process.path() / "cwd", error).string();
    if (absl::StartsWith(cwd, own_.path() + "/")) kill(pid, SIGKILL);
  }
}

void Gradusd::Start() { ASSERT_TRUE(TryStart()) << Log(); }

bool Gradusd::HasEnded() {
  int status = 0;
  if (pid_ > 0 && waitpid(pid_, &status, WNOHANG) == pid_) {
    pid_ = 0;
    ending_ = WIFEXITED(status) ? WEXITSTATUS(status) : -1;
  }
  return pid_ == 0;
}

int Gradusd::Await() {
  return Eventually([&] { return HasEnded(); }) ? ending_ : -2;
}

int Gradusd::Stop() {
  if (pid_ > 0) kill(pid_, SIGTERM);
  return Await();
}

void Gradusd::Kill() {
  if (pid_ <= 0) return;
  kill(pid_, SIGKILL);
  waitpid(pid_, nullptr, 0);
  pid_ = 0;
  ending_ = -1;
}

std::string Gradusd::Log() const {
  return base::ReadFile(base::RealFiles(), LogOf(path_), 64 << 20).value_or("");
}

std::vector<std::string> Gradusd::Verify() const {
  base::Files& files = base::RealFiles();
  const auto store = store::Store::Open(
      {.path = *this / "gradus.db", .files = &files, .clock = &base::RealClock()});
  if (!store.ok()) return {store.status().ToString()};
  const auto blobs =
      store::BlobStore::Open(store->get(), &files, &base::RealClock(), *this / "blobs");
  if (!blobs.ok()) return {blobs.status().ToString()};
  const auto findings = store::Verify(**store, **blobs);
  return findings.ok() ? *findings : std::vector<std::string>{findings.status().ToString()};
}

int64_t Gradusd::Calls(const std::string& method, const std::string& user,
                       const std::string& code) const {
  const std::string log = Log();
  int64_t calls = 0;
  for (const absl::string_view line : absl::StrSplit(log, '\n')) {
    calls += absl::StrContains(line, absl::StrCat("/", method, "\"")) &&
             absl::StrContains(line, absl::StrCat("\"user\":\"", user, "\"")) &&
             absl::StrContains(line, absl::StrCat("\"code\":\"", code, "\""));
  }
  return calls;
}

v1::Profile Gradusd::AdminProfile() const {
  const auto profile = auth::ReadProfile(base::RealFiles(), *this / "admin.profile");
  EXPECT_TRUE(profile.ok()) << profile.status();
  return profile.value_or(v1::Profile());
}

std::string Gradusd::TokenOf(const std::string& user) const { return tokens_.at(user); }

v1::Profile Gradusd::ProfileOf(const std::string& user) const {
  v1::Profile profile = AdminProfile();
  profile.set_token(TokenOf(user));
  return profile;
}

std::shared_ptr<grpc::Channel> Gradusd::Connect(const grpc::ChannelArguments& arguments,
                                                const std::string& address) const {
  const v1::Profile profile = AdminProfile();
  grpc::ChannelArguments own = arguments;
  own.SetInt(GRPC_ARG_USE_LOCAL_SUBCHANNEL_POOL, 1);
  const grpc::SslCredentialsOptions tls{profile.ca_pem(), profile.client_key_pem(),
                                        profile.client_cert_pem()};
  return grpc::CreateCustomChannel(address.empty() ? profile.server() : address,
                                   grpc::SslCredentials(tls), own);
}

Context::Context(const std::string& token) {
  AddMetadata("authorization", absl::StrCat("Bearer ", token));
  set_deadline(std::chrono::system_clock::now() + std::chrono::seconds(60));
}

v1::JobSpec TinyJob(const std::string& name) {
  v1::JobSpec spec;
  spec.set_name(name);
  spec.mutable_model()->add_input_shape(4);
  v1::Layer& dense = *spec.mutable_model()->add_layers();
  dense.mutable_dense()->set_units(2);
  dense.mutable_dense()->mutable_activation()->mutable_softmax();
  spec.mutable_data()->mutable_train()->set_dataset("tiny");
  spec.mutable_loss()->mutable_sparse_categorical_crossentropy();
  spec.mutable_fit()->set_epochs(1);
  spec.mutable_fit()->set_batch_size(20);
  spec.mutable_resources()->set_cores(1);
  return spec;
}

std::string Submit(Gradusd& server, const std::string& user, const std::string& request_id,
                   const v1::JobSpec& spec) {
  Context context(server.TokenOf(user));
  v1::SubmitJobRequest request;
  request.set_request_id(request_id);
  *request.mutable_spec() = spec;
  v1::SubmitJobResponse response;
  const grpc::Status status = server.jobs().SubmitJob(&context, request, &response);
  EXPECT_TRUE(status.ok()) << status.error_message();
  return response.job().id();
}

v1::Job AwaitState(Gradusd& server, const std::string& id,
                   const std::vector<v1::Job::State>& states) {
  v1::Job job;
  Eventually(
      [&] {
        Context context(server.TokenOf("admin"));
        v1::GetJobResponse response;
        const grpc::Status status =
            server.jobs().GetJob(&context, ForJob<v1::GetJobRequest>(id), &response);
        EXPECT_TRUE(status.ok()) << status.error_message();
        job = response.job();
        return !status.ok() || std::find(states.begin(), states.end(), job.state()) != states.end();
      },
      std::chrono::seconds(60));
  return job;
}

bool AwaitCalls(const Gradusd& server, const std::string& method, const std::string& user,
                const std::string& code, int64_t calls) {
  return Eventually([&] { return server.Calls(method, user, code) >= calls; },
                    std::chrono::seconds(60));
}

std::vector<v1::Event> Watch(Gradusd& server, const std::string& user, const std::string& id,
                             int64_t after_seq, grpc::Status* status) {
  Context context(server.TokenOf(user));
  auto request = ForJob<v1::WatchJobRequest>(id);
  request.set_after_seq(after_seq);
  const auto stream = server.jobs().WatchJob(&context, request);
  std::vector<v1::Event> events;
  v1::WatchJobResponse response;
  while (stream->Read(&response))
    events.insert(events.end(), response.events().begin(), response.events().end());
  *status = stream->Finish();
  return events;
}

}  // namespace gradus::test
