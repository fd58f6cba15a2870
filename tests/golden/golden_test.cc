// SPDX-License-Identifier: Apache-2.0
// Small networks give the outputs, losses, gradients, and after ten steps the weights that are in
// files (make_golden.py, onnx_cases.py). GRADUS_GOLDEN names another folder than that of the files
// committed.
//
// A file's metadata hold the job and, for a run that goes on, optimizer_steps. Its tensors, of
// which all but x and start/ may be missing: x and y, all rows; start/LAYER/WEIGHT and
// start_slots/SLOT/LAYER/WEIGHT, what there is at the beginning; forward, the outputs of an
// evaluation; losses, the loss of as many equal parts of the rows; gradient/LAYER/WEIGHT, of the
// first step; batches, first row and number of rows of each step; loss, each step's sum; end/ and
// end_slots/.
#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <cstdlib>
#include <cstring>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <memory>
#include <optional>
#include <utility>

#include "absl/strings/match.h"
#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "engine/formats/safetensors.h"
#include "engine/graph/graph.h"
#include "engine/layers/kind.h"
#include "engine/plan/executable.h"
#include "google/protobuf/util/json_util.h"
#include "gradus/v1/job.pb.h"

namespace gradus::plan {
namespace {

// Of a tensor's largest magnitude.
constexpr double kTolerance = 1e-5;

double Largest(const std::vector<float>& values) {
  double largest = 0;
  for (const float value : values)
    largest = std::max(largest, std::abs(static_cast<double>(value)));
  return largest;
}

void ExpectNear(const std::vector<float>& found, const std::vector<float>& expected) {
  ASSERT_EQ(found.size(), expected.size());
  const double tolerance = kTolerance * Largest(expected);
  for (size_t i = 0; i < found.size(); ++i)
    EXPECT_NEAR(found[i], expected[i], tolerance) << "value " << i;
}

void ExpectNear(std::vector<NamedTensor> found, std::vector<NamedTensor> expected) {
  ASSERT_EQ(found.size(), expected.size());
  std::ranges::sort(found, {}, &NamedTensor::name);
  std::ranges::sort(expected, {}, &NamedTensor::name);
  for (size_t i = 0; i < found.size(); ++i) {
    SCOPED_TRACE(expected[i].name);
    EXPECT_EQ(found[i].name, expected[i].name);
    ExpectNear(found[i].values, expected[i].values);
  }
}

std::vector<std::filesystem::path> Files() {
  const char* folder = std::getenv("GRADUS_GOLDEN");
  std::vector<std::filesystem::path> files;
  for (const auto& entry :
       std::filesystem::directory_iterator(folder != nullptr ? folder : GRADUS_GOLDEN_DIR)) {
    if (entry.path().extension() == ".safetensors") files.push_back(entry.path());
  }
  std::ranges::sort(files);
  return files;
}

class Golden : public testing::TestWithParam<std::filesystem::path> {
 protected:
  void SetUp() override {
    std::ifstream file(GetParam(), std::ios::binary);
    const std::string bytes{std::istreambuf_iterator<char>(file), {}};
    bytes_.resize(bytes.size());
    std::memcpy(bytes_.data(), bytes.data(), bytes.size());
    auto view = formats::SafetensorsView::Parse(bytes_);
    ASSERT_TRUE(view.ok()) << view.status();
    view_.emplace(*std::move(view));
    const auto parsed =
        google::protobuf::util::JsonStringToMessage(view_->metadata().at("job"), &job_);
    ASSERT_TRUE(parsed.ok()) << parsed.message();
    auto graph = graph::Graph::Create(job_.model());
    ASSERT_TRUE(graph.ok()) << graph.status();
    graph_.emplace(*std::move(graph));
    x_ = Values<float>("x");
    rows_ = view_->header().Find("x")->shape[0];
    if (Has("y")) y_ = Values<std::byte>("y");
    ASSERT_TRUE(Has("forward") || Has("losses") || Has("batches")) << "there is nothing to compare";
  }

