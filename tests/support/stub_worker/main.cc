// SPDX-License-Identifier: Apache-2.0
// A rank that fakes training: the real stream, outbox and uploads, but steps that cost nothing. For
// tests of servers with thousands of jobs.
//
// With the argument `parse` it is the child that reads uploads, as gradus-worker is.
//
// The environment variable GRADUS_STUB holds words KEY=NUMBER with commas between: steps (10 an
// epoch), rate (steps a second; 0: no waiting), events (steps between progress events, 1), text
// (bytes of a log line that follows each of them; 0: none), save
// (steps between checkpoints; 0: none but when asked to stop), fail_at, retry_at, crash_at, hang_at
// (the step at which the rank reports a fault of the job, one that may pass, kills itself, or
// stands still until it is killed; 0: never).
#include <unistd.h>

#include <algorithm>
#include <csignal>
#include <cstdlib>
#include <cstring>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_split.h"
#include "engine/base/clock.h"
#include "engine/base/file_ops.h"
#include "engine/base/log.h"
#include "engine/base/mutex.h"
#include "engine/base/random.h"
#include "engine/base/sha256.h"
#include "engine/base/status.h"
#include "engine/formats/weights_index.h"
#include "server/worker/blob_transfer.h"
#include "server/worker/config.h"
#include "server/worker/outbox.h"
#include "server/worker/parse.h"
#include "server/worker/server_link.h"
#include "server/worker/uplink.h"

namespace gradus::worker {
namespace {

struct StubOptions {
  std::map<std::string, int64_t> numbers = {{"steps", 10},   {"rate", 0},     {"events", 1},
                                            {"text", 0},     {"save", 0},     {"fail_at", 0},
                                            {"retry_at", 0}, {"crash_at", 0}, {"hang_at", 0}};
  int64_t operator[](const std::string& key) const { return numbers.at(key); }
};

absl::StatusOr<StubOptions> ReadOptions() {
  StubOptions options;
  const char* text = std::getenv("GRADUS_STUB");
  for (const auto& word : absl::StrSplit(text == nullptr ? "" : text, ',', absl::SkipEmpty())) {
    const std::pair<std::string, std::string> parts = absl::StrSplit(word, absl::MaxSplits('=', 1));
    const auto number = options.numbers.find(parts.first);
    if (number == options.numbers.end() || !absl::SimpleAtoi(parts.second, &number->second)) {
      return base::InvalidArgument("GRADUS_STUB", std::string(word),
                                   "one of the words at the top of the stub");
    }
  }
  return options;
}

class Stub final : public UplinkHandler {
 public:
  Stub(const v1::WorkerConfig& config, const StubOptions& options)
      : config_(config),
        options_(options),
        link_(config, TlsChannels(config.profile()), base::RealFiles(), base::RealClock()),
        outbox_(base::RealFiles(), base::JoinPath(config.work_dir(), "events.spool")),
        transfer_(link_, base::RealFiles(), base::SystemRandom()),
        uplink_(link_, outbox_, *this, base::RealClock(), base::SystemRandom(), {.isa = "stub"}) {}

  bool Run();

  void OnAssignment(const v1::Assignment& assignment) override {
    base::MutexLock lock(mu_);
    assignment_ = assignment;
    changed_.SignalAll();
  }
  void OnCommand(v1::Command::Action action) override {
    base::MutexLock lock(mu_);
    if (asked_ != v1::Command::CANCEL) asked_ = action;
    changed_.SignalAll();
  }
  void OnFatal(const absl::Status&) override { _exit(1); }

 private:
  v1::RankFinished Train(const v1::Assignment& assignment);
  int64_t StepsOf(const v1::Assignment& assignment) const;
  std::optional<v1::RankFinished> FaultAt(int64_t step) const;
  void Report(int64_t step, int64_t steps);
  absl::Status Save(int64_t step);
  absl::Status Publish(v1::RankFinished* finished);
  absl::StatusOr<v1::BlobRef> Upload(const std::string& bytes);
  int64_t StepOf(const v1::Assignment& assignment);
  v1::Command::Action PauseBetweenSteps();

