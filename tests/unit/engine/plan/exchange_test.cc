// SPDX-License-Identifier: Apache-2.0
// A step shared by several processes, played by threads that meet in memory: the same bits for any
// number of them, and nothing changed where they do not come together.
#include <gtest/gtest.h>

#include <barrier>
#include <cstring>
#include <functional>
#include <map>
#include <thread>

#include "engine/base/status.h"
#include "engine/plan/executable.h"
#include "engine/plan/tensor_list.h"
#include "proto/support/parse.h"
#include "tests/unit/engine/plan/nets.h"

namespace gradus::plan {
namespace {

using Shares = std::vector<base::ShardRange>;

// Adds up what all processes have handed over, by the definition of the tree.
class Table {
 public:
  explicit Table(Shares shares) : shares_(std::move(shares)), barrier_(ssize(shares_)) {
    stretches_.resize(shares_.size());
    notes_.resize(shares_.size());
  }

  class Seat final : public StepExchange {
   public:
    Seat(Table& table, int place) : table_(table), place_(place) {}
    std::span<const base::ShardRange> shares() const override { return table_.shares_; }
    int place() const override { return place_; }
    void Begin(int stretches) override { expected_ = stretches; }
    void Add(int number, std::span<float> gradients) override {
      const std::lock_guard lock(table_.mu_);
      mine()[number] = gradients;
    }
    absl::Status Finish(std::span<const std::byte> own, std::span<const size_t> sizes,
                        std::span<std::byte> notes) override {
      EXPECT_EQ(static_cast<int>(mine().size()), expected_);
      EXPECT_EQ(own.size(), sizes[static_cast<size_t>(place_)]);
      if (fails) return absl::UnavailableError("nobody is there");
      table_.notes_[static_cast<size_t>(place_)].assign(own.begin(), own.end());
      table_.barrier_.arrive_and_wait();
      std::map<int, std::vector<float>> sums;
      for (const auto& [number, floats] : mine()) {
        for (size_t i = 0; i < floats.size(); ++i)
          sums[number].push_back(table_.Sum(number, i, 0, table_.shares_.back().end));
      }
      size_t at = 0;
      for (const std::vector<std::byte>& note : table_.notes_) {
        std::copy(note.begin(), note.end(), notes.begin() + static_cast<std::ptrdiff_t>(at));
        at += note.size();
      }
      table_.barrier_.arrive_and_wait();
      for (auto& [number, floats] : mine()) std::ranges::copy(sums[number], floats.begin());
      mine().clear();
      table_.barrier_.arrive_and_wait();
      return absl::OkStatus();
    }
    bool fails = false;

   private:
    std::map<int, std::span<float>>& mine() { return table_.stretches_[size_t(place_)]; }
    Table& table_;
    const int place_;
    int expected_ = 0;
  };

 private:
  float Sum(int number, size_t at, int begin, int end) {
    for (size_t place = 0; place < shares_.size(); ++place) {
      if (shares_[place] == base::ShardRange{begin, end}) return stretches_[place].at(number)[at];
    }
    const int middle = (begin + end) / 2;
    return Sum(number, at, begin, middle) + Sum(number, at, middle, end);
  }

