// SPDX-License-Identifier: Apache-2.0
// Ten steps of small networks give the losses and weights that PyTorch gives (make_golden.py).
#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <cstring>
#include <filesystem>
#include <fstream>
#include <iterator>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "engine/formats/safetensors.h"
#include "engine/graph/graph.h"
#include "engine/plan/executable.h"
#include "google/protobuf/util/json_util.h"
#include "gradus/v1/job.pb.h"

namespace gradus::plan {
namespace {

// Of a tensor's largest magnitude.
constexpr double kTolerance = 1e-5;

std::vector<std::filesystem::path> Files() {
  std::vector<std::filesystem::path> files;
  for (const auto& entry : std::filesystem::directory_iterator(GRADUS_GOLDEN_DIR)) {
    if (entry.path().extension() == ".safetensors") files.push_back(entry.path());
  }
  std::ranges::sort(files);
  return files;
}

void ExpectNear(const std::vector<float>& found, const std::vector<float>& expected) {
  ASSERT_EQ(found.size(), expected.size());
  double largest = 0;
  for (const float value : expected)
    largest = std::max(largest, std::abs(static_cast<double>(value)));
  for (size_t i = 0; i < found.size(); ++i)
    EXPECT_NEAR(found[i], expected[i], kTolerance * largest) << "value " << i;
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
  }

  template <typename T>
  std::vector<T> Values(const std::string& name) const {
    const auto bytes = view_->Bytes(name);
    EXPECT_TRUE(bytes.ok()) << bytes.status();
    std::vector<T> values(bytes->size() / sizeof(T));
    std::memcpy(values.data(), bytes->data(), bytes->size());
    return values;
  }
  // The weights whose names begin so.
  std::vector<NamedTensor> Weights(const std::string& prefix) const {
    std::vector<NamedTensor> weights;
    for (const formats::TensorInfo& info : view_->tensors()) {
      if (!absl::StartsWith(info.name, prefix)) continue;
      weights.push_back({info.name.substr(prefix.size()), info.shape, Values<float>(info.name)});
    }
    return weights;
  }
  void Train(int shards, int cores) const;

  std::vector<std::byte> bytes_;
  std::optional<formats::SafetensorsView> view_;
  v1::JobSpec job_;
};

void Golden::Train(int shards, int cores) const {
  const auto graph = graph::Graph::Create(job_.model());
  ASSERT_TRUE(graph.ok()) << graph.status();
  const auto executable = Executable::Create(*graph, {.loss = job_.loss(),
                                                      .optimizer = job_.optimizer(),
                                                      .metrics = {},
                                                      .batch_size = 6,
                                                      .logical_shards = shards,
                                                      .cores = cores,
                                                      .cpus = {},
                                                      .trainable = {}});
  ASSERT_TRUE(executable.ok()) << executable.status();
  ASSERT_TRUE((*executable)->ImportWeights(Weights("start/")).ok());
  ASSERT_EQ(Weights("start/").size(), graph->parameters().size());
  const std::vector<float> losses = Values<float>("loss");
  std::vector<float> found;
  for (size_t step = 0; step < losses.size(); ++step) {
    const auto inputs = Values<float>(absl::StrCat("x/", step));
    const std::string targets = absl::StrCat("y/", step);
    const auto values = Values<std::byte>(targets);
    const int64_t rows = view_->header().Find(targets)->shape[0];
    Totals totals;
    ASSERT_TRUE((*executable)->TrainStep({inputs.data(), values.data(), rows}, &totals).ok());
    found.push_back(static_cast<float>(totals.loss));
  }
  {
    SCOPED_TRACE("losses");
    ExpectNear(found, losses);
  }
  const std::vector<NamedTensor> weights = (*executable)->ExportWeights();
  const std::vector<NamedTensor> expected = Weights("end/");
  ASSERT_EQ(weights.size(), expected.size());
  for (size_t i = 0; i < weights.size(); ++i) {
    SCOPED_TRACE(weights[i].name);
    EXPECT_EQ(weights[i].name, expected[i].name);
    ExpectNear(weights[i].values, expected[i].values);
  }
}

TEST_P(Golden, TrainsAsPytorchDoes) { Train(1, 1); }

TEST_P(Golden, TrainsAsPytorchDoesInShards) { Train(2, 2); }

INSTANTIATE_TEST_SUITE_P(Files, Golden, testing::ValuesIn(Files()),
                         [](const auto& tested) { return tested.param.stem().string(); });

}  // namespace
}  // namespace gradus::plan