  const v1::WorkerConfig& config_;
  const StubOptions& options_;
  ServerLink link_;
  Outbox outbox_;
  BlobTransfer transfer_;
  base::Mutex mu_;
  base::CondVar changed_;
  std::optional<v1::Assignment> assignment_ ABSL_GUARDED_BY(mu_);
  v1::Command::Action asked_ ABSL_GUARDED_BY(mu_) = v1::Command::ACTION_UNSPECIFIED;
  Uplink uplink_;
};

bool Stub::Run() {
  v1::Assignment assignment;
  {
    base::MutexLock lock(mu_);
    changed_.Wait(mu_,
                  [this]() ABSL_EXCLUSIVE_LOCKS_REQUIRED(mu_) { return assignment_.has_value(); });
    assignment = *assignment_;
  }
  v1::WorkerEvent last;
  *last.mutable_finished() = Train(assignment);
  outbox_.Push(std::move(last));
  return outbox_.Flush();
}

v1::RankFinished Stub::Train(const v1::Assignment& assignment) {
  v1::RankFinished finished;
  int64_t step = StepOf(assignment);
  v1::WorkerEvent started;
  started.mutable_event()->mutable_stage_started()->set_stages(1);
  started.mutable_event()->mutable_stage_started()->set_epochs(1);
  outbox_.Push(std::move(started));
  const int64_t steps = StepsOf(assignment);
  while (step < steps) {
    const v1::Command::Action asked = PauseBetweenSteps();
    if (asked == v1::Command::CANCEL) {
      finished.set_outcome(v1::RankFinished::CANCELLED);
      return finished;
    }
    if (asked == v1::Command::STOP) {
      const absl::Status saved = step > 0 ? Save(step) : absl::OkStatus();
      finished.set_outcome(saved.ok() ? v1::RankFinished::STOPPED : v1::RankFinished::RETRY);
      return finished;
    }
    ++step;
    if (std::optional<v1::RankFinished> fault = FaultAt(step)) return *fault;
    if (step % options_["events"] == 0) Report(step, steps);
    if (options_["save"] > 0 && step % options_["save"] == 0) Save(step).IgnoreError();
  }
  const absl::Status published = Publish(&finished);
  finished.set_outcome(published.ok() ? v1::RankFinished::DONE : v1::RankFinished::RETRY);
  finished.set_reason(std::string(published.message()));
  return finished;
}

std::optional<v1::RankFinished> Stub::FaultAt(int64_t step) const {
  if (step == options_["crash_at"]) raise(SIGKILL);
  while (step == options_["hang_at"]) pause();
  v1::RankFinished finished;
  finished.set_reason(absl::StrCat("the stub was told to end at step ", step));
  if (step == options_["fail_at"]) {
    finished.set_outcome(v1::RankFinished::FAILED);
    return finished;
  }
  if (step == options_["retry_at"]) {
    finished.set_outcome(v1::RankFinished::RETRY);
    return finished;
  }
  return std::nullopt;
}

// Waits as long as a step takes; what is asked meanwhile.
v1::Command::Action Stub::PauseBetweenSteps() {
  const int64_t micros = options_["rate"] > 0 ? 1'000'000 / options_["rate"] : 0;
  base::MutexLock lock(mu_);
  base::RealClock().WaitFor(mu_, changed_, micros, [this]() {
    mu_.AssertHeld();
    return asked_ != v1::Command::ACTION_UNSPECIFIED;
  });
  return asked_;
}

int64_t Stub::StepsOf(const v1::Assignment& assignment) const {
  return options_["steps"] * std::max<int64_t>(assignment.spec().fit().epochs(), 1);
}

void Stub::Report(int64_t step, int64_t steps) {
  v1::WorkerEvent event;
  v1::Progress* progress = event.mutable_event()->mutable_progress();
  progress->set_step(step);
  progress->set_step_in_epoch(step);
  progress->set_steps_per_epoch(steps);
  (*progress->mutable_metrics())["loss"] = 1.0 / static_cast<double>(step);
  outbox_.Push(std::move(event));
  if (options_["text"] == 0) return;
  v1::WorkerEvent line;
  line.mutable_event()->mutable_log_line()->set_text(
      std::string(static_cast<size_t>(options_["text"]), '.'));
  outbox_.Push(std::move(line));
}

absl::StatusOr<v1::BlobRef> Stub::Upload(const std::string& bytes) {
  v1::BlobRef ref;
  ref.set_sha256(base::Sha256Hex(std::string_view(bytes)));
  ref.set_size(static_cast<int64_t>(bytes.size()));
  const std::string path = base::JoinPath(config_.work_dir(), "stub-blob");
  RETURN_IF_ERROR(base::WriteFileAtomically(base::RealFiles(), path, bytes));
  RETURN_IF_ERROR(transfer_.Upload(path, ref));
  return ref;
}

// A checkpoint is the number of its step as text.
absl::Status Stub::Save(int64_t step) {
  v1::WorkerEvent event;
  v1::CheckpointReady* ready = event.mutable_checkpoint_ready();
  ASSIGN_OR_RETURN(*ready->mutable_blob(), Upload(absl::StrCat(step, "\n", config_.job_id())));
  ready->set_step(step);
  outbox_.Push(std::move(event));
  return absl::OkStatus();
}

int64_t Stub::StepOf(const v1::Assignment& assignment) {
  if (assignment.checkpoints_size() == 0) return 0;
  const std::string path = base::JoinPath(config_.work_dir(), "stub-checkpoint");
  int64_t step = 0;
  if (!transfer_.Fetch(assignment.checkpoints(0).blob(), path).ok()) return 0;
  const std::string text = base::ReadFile(base::RealFiles(), path, 1 << 20).value_or("");
  return absl::SimpleAtoi(text.substr(0, text.find('\n')), &step) ? step : 0;
}

absl::Status Stub::Publish(v1::RankFinished* finished) {
  const float value = 1.5f;
  const std::string piece(reinterpret_cast<const char*>(&value), sizeof(value));
  v1::WeightsIndex index;
  index.set_format(formats::kWeightsIndexFormat);
  ASSIGN_OR_RETURN(*index.add_pieces()->mutable_blob(), Upload(piece));
  index.mutable_pieces(0)->add_tensors()->set_name("stub/kernel");
  index.mutable_pieces(0)->mutable_tensors(0)->add_shape(1);
  ASSIGN_OR_RETURN(*finished->mutable_weights(), Upload(index.SerializeAsString()));
  // As Job.weights_sha256 says: name, type, dimensions, values.
  const uint64_t dimensions[] = {1, 1};
  std::string hashed("stub/kernel\0F32\0", 16);
  hashed.append(reinterpret_cast<const char*>(dimensions), sizeof(dimensions));
  hashed.append(reinterpret_cast<const char*>(&value), sizeof(value));
  finished->set_weights_sha256(base::Sha256Hex(std::string_view(hashed)));
  return absl::OkStatus();
}

}  // namespace
}  // namespace gradus::worker

int main(int argc, char** argv) {
  using namespace gradus;
  if (argc == 2 && std::string_view(argv[1]) == "parse") worker::RunParse();
  const absl::StatusOr<worker::StubOptions> options = worker::ReadOptions();
  const absl::StatusOr<v1::WorkerConfig> config = worker::ReadConfig(3);
  if (!options.ok() || !config.ok()) {
    base::LogError("the stub cannot start",
                   {{"error", options.ok() ? config.status() : options.status()}});
    return 2;
  }
  std::signal(SIGPIPE, SIG_IGN);
  worker::Stub stub(*config, *options);
  _exit(stub.Run() ? 0 : 1);
}