  bool Has(const std::string& name) const { return view_->header().Find(name) != nullptr; }
  template <typename T>
  std::vector<T> Values(const std::string& name) const {
    const auto bytes = view_->Bytes(name);
    EXPECT_TRUE(bytes.ok()) << bytes.status();
    std::vector<T> values(bytes->size() / sizeof(T));
    std::memcpy(values.data(), bytes->data(), bytes->size());
    return values;
  }
  // The tensors whose names begin so.
  std::vector<NamedTensor> Tensors(const std::string& prefix) const {
    std::vector<NamedTensor> tensors;
    for (const formats::TensorInfo& info : view_->tensors()) {
      if (!absl::StartsWith(info.name, prefix)) continue;
      tensors.push_back({info.name.substr(prefix.size()), info.shape, Values<float>(info.name)});
    }
    return tensors;
  }
  // The rows of a full batch.
  int64_t BatchSize() const {
    int64_t most = 0;
    for (size_t step = 0; step < Steps(); ++step) most = std::max(most, BatchOf(step).second);
    return most == 0 ? rows_ : most;
  }
  size_t Steps() const { return Has("batches") ? Values<int32_t>("batches").size() / 2 : 0; }
  Batch Rows(int64_t first, int64_t count) const {
    return {x_.data() + first * graph_->input_values(),
            y_.data() + first * static_cast<int64_t>(y_.size()) / rows_, count};
  }
  std::pair<int64_t, int64_t> BatchOf(size_t step) const {
    const auto batches = Values<int32_t>("batches");
    return {batches[2 * step], batches[2 * step + 1]};
  }
  std::unique_ptr<Executable> Start(const v1::Loss& loss, const v1::Optimizer& optimizer,
                                    int shards, int cores) const;
  void Train(int shards, int cores) const;

