// SPDX-License-Identifier: Apache-2.0
// How much of the exchange of gradients hides behind the backward pass.
//
//   overlap [ROUNDS [ROWS]]
//   ninja -C build/release overlap && build/release/bin/overlap
//
// Two ranks on the loopback, one core each, train a dense network of ten million weights (40 MB of
// gradients) on batches of ROWS (256) rows. In each of ROUNDS (20) rounds they do one step in which
// stretches are exchanged as they become complete, and one in which all of them are handed over
// after the backward pass. Prints medians as rank 0 sees them: the time of both steps, for how long
// the exchange went on, for how long the step waited for it, and the share that was hidden, 1 -
// waited / exchanging.
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <chrono>
#include <csignal>
#include <cstdio>
#include <cstdlib>
#include <filesystem>
#include <iostream>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "engine/base/cpu.h"
#include "engine/base/mutex.h"
#include "engine/collective/exchange_thread.h"
#include "engine/collective/gloo_group.h"
#include "engine/collective/subtrees.h"
#include "engine/plan/executable.h"
#include "proto/support/parse.h"
#include "tests/bench/file_notes.h"

namespace gradus::bench {
namespace {

using Clock = std::chrono::steady_clock;
constexpr int kRanks = 2;

constexpr char kJob[] = R"(
model: {input_shape: 784, layers: [{dense: {units: 2048, activation: relu}}, {dense: {units: 2048, activation: relu}},
  {dense: {units: 2048, activation: relu}}, {dense: {units: 10, activation: softmax}}]}
loss: sparse_categorical_crossentropy
optimizer: {sgd: {learning_rate: 0.01}})";

template <typename T>
T Take(absl::StatusOr<T> value) {
  if (value.ok()) return *std::move(value);
  std::cerr << value.status() << '\n';
  std::exit(1);
}
void Check(const absl::Status& status) {
  if (status.ok()) return;
  std::cerr << status << '\n';
  std::exit(1);
}

double Millis(std::chrono::nanoseconds time) {
  return std::chrono::duration<double, std::milli>(time).count();
}

double Median(std::vector<double> values) {
  const auto middle = values.begin() + static_cast<ptrdiff_t>(values.size() / 2);
  std::nth_element(values.begin(), middle, values.end());
  return *middle;
}

// Hands stretches over at once, or all of them at the end.
class Exchange final : public plan::StepExchange {
 public:
  Exchange(collective::Group& group, const collective::Subtrees& trees)
      : place_(group.rank()), thread_(group, trees, {}) {
    for (int rank = 0; rank < trees.ranks(); ++rank)
      shares_.push_back({trees.of(rank).begin, trees.of(rank).end});
  }

  std::span<const base::ShardRange> shares() const override { return shares_; }
  int place() const override { return place_; }
  void Begin(int stretches) override { thread_.Begin(stretches); }
  void Add(int number, std::span<float> gradients) override {
    if (!late) return thread_.Add(number, gradients);
    const base::MutexLock lock(mu_);
    kept_.emplace_back(number, gradients);
  }
  absl::Status Finish(std::span<const std::byte> own, std::span<const size_t> sizes,
                      std::span<std::byte> notes) override {
    for (const auto& [number, gradients] : kept_) thread_.Add(number, gradients);
    kept_.clear();
    return thread_.Finish(own, sizes, notes);
  }
  collective::ExchangeThread::Times times() const { return thread_.times(); }

  bool late = false;

 private:
  const int place_;
  std::vector<base::ShardRange> shares_;
  base::Mutex mu_;
  std::vector<std::pair<int, std::span<float>>> kept_;
  collective::ExchangeThread thread_;
};

void RunRank(const std::string& folder, int rank, int rounds, int64_t rows) {
  const std::vector<int> cpus = base::UsableCpus();
  const int cpu = cpus[static_cast<size_t>(rank) % cpus.size()];
  Check(base::PinThisThread(std::span(&cpu, 1)));
  const std::unique_ptr<collective::Group> group = Take(collective::ConnectGloo(
      {.self = {.generation = 1, .rank = rank, .size = kRanks, .secret = "?"},
       .network = "127.0.0.1",
       .notes = NotesIn(folder)}));
  Exchange exchange(*group, Take(collective::Subtrees::Create(kRanks, kRanks)));
  const v1::JobSpec job = Take(support::Parse<v1::JobSpec>(kJob));
  plan::TrainSetup setup;
  setup.loss = job.loss();
  setup.optimizer = job.optimizer();
  setup.batch_size = rows;
  setup.logical_shards = kRanks;
  setup.exchange = &exchange;
  const graph::Graph graph = Take(graph::Graph::Create(job.model()));
  const std::unique_ptr<plan::Executable> executable = Take(plan::Executable::Create(graph, setup));
  executable->InitializeWeights(1);
  const std::vector<float> inputs(static_cast<size_t>(rows * graph.input_values()), 0.5F);
  const std::vector<int32_t> labels(static_cast<size_t>(rows), 3);
  const plan::Batch batch{.inputs = inputs.data(), .targets = labels.data(), .rows = rows};
  plan::Totals totals;

  std::vector<double> steps[2], exchanging[2], waited[2];
  for (int round = -3; round < rounds; ++round) {
    for (const bool late : {false, true}) {
      exchange.late = late;
      const auto start = Clock::now();
      Check(executable->TrainStep(batch, &totals));
      if (round < 0) continue;
      steps[late].push_back(Millis(Clock::now() - start));
      exchanging[late].push_back(Millis(exchange.times().exchanging));
      waited[late].push_back(Millis(exchange.times().waited));
    }
  }
  if (rank != 0) return;
  for (const bool late : {false, true}) {
    std::printf("%-16s step %6.1f ms, exchanging %6.1f ms, waited %6.1f ms: %3.0f %% hidden\n",
                late ? "afterwards:" : "while computing:", Median(steps[late]),
                Median(exchanging[late]), Median(waited[late]),
                100 * (1 - Median(waited[late]) / Median(exchanging[late])));
  }
}

int Main(int argc, char** argv) {
  const int rounds = argc > 1 ? std::atoi(argv[1]) : 20;
  const int64_t rows = argc > 2 ? std::atoi(argv[2]) : 256;
  std::string folder = std::filesystem::temp_directory_path() / "gradus-overlap-XXXXXX";
  if (mkdtemp(folder.data()) == nullptr || rounds < 1 || rows < kRanks) return 2;
  std::signal(SIGPIPE, SIG_IGN);
  const pid_t other = fork();
  RunRank(folder, other == 0 ? 1 : 0, rounds, rows);
  if (other == 0) return 0;
  int status = 0;
  waitpid(other, &status, 0);
  std::filesystem::remove_all(folder);
  return status == 0 ? 0 : 1;
}

}  // namespace
}  // namespace gradus::bench

int main(int argc, char** argv) { return gradus::bench::Main(argc, argv); }
