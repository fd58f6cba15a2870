// SPDX-License-Identifier: Apache-2.0
// Folds in memory; nothing is written before the outputs have agreed.
#include "engine/trainer/fold_run.h"

#include <algorithm>
#include <bit>
#include <cmath>
#include <memory>
#include <utility>
#include <vector>

#include "absl/strings/str_cat.h"
#include "engine/base/status.h"
#include "engine/graph/fold.h"
#include "engine/plan/predictor.h"
#include "engine/plan/tensor_list.h"
#include "engine/trainer/network.h"
#include "engine/trainer/views.h"
#include "engine/trainer/weights_file.h"

namespace gradus::trainer {
namespace {

// Layers that an event or a message names.
constexpr size_t kMostNamed = 1000;
constexpr size_t kMostExcuses = 4;
// The definition goes up in one message.
constexpr size_t kMostModelBytes = 900 << 10;

// How two networks' outputs differ.
struct Comparison {
  int64_t rows = 0;
  double largest = 0;  // NaN where one is no number
  int64_t row = 0;     // where that is
  int64_t output = 0;
};

absl::StatusOr<Network> OpenModel(const TrainerInputs& inputs) {
  absl::StatusOr<graph::Graph> graph = graph::Graph::Create(inputs.spec.model());
  if (!graph.ok()) return base::InField(graph.status(), "model");
  const auto index = inputs.models.find(inputs.spec.fold().model());
  if (index == inputs.models.end())
    return absl::FailedPreconditionError("the weights of fold.model are not known");
  return OpenNetwork(*graph, inputs.open_blob, index->second);
}

absl::Status NothingToFold(const std::string& model, const std::vector<graph::Unfolded>& unfolded) {
  std::string message = absl::StrCat(model, " has nothing to fold");
  for (size_t i = 0; i < std::min(unfolded.size(), kMostExcuses); ++i)
    absl::StrAppend(&message, i == 0 ? ": " : "; ", unfolded[i].layer, ": ", unfolded[i].why);
  if (unfolded.size() > kMostExcuses)
    absl::StrAppend(&message, "; and ", unfolded.size() - kMostExcuses, " more");
  return absl::FailedPreconditionError(message);
}

absl::Status CheckDefinition(const v1::ModelSpec& spec) {
  if (spec.ByteSizeLong() <= kMostModelBytes) return absl::OkStatus();
  return absl::OutOfRangeError(absl::StrCat("the folded network's definition takes ",
                                            spec.ByteSizeLong(), " bytes, at most ",
                                            kMostModelBytes, " can be published"));
}

absl::StatusOr<std::unique_ptr<plan::Predictor>> PredictorOf(const Network& network,
                                                             const TrainerInputs& inputs) {
  const int cores = std::max(inputs.spec.resources().cores(), 1);
  const auto shards =
      std::bit_floor(static_cast<unsigned>(std::min<int64_t>(cores, graph::kFoldBatch)));
  return plan::Predictor::Create(
      network.graph, network.weights,
      {.batch_size = graph::kFoldBatch,
       .logical_shards = static_cast<int>(shards),
       .cores = cores,
       .cpus =
           inputs.cpus.size() == static_cast<size_t>(cores) ? inputs.cpus : std::vector<int>()});
}

// Takes in the outputs of `count` rows from `first_row` on, one output behind the other.
void Compare(const graph::Graph& graph, const std::vector<float>& whole,
             const std::vector<float>& folded, int64_t count, int64_t first_row,
             Comparison& comparison) {
  int64_t before = 0;  // values of a row in the outputs before this one
  for (size_t output = 0; output < graph.outputs().size(); ++output) {
    const int64_t width = graph.output_values(output);
    for (int64_t i = 0; i < count * width; ++i) {
      const auto at = static_cast<size_t>(count * before + i);
      const double difference =
          std::abs(static_cast<double>(whole[at]) - static_cast<double>(folded[at]));
      if (std::isnan(comparison.largest) || difference <= comparison.largest) continue;
      comparison.largest = difference;
      comparison.row = first_row + i / width;
      comparison.output = before + i % width;
    }
    before += width;
  }
}

int64_t OutputValues(const graph::Graph& graph) {
  int64_t values = 0;
  for (size_t i = 0; i < graph.outputs().size(); ++i) values += graph.output_values(i);
  return values;
}

// Ends early when `control` asks for an end.
absl::StatusOr<Comparison> CompareOutputs(const Network& whole, const Network& folded,
                                          const TrainerInputs& inputs, const Control& control) {
  ASSIGN_OR_RETURN(const std::shared_ptr<const data::View> view,
                   OpenInputs(inputs, "test", inputs.spec.data().test(), whole.graph));
  ASSIGN_OR_RETURN(const auto of_whole, PredictorOf(whole, inputs));
  ASSIGN_OR_RETURN(const auto of_folded, PredictorOf(folded, inputs));
  const int64_t width = OutputValues(whole.graph);
  std::vector<float> rows(static_cast<size_t>(graph::kFoldBatch * view->input_elements()));
  std::vector<float> expected(static_cast<size_t>(graph::kFoldBatch * width));
  std::vector<float> found = expected;
  Comparison comparison;
  while (comparison.rows < view->rows() && control.request() == Control::Request::kNone) {
    const int64_t count = std::min(graph::kFoldBatch, view->rows() - comparison.rows);
    float* to = rows.data();
    for (size_t input = 0; input < view->inputs(); ++input) {
      for (int64_t i = 0; i < count; ++i, to += view->input_elements(input))
        view->GatherInput(comparison.rows + i, to, input);
    }
    RETURN_IF_ERROR(of_whole->Predict(rows.data(), count, expected.data()));
    RETURN_IF_ERROR(of_folded->Predict(rows.data(), count, found.data()));
    Compare(whole.graph, expected, found, count, comparison.rows, comparison);
    comparison.rows += count;
  }
  return comparison;
}

// All but the comparison.
v1::Event EventOf(const graph::Folded& folded) {
  v1::Event event;
  v1::ModelFolded& told = *event.mutable_model_folded();
  for (size_t i = 0; i < std::min(folded.folded.size(), kMostNamed); ++i)
    told.add_folded(folded.folded[i]);
  for (size_t i = 0; i < std::min(folded.unfolded.size(), kMostNamed); ++i) {
    v1::UnfoldedLayer& layer = *told.add_unfolded();
    layer.set_layer(folded.unfolded[i].layer);
    layer.set_reason(folded.unfolded[i].why);
  }
  return event;
}

absl::Status CheckDifference(const v1::Fold& fold, const Comparison& comparison) {
  if (comparison.largest <= fold.max_difference()) return absl::OkStatus();
  return absl::OutOfRangeError(absl::StrCat(
      "the outputs of the folded network differ by up to ", comparison.largest, " from those of ",
      fold.model(), " (row ", comparison.row, " of data.test, output ", comparison.output,
      "), more than fold.max_difference, ", fold.max_difference(), ": nothing is published"));
}

TrainResult Ended(Control::Request request) {
  TrainResult ended;
  ended.outcome = request == Control::Request::kStop ? TrainResult::Outcome::kStopped
                                                     : TrainResult::Outcome::kCancelled;
  return ended;
}

}  // namespace

absl::StatusOr<TrainResult> FoldModel(const TrainerInputs& inputs, Control& control,
                                      Callback& callback) {
  const v1::Fold& fold = inputs.spec.fold();
  ASSIGN_OR_RETURN(const Network whole, OpenModel(inputs));
  ASSIGN_OR_RETURN(graph::Folded folding, FoldNetwork(whole));
  if (folding.folded.empty()) return NothingToFold(fold.model(), folding.unfolded);
  v1::Event event = EventOf(folding);
  RETURN_IF_ERROR(CheckDefinition(folding.spec));
  ASSIGN_OR_RETURN(const Network folded, NetworkOf(std::move(folding)));
  ASSIGN_OR_RETURN(const Comparison comparison, CompareOutputs(whole, folded, inputs, control));
  if (control.request() != Control::Request::kNone) return Ended(control.request());

  v1::ModelFolded& told = *event.mutable_model_folded();
  told.set_params_before(whole.graph.total_params());
  told.set_params_after(folded.graph.total_params());
  told.set_rows(comparison.rows);
  told.set_largest_difference(comparison.largest);
  callback.OnEvent(event);
  RETURN_IF_ERROR(CheckDifference(fold, comparison));

  TrainResult result{.metrics = {{"largest_difference", comparison.largest}}};
  result.model = folded.graph.spec();
  result.weights_sha256 = plan::WeightsSha256(folded.weights);
  ASSIGN_OR_RETURN(result.weights,
                   WriteWeights(*inputs.files, inputs.work_dir, "weights", folded.weights));
  return result;
}

}  // namespace gradus::trainer
