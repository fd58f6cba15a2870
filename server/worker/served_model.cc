// SPDX-License-Identifier: Apache-2.0
#include "server/worker/served_model.h"

#include <algorithm>
#include <bit>
#include <chrono>
#include <utility>
#include <vector>

#include "engine/base/status.h"
#include "engine/graph/graph.h"
#include "engine/plan/predictor.h"
#include "engine/trainer/network.h"

namespace gradus::worker {
namespace {

// Rows that are worth gathering.
constexpr int64_t kMostRows = 256;
// A batch of more than one row takes no longer, and what its layers give takes no more memory.
constexpr std::chrono::milliseconds kLongestBatch{10};
// What happens beside makes a batch slower, never faster: the least time of so many counts.
constexpr int kMeasured = 3;
constexpr int64_t kMostValues = (int64_t{64} << 20) / 4;

// A batch's rows as far as memory goes.
int64_t RowsFor(const graph::Graph& graph) {
  int64_t values = graph.input_values();
  for (const graph::Node& node : graph.nodes()) {
    values += graph::CountOf(node.output_shape);
    if (values >= kMostValues) return 1;
  }
  const auto rows = static_cast<uint64_t>(std::clamp<int64_t>(kMostValues / values, 1, kMostRows));
  return static_cast<int64_t>(std::bit_floor(rows));
}

absl::StatusOr<trainer::Network> Prepare(const v1::ServeSetup& setup,
                                         const data::BlobOpener& open_blob) {
  ASSIGN_OR_RETURN(const graph::Graph graph, graph::Graph::Create(setup.model()));
  ASSIGN_OR_RETURN(trainer::Network whole, trainer::OpenNetwork(graph, open_blob, setup.weights()));
  if (!graph::MayFold(graph)) return whole;
  ASSIGN_OR_RETURN(graph::Folded folded, trainer::FoldNetwork(whole));
  if (folded.folded.empty()) return whole;
  return trainer::NetworkOf(std::move(folded));
}

class PredictingModel final : public ServedModel {
 public:
  absl::Status Build(const trainer::Network& network) {
    for (const graph::ModelInput& input : network.graph.inputs())
      batches_.inputs.push_back(input.values);
    for (size_t i = 0; i < network.graph.outputs().size(); ++i)
      batches_.outputs.push_back(network.graph.output_values(i));
    const int64_t most = RowsFor(network.graph);
    ASSIGN_OR_RETURN(predictor_,
                     plan::Predictor::Create(network.graph, network.weights, {.batch_size = most}));
    return WarmUp(most);
  }

  BatchModel batches() override {
    BatchModel batches = batches_;
    batches.predict = [this](const float* inputs, int64_t rows, float* outputs) {
      return predictor_->Predict(inputs, rows, outputs);
    };
    return batches;
  }

 private:
  // Compiles for 1, 2, 4, ... rows as long as a batch of them takes no longer than it may.
  absl::Status WarmUp(int64_t most) {
    using Clock = std::chrono::steady_clock;
    std::vector<float> inputs, outputs;
    for (int64_t rows = 1; rows <= most; rows *= 2) {
      for (const auto& [buffer, widths] :
           {std::pair(&inputs, &batches_.inputs), std::pair(&outputs, &batches_.outputs)}) {
        int64_t values = 0;
        for (const int64_t width : *widths) values += rows * width;
        buffer->assign(static_cast<size_t>(values), 0);
      }
      RETURN_IF_ERROR(predictor_->Predict(inputs.data(), rows, outputs.data()));
      auto least = Clock::duration::max();
      for (int i = 0; i < kMeasured && rows > 1 && least > kLongestBatch; ++i) {
        const Clock::time_point begin = Clock::now();
        RETURN_IF_ERROR(predictor_->Predict(inputs.data(), rows, outputs.data()));
        least = std::min(least, Clock::now() - begin);
      }
      if (rows > 1 && least > kLongestBatch) break;
      batches_.max_rows = rows;
    }
    return absl::OkStatus();
  }

  std::unique_ptr<plan::Predictor> predictor_;
  BatchModel batches_;
};

}  // namespace

absl::StatusOr<std::unique_ptr<ServedModel>> ServedModel::Load(const v1::ServeSetup& setup,
                                                               const data::BlobOpener& open_blob) {
  ASSIGN_OR_RETURN(const trainer::Network network, Prepare(setup, open_blob));
  auto model = std::make_unique<PredictingModel>();
  RETURN_IF_ERROR(model->Build(network));
  return model;
}

}  // namespace gradus::worker
