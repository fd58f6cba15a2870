// SPDX-License-Identifier: Apache-2.0
// A program without a loss, in which nothing trains.
#include "engine/plan/predictor.h"

#include <utility>

#include "absl/strings/str_cat.h"
#include "engine/base/status.h"
#include "engine/plan/program.h"
#include "engine/training/optimizers/kind.h"

namespace gradus::plan {
namespace {

absl::StatusOr<TrainSetup> SetupOf(const graph::Graph& graph, const PredictSetup& setup) {
  TrainSetup all{.batch_size = setup.batch_size,
                 .logical_shards = setup.logical_shards,
                 .cores = setup.cores,
                 .cpus = setup.cpus,
                 .trainable = std::vector<bool>(graph.nodes().size(), false)};
  // It never steps, but a program has an optimizer: the default one.
  RETURN_IF_ERROR(optimizers::Check(all.optimizer));
  return all;
}

class ProgramPredictor final : public Predictor {
 public:
  explicit ProgramPredictor(const graph::Graph& graph) : graph_(graph) {}

  absl::Status Build(std::span<const NamedTensor> weights, const PredictSetup& setup) {
    if (weights.size() != graph_.parameters().size()) {
      return absl::InvalidArgumentError(
          absl::StrCat(weights.size(), " weights for a network of ", graph_.parameters().size()));
    }
    ASSIGN_OR_RETURN(const TrainSetup all, SetupOf(graph_, setup));
    ASSIGN_OR_RETURN(program_, Program::Create(graph_, all));
    return program_->ImportWeights(weights);
  }

  absl::Status Predict(const float* inputs, int64_t rows, float* outputs) override {
    return program_->Predict(inputs, rows, outputs);
  }
  uint64_t memory_bytes() const override { return program_->memory_bytes(); }

 private:
  const graph::Graph graph_;
  std::unique_ptr<Program> program_;
};

}  // namespace

absl::StatusOr<std::unique_ptr<Predictor>> Predictor::Create(const graph::Graph& graph,
                                                             std::span<const NamedTensor> weights,
                                                             const PredictSetup& setup) {
  auto predictor = std::make_unique<ProgramPredictor>(graph);
  RETURN_IF_ERROR(predictor->Build(weights, setup));
  return predictor;
}

}  // namespace gradus::plan