  std::vector<std::byte> bytes_;
  std::optional<formats::SafetensorsView> view_;
  v1::JobSpec job_;
  std::optional<graph::Graph> graph_;
  std::vector<float> x_;
  std::vector<std::byte> y_;
  int64_t rows_ = 0;
};

std::unique_ptr<Executable> Golden::Start(const v1::Loss& loss, const v1::Optimizer& optimizer,
                                          int shards, int cores) const {
  auto executable = Executable::Create(*graph_, {.loss = loss,
                                                 .optimizer = optimizer,
                                                 .metrics = {},
                                                 .batch_size = BatchSize(),
                                                 .logical_shards = shards,
                                                 .cores = cores,
                                                 .cpus = {},
                                                 .trainable = {}});
  EXPECT_TRUE(executable.ok()) << executable.status();
  if (!executable.ok()) return nullptr;
  const std::vector<NamedTensor> weights = Tensors("start/");
  EXPECT_EQ(weights.size(), graph_->parameters().size());
  const absl::Status imported = (*executable)->ImportWeights(weights);
  EXPECT_TRUE(imported.ok()) << imported;
  return *std::move(executable);
}

void Golden::Train(int shards, int cores) const {
  const auto executable = Start(job_.loss(), job_.optimizer(), shards, cores);
  ASSERT_NE(executable, nullptr);
  if (const auto slots = Tensors("start_slots/"); !slots.empty()) {
    const absl::Status imported = executable->ImportSlots(slots);
    ASSERT_TRUE(imported.ok()) << imported;
    int64_t steps = 0;
    ASSERT_TRUE(absl::SimpleAtoi(view_->metadata().at("optimizer_steps"), &steps));
    executable->SetOptimizerSteps(steps);
  }
  std::vector<float> losses;
  for (size_t step = 0; step < Steps(); ++step) {
    const auto [first, count] = BatchOf(step);
    Totals totals;
    ASSERT_TRUE(executable->TrainStep(Rows(first, count), &totals).ok());
    losses.push_back(static_cast<float>(totals.loss));
  }
  if (Has("loss")) {
    SCOPED_TRACE("losses");
    ExpectNear(losses, Values<float>("loss"));
  }
  ExpectNear(executable->ExportWeights(), Tensors("end/"));
  if (const auto slots = Tensors("end_slots/"); !slots.empty())
    ExpectNear(executable->ExportSlots(), slots);
}

// Outputs are compared by the length of their difference to those expected.
TEST_P(Golden, Evaluates) {
  if (!Has("forward")) GTEST_SKIP() << "has no outputs";
  v1::Loss loss;
  loss.mutable_mean_squared_error();
  v1::Optimizer optimizer;
  optimizer.mutable_sgd();
  const auto executable = Start(loss, optimizer, 1, 1);
  ASSERT_NE(executable, nullptr);
  const auto expected = Values<float>("forward");
  const int64_t width = executable->targets()[0].width;
  ASSERT_EQ(static_cast<int64_t>(expected.size()), rows_ * width);
  Totals totals;
  for (int64_t row = 0; row < rows_; row += BatchSize()) {
    const int64_t count = std::min(BatchSize(), rows_ - row);
    const Batch batch = {Rows(row, count).inputs, expected.data() + row * width, count};
    ASSERT_TRUE(executable->EvalStep(batch, &totals).ok());
  }
  EXPECT_LE(std::sqrt(totals.loss * static_cast<double>(width)), kTolerance * Largest(expected));
}

TEST_P(Golden, GivesTheLosses) {
  if (!Has("losses")) GTEST_SKIP() << "has no losses";
  const auto executable = Start(job_.loss(), job_.optimizer(), 1, 1);
  ASSERT_NE(executable, nullptr);
  const auto expected = Values<float>("losses");
  const int64_t rows = rows_ / static_cast<int64_t>(expected.size());
  std::vector<float> found;
  for (int64_t first = 0; first < rows_; first += rows) {
    Totals totals;
    ASSERT_TRUE(executable->EvalStep(Rows(first, rows), &totals).ok());
    found.push_back(static_cast<float>(totals.loss));
  }
  ExpectNear(found, expected);
}

// With a momentum and the rate 1, the first step's momentum is the negated gradient.
TEST_P(Golden, GivesTheGradients) {
  const std::vector<NamedTensor> expected = Tensors("gradient/");
  if (expected.empty()) GTEST_SKIP() << "has no gradients";
  v1::Optimizer optimizer;
  optimizer.mutable_sgd()->set_learning_rate(1);
  optimizer.mutable_sgd()->set_momentum(0.5);
  const auto executable = Start(job_.loss(), optimizer, 1, 1);
  ASSERT_NE(executable, nullptr);
  const auto [first, count] = BatchOf(0);
  Totals totals;
  ASSERT_TRUE(executable->TrainStep(Rows(first, count), &totals).ok());
  std::vector<NamedTensor> found = executable->ExportSlots();
  for (NamedTensor& tensor : found) {
    tensor.name = tensor.name.substr(tensor.name.find('/') + 1);
    for (float& value : tensor.values) value = -value;
  }
  ExpectNear(found, expected);
}

TEST_P(Golden, Trains) {
  if (Steps() == 0) GTEST_SKIP() << "has no steps";
  Train(1, 1);
}

// Rows that are normalized together stay together.
TEST_P(Golden, TrainsOnSeveralCores) {
  if (Steps() == 0) GTEST_SKIP() << "has no steps";
  const bool together = std::ranges::any_of(graph_->nodes(), [](const graph::Node& node) {
    return node.kind->batch_reference != nullptr;
  });
  Train(together ? 1 : 2, 2);
}

INSTANTIATE_TEST_SUITE_P(Files, Golden, testing::ValuesIn(Files()),
                         [](const auto& tested) { return tested.param.stem().string(); });

}  // namespace
}  // namespace gradus::plan