  const Shares shares_;
  std::barrier<> barrier_;
  std::mutex mu_;
  std::vector<std::map<int, std::span<float>>> stretches_;
  std::vector<std::vector<std::byte>> notes_;
};

struct Case {
  const char* name;
  const char* job;
};

v1::JobSpec JobOf(const Case& test) { return support::Parse<v1::JobSpec>(test.job).value(); }

TrainSetup SetupOf(const v1::JobSpec& job) {
  TrainSetup setup;
  setup.loss = job.loss();
  setup.optimizer = job.optimizer();
  setup.metrics = {job.metrics().begin(), job.metrics().end()};
  setup.batch_size = 32;
  setup.logical_shards = 4;
  setup.seed = 7;
  return setup;
}

struct Outcome {
  std::string weights;
  std::vector<NamedTensor> slots;
  double loss = 0;
  std::vector<metrics::Tally> tallies;
  double eval_loss = 0;
};

// Rows that a process holds: those of its shards alone.
struct Held {
  Held(const Rows& rows, const graph::Graph& graph, base::ShardRange share) {
    const int64_t first = base::FirstRowOfShard(rows.rows, share.begin, 4);
    const int64_t last = base::FirstRowOfShard(rows.rows, share.end, 4);
    inputs.assign(rows.inputs.begin() + first * graph.input_values(),
                  rows.inputs.begin() + last * graph.input_values());
    labels.assign(rows.labels.begin() + first, rows.labels.begin() + last);
    batch = {.inputs = inputs.data(),
             .targets = labels.data(),
             .rows = rows.rows,
             .first_held = first,
             .held = last - first};
  }
  std::vector<float> inputs;
  std::vector<int32_t> labels;
  Batch batch;
};

constexpr int64_t kSizes[] = {32, 32, 31, 3, 32};

void TrainAt(const graph::Graph& graph, TrainSetup setup, Table::Seat* seat, Outcome* outcome) {
  setup.exchange = seat;
  setup.cores = seat == nullptr ? 2 : seat->shares()[size_t(seat->place())].size() > 1 ? 2 : 1;
  const auto executable = Executable::Create(graph, setup).value();
  executable->InitializeWeights(11);
  const base::ShardRange share =
      seat == nullptr ? base::ShardRange{0, 4} : seat->shares()[size_t(seat->place())];
  Totals totals;
  unsigned seed = 0;
  for (const int64_t size : kSizes) {
    const Rows rows(graph, size, ++seed);
    const Held held(rows, graph, share);
    ASSERT_TRUE(executable->TrainStep(held.batch, &totals).ok());
  }
  outcome->weights = WeightsSha256(executable->ExportWeights());
  outcome->slots = executable->ExportSlots();
  outcome->loss = totals.loss;
  outcome->tallies = totals.metrics;
}

Outcome Alone(const Case& test) {
  const v1::JobSpec job = JobOf(test);
  const graph::Graph graph = graph::Graph::Create(job.model()).value();
  Outcome outcome;
  TrainAt(graph, SetupOf(job), nullptr, &outcome);
  return outcome;
}

std::vector<Outcome> Together(const Case& test, const Shares& shares) {
  const v1::JobSpec job = JobOf(test);
  const graph::Graph graph = graph::Graph::Create(job.model()).value();
  Table table(shares);
  std::vector<Outcome> outcomes(shares.size());
  std::vector<std::thread> threads;
  for (size_t place = 0; place < shares.size(); ++place) {
    threads.emplace_back([&, place] {
      Table::Seat seat(table, static_cast<int>(place));
      TrainAt(graph, SetupOf(job), &seat, &outcomes[place]);
    });
  }
  for (std::thread& thread : threads) thread.join();
  return outcomes;
}

class SharedSteps : public testing::TestWithParam<Case> {};

TEST_P(SharedSteps, GiveTheSameBitsForAnyNumberOfProcesses) {
  const Outcome alone = Alone(GetParam());
  for (const Shares& shares : {Shares{{0, 2}, {2, 4}}, Shares{{0, 1}, {1, 2}, {2, 4}},
                               Shares{{0, 1}, {1, 2}, {2, 3}, {3, 4}}}) {
    for (const Outcome& one : Together(GetParam(), shares)) {
      EXPECT_EQ(one.weights, alone.weights) << shares.size();
      EXPECT_EQ(one.loss, alone.loss) << shares.size();
      EXPECT_EQ(one.tallies, alone.tallies) << shares.size();
      ASSERT_EQ(one.slots.size(), alone.slots.size());
      for (size_t i = 0; i < one.slots.size(); ++i)
        EXPECT_EQ(one.slots[i].values, alone.slots[i].values) << one.slots[i].name;
    }
  }
}

INSTANTIATE_TEST_SUITE_P(Jobs, SharedSteps,
                         testing::Values(Case{"dense", R"(
model: {input_shape: 12, layers: [{dense: {units: 24, activation: relu}}, {dropout: {rate: 0.25}},
  {dense: {units: 5, activation: softmax}}]}
loss: sparse_categorical_crossentropy
optimizer: {sgd: {learning_rate: 0.1, momentum: 0.9}}
metrics: [accuracy])"},
                                         Case{"normalized", R"(
model: {input_shape: 12, layers: [{dense: {units: 24, use_bias: false}}, batch_normalization,
  {activation: relu}, {dense: {units: 5, activation: softmax, kernel_regularizer: {l1_l2: {l2: 0.01}}}}]}
loss: sparse_categorical_crossentropy
optimizer: {adam: {learning_rate: 0.01, global_clipnorm: 0.5}}
metrics: [accuracy])"},
                                         Case{"convolutional", R"(
model: {input_shape: [6, 6, 2], layers: [{conv2d: {filters: 8, kernel_size: 3, activation: relu}},
  {max_pooling2d: {}}, flatten, {dense: {units: 5, activation: softmax}}]}
loss: sparse_categorical_crossentropy
optimizer: {adam: {learning_rate: 0.01, use_ema: true}}
metrics: [accuracy])"},
                                         // More than a stretch's million bytes, a frozen layer
                                         // among them, a weight used twice.
                                         Case{"wide", R"(
model: {input_shape: 12, layers: [{dense: {units: 300, activation: relu}}, {dense: {units: 300, activation: relu}, trainable: false},
  {dense: {units: 1000, activation: relu}}, {dense: {units: 500, activation: relu}}, {dense: {units: 5, activation: softmax}}]}
loss: sparse_categorical_crossentropy
optimizer: {sgd: {learning_rate: 0.05, clipnorm: 1.0}}
metrics: [accuracy])"}),
                         [](const auto& test) { return test.param.name; });

TEST(SharedStep, ChangesNothingWhereProcessesDoNotComeTogether) {
  const graph::Graph graph = Classifier({12, 24, 5});
  Table table({{0, 2}, {2, 4}});
  Table::Seat seat(table, 0);
  TrainSetup setup = ClassifierSetup(32, 4, 1);
  setup.exchange = &seat;
  const auto executable = Executable::Create(graph, setup).value();
  executable->InitializeWeights(11);
  const std::string before = WeightsSha256(executable->ExportWeights());
  const uint64_t checksum = executable->WeightsChecksum();
  const Rows rows(graph, 32, 1);
  const Held held(rows, graph, {0, 2});
  seat.fails = true;
  Totals totals;
  EXPECT_TRUE(absl::IsUnavailable(executable->TrainStep(held.batch, &totals)));
  EXPECT_EQ(WeightsSha256(executable->ExportWeights()), before);
  EXPECT_EQ(executable->WeightsChecksum(), checksum);
  EXPECT_EQ(executable->optimizer_steps(), 0);
  EXPECT_EQ(executable->run_steps(), 0);
  EXPECT_EQ(totals.rows, 0);
}

TEST(SharedEvaluation, IsThatOfOneProcessToTheLastBit) {
  const graph::Graph graph = Classifier({12, 24, 5});
  const TrainSetup setup = ClassifierSetup(32, 4, 2);
  const auto alone = Executable::Create(graph, setup).value();
  alone->InitializeWeights(11);
  const Shares shares = {{0, 1}, {1, 2}, {2, 4}};
  Table table(shares);
  for (const int64_t size : kSizes) {
    const Rows rows(graph, size, 3);
    Totals expected;
    ASSERT_TRUE(alone->EvalStep(rows.batch(), &expected).ok());
    std::vector<std::vector<std::byte>> notes;
    for (size_t place = 0; place < shares.size(); ++place) {
      Table::Seat seat(table, static_cast<int>(place));
      TrainSetup shared = setup;
      shared.exchange = &seat;
      const auto executable = Executable::Create(graph, shared).value();
      executable->InitializeWeights(11);
      const Held held(rows, graph, shares[place]);
      notes.emplace_back(executable->NoteBytes(size, shares[place]));
      ASSERT_TRUE(executable->EvalShare(held.batch, notes.back()).ok());
    }
    const std::vector<std::span<const std::byte>> views(notes.begin(), notes.end());
    Totals totals;
    alone->AddNotes(size, views, &totals);
    EXPECT_EQ(totals.loss, expected.loss);
    EXPECT_EQ(totals.metrics, expected.metrics);
    EXPECT_EQ(totals.rows, expected.rows);
  }
}

TEST(WeightsChecksum, ChangesWithAnyBit) {
  const graph::Graph graph = Classifier({12, 24, 5});
  const auto executable = Executable::Create(graph, ClassifierSetup(32, 1, 1)).value();
  executable->InitializeWeights(11);
  const uint64_t checksum = executable->WeightsChecksum();
  std::vector<NamedTensor> weights = executable->ExportWeights();
  for (NamedTensor& tensor : weights) {
    for (const size_t at : {size_t{0}, tensor.values.size() / 2, tensor.values.size() - 1}) {
      const float before = tensor.values[at];
      tensor.values[at] = std::nextafter(before, 2.0F);
      ASSERT_TRUE(executable->ImportWeights(std::span(&tensor, 1)).ok());
      EXPECT_NE(executable->WeightsChecksum(), checksum) << tensor.name << " " << at;
      tensor.values[at] = before;
      ASSERT_TRUE(executable->ImportWeights(std::span(&tensor, 1)).ok());
    }
  }
  EXPECT_EQ(executable->WeightsChecksum(), checksum);
}

}  // namespace
}  // namespace gradus::plan
