// SPDX-License-Identifier: Apache-2.0
// How fast fetched models answer: predict_rate BATCH CORES FOLDER...
//
// Runs the models in turn, a tenth of a second each, for five seconds a model, so that all see the
// same machine. Prints "FOLDER samples-per-second", medians, a line a model.
#include <algorithm>
#include <chrono>
#include <cstdlib>
#include <cstring>
#include <iostream>
#include <memory>
#include <span>
#include <string>
#include <vector>

#include "absl/strings/numbers.h"
#include "engine/base/file_ops.h"
#include "engine/base/philox.h"
#include "engine/base/status.h"
#include "engine/formats/safetensors.h"
#include "engine/plan/predictor.h"
#include "proto/support/parse.h"

namespace gradus {
namespace {

constexpr int kRounds = 50;
constexpr size_t kLargestFile = size_t{1} << 30;

absl::StatusOr<std::vector<plan::NamedTensor>> TensorsOf(const std::string& file) {
  ASSIGN_OR_RETURN(const formats::SafetensorsView view,
                   formats::SafetensorsView::Parse(base::AsBytes(file)));
  std::vector<plan::NamedTensor> tensors;
  for (const formats::TensorInfo& info : view.tensors()) {
    const std::span<const std::byte> bytes = view.Bytes(info);
    plan::NamedTensor& tensor = tensors.emplace_back();
    tensor.name = info.name;
    tensor.shape = info.shape;
    tensor.values.resize(bytes.size() / sizeof(float));
    std::memcpy(tensor.values.data(), bytes.data(), bytes.size());
  }
  return tensors;
}

class Model {
 public:
  static absl::StatusOr<Model> Open(const std::string& folder, int64_t batch, int cores) {
    ASSIGN_OR_RETURN(
        const std::string definition,
        base::ReadFile(base::RealFiles(), base::JoinPath(folder, "model.json"), kLargestFile));
    ASSIGN_OR_RETURN(const v1::ModelSpec spec, support::Parse<v1::ModelSpec>(definition));
    ASSIGN_OR_RETURN(const graph::Graph graph, graph::Graph::Create(spec));
    ASSIGN_OR_RETURN(const std::string file,
                     base::ReadFile(base::RealFiles(),
                                    base::JoinPath(folder, "weights.safetensors"), kLargestFile));
    ASSIGN_OR_RETURN(const std::vector<plan::NamedTensor> weights, TensorsOf(file));
    Model model;
    ASSIGN_OR_RETURN(
        model.predictor_,
        plan::Predictor::Create(graph, weights,
                                {.batch_size = batch, .logical_shards = cores, .cores = cores}));
    model.batch_ = batch;
    base::PhiloxStream random({.seed = 1});
    for (int64_t i = 0; i < batch * graph.input_values(); ++i)
      model.inputs_.push_back(static_cast<float>(random.NextBelow(256)) / 255);
    model.outputs_.resize(static_cast<size_t>(batch * graph.output_values()));
    return model;
  }

  // Answers for a tenth of a second.
  absl::Status Run() {
    using Clock = std::chrono::steady_clock;
    const Clock::time_point begin = Clock::now();
    int64_t rows = 0;
    Clock::duration passed{};
    while (passed < std::chrono::milliseconds(100)) {
      RETURN_IF_ERROR(predictor_->Predict(inputs_.data(), batch_, outputs_.data()));
      rows += batch_;
      passed = Clock::now() - begin;
    }
    rates_.push_back(static_cast<double>(rows) / std::chrono::duration<double>(passed).count());
    return absl::OkStatus();
  }
  double MedianRate() {
    std::sort(rates_.begin(), rates_.end());
    return rates_[rates_.size() / 2];
  }

 private:
  Model() = default;

  std::unique_ptr<plan::Predictor> predictor_;
  int64_t batch_ = 0;
  std::vector<float> inputs_;
  std::vector<float> outputs_;
  std::vector<double> rates_;
};

absl::Status Measure(int64_t batch, int cores, const std::vector<std::string>& folders) {
  std::vector<Model> models;
  for (const std::string& folder : folders) {
    ASSIGN_OR_RETURN(Model model, Model::Open(folder, batch, cores));
    models.push_back(std::move(model));
  }
  for (int round = 0; round < kRounds; ++round) {
    for (Model& model : models) RETURN_IF_ERROR(model.Run());
  }
  for (size_t i = 0; i < models.size(); ++i)
    std::cout << folders[i] << ' ' << models[i].MedianRate() << '\n';
  return absl::OkStatus();
}

}  // namespace
}  // namespace gradus

int main(int argc, char** argv) {
  const std::vector<std::string> words(argv + 1, argv + argc);
  int64_t batch = 0;
  int cores = 0;
  if (words.size() < 3 || !absl::SimpleAtoi(words[0], &batch) ||
      !absl::SimpleAtoi(words[1], &cores)) {
    std::cerr << "usage: predict_rate BATCH CORES FOLDER...\n";
    return 2;
  }
  const absl::Status status = gradus::Measure(batch, cores, {words.begin() + 2, words.end()});
  if (!status.ok()) std::cerr << status.message() << '\n';
  return status.ok() ? EXIT_SUCCESS : EXIT_FAILURE;
}
