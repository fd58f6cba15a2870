// SPDX-License-Identifier: Apache-2.0
// Every layer in a real plan, with every loss and optimizer: one step is the reference's step;
// frozen weights stay; what is saved and loaded goes on to the same bits.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <cstring>
#include <utility>

#include "absl/strings/str_cat.h"
#include "engine/formats/safetensors.h"
#include "engine/formats/safetensors_writer.h"
#include "engine/plan/executable.h"
#include "engine/plan/predictor.h"
#include "engine/training/metrics/metric_set.h"
#include "engine/training/optimizers/kind.h"
#include "engine/training/optimizers/settings.h"
#include "tests/conformance/agreement.h"
#include "tests/conformance/draws.h"
#include "tests/conformance/network.h"
#include "tests/conformance/plan_case.h"

namespace gradus::conformance {
namespace {

using plan::Executable;
using plan::NamedTensor;
using ::testing::IsEmpty;
using ::testing::Not;

constexpr int64_t kFull = 32;
constexpr int64_t kBatches[] = {1, 5, kFull};

// Who shares the work.
struct Cut {
  int shards;
  int cores;
};
constexpr Cut kCuts[] = {{1, 1}, {1, 2}, {4, 2}};

std::unique_ptr<Executable> Make(const PlanCase& tested, const plan::TrainSetup& setup) {
  auto executable = Executable::Create(tested.graph, setup);
  EXPECT_TRUE(executable.ok()) << executable.status();
  EXPECT_TRUE((*executable)->ImportWeights(DrawWeights(tested.graph)).ok());
  return *std::move(executable);
}

// What the optimizer makes of a weight whose gradient is known to lie within `error` of `gradient`.
std::pair<double, double> NewWeight(const v1::Optimizer& spec, double weight, double gradient,
                                    double error) {
  const optimizers::OptimizerKind& kind = *optimizers::Find(spec);
  const optimizers::Common common = optimizers::CommonOf(spec);
  const double start = kind.slot_start == nullptr ? 0 : static_cast<double>(kind.slot_start(spec));
  std::pair<double, double> range = {INFINITY, -INFINITY};
  std::vector<double> gradients = {gradient - error, gradient, gradient + error};
  // Some rules go by the sign alone.
  if (std::abs(gradient) < error) gradients.push_back(0);
  for (const double g : gradients) {
    std::vector<double> slots(kind.slots(spec).size(), start);
    double value = weight - weight * common.weight_decay * kind.learning_rate(spec);
    kind.reference(spec, g, 0, value, slots);
    range = {std::min(range.first, value), std::max(range.second, value)};
  }
  return range;
}

// The first step's weights, where `trains` has the weight's layer.
void ExpectStep(const PlanCase& tested, const StepReference& reference,
                const std::vector<bool>& trains, const std::vector<NamedTensor>& found) {
  const std::vector<NamedTensor> before = DrawWeights(tested.graph);
  ASSERT_EQ(found.size(), before.size());
  for (size_t i = 0; i < found.size(); ++i) {
    const graph::Parameter& parameter = tested.graph.parameters()[i];
    if (!trains[static_cast<size_t>(parameter.layer)]) {
      EXPECT_EQ(found[i].values, before[i].values) << found[i].name << " is frozen";
      continue;
    }
    if (parameter.statistic) {
      std::vector<double> moved = Doubles(before[i].values);
      const std::vector<double>& said = reference.statistics[i];
      for (size_t k = 0; k < moved.size() && !said.empty(); ++k)
        moved[k] = parameter.momentum * moved[k] + (1 - parameter.momentum) * said[k];
      EXPECT_TRUE(Agree(found[i].values, std::span<const double>(moved))) << found[i].name;
      continue;
    }
    const Gradient& gradient = reference.gradients[i];
    const double largest = gradient.Largest();
    for (size_t k = 0; k < gradient.coordinates.size(); ++k) {
      const size_t at = gradient.coordinates[k];
      const double start = static_cast<double>(before[i].values[at]);
      const auto [least, most] =
          NewWeight(tested.optimizer, start, gradient.slopes[k].value,
                    kTolerance * largest + kNothing + gradient.slopes[k].slack);
      const double rounding = 1e-6 * (std::abs(start) + std::abs(most - start)) + kNothing;
      EXPECT_GE(static_cast<double>(found[i].values[at]), least - rounding) << found[i].name;
      EXPECT_LE(static_cast<double>(found[i].values[at]), most + rounding) << found[i].name;
    }
  }
}

std::vector<bool> All(const PlanCase& tested) {
  return std::vector<bool>(tested.graph.nodes().size(), true);
}

void ExpectFigures(const StepReference& reference, const metrics::MetricSet& set,
                   const plan::Totals& totals, metrics::Occasion occasion) {
  for (size_t i = 0; i < set.size(); ++i) {
    if (occasion < set.kind(i).from) continue;
    SCOPED_TRACE(set.spec(i).ShortDebugString());
    const std::vector<metrics::Figure> found = set.FiguresOf(i, totals.metrics[i], totals.rows);
    const std::vector<std::optional<double>>& expected = reference.figures[i];
    ASSERT_EQ(found.size(), expected.size());
    for (size_t k = 0; k < found.size(); ++k) {
      if (!expected[k].has_value()) continue;
      EXPECT_TRUE(
          Agrees(found[k].value, *expected[k], kTolerance * std::abs(*expected[k]) + kNothing));
    }
  }
}

// Where training draws random numbers, an evaluation is compared.
void ExpectReferencesStep(const PlanCase& tested, int64_t count, const Cut& cut) {
  SCOPED_TRACE(absl::StrCat(tested.name, ", ", count, " rows, ", cut.shards, " shards, ", cut.cores,
                            " cores"));
  const Rows rows = DrawRows(tested.graph, tested.loss, count, 7, tested.whole_below);
  const StepReference reference =
      Network(tested.graph, tested.loss, DrawWeights(tested.graph))
          .Step(rows, tested.metrics, {.training = !tested.random, .shards = cut.shards});
  const auto executable = Make(tested, tested.Setup(kFull, cut.shards, cut.cores));
  plan::Totals totals;
  ASSERT_TRUE((tested.random ? executable->EvalStep(rows.batch(), &totals)
                             : executable->TrainStep(rows.batch(), &totals))
                  .ok());
  EXPECT_EQ(totals.rows, count);
  EXPECT_TRUE(
      Agrees(totals.loss, reference.loss, kTolerance * std::abs(reference.loss) + kNothing));
  ExpectFigures(reference, executable->metrics(), totals,
                tested.random ? metrics::Occasion::kTest : metrics::Occasion::kEpoch);
  if (!tested.random) ExpectStep(tested, reference, All(tested), executable->ExportWeights());
}

class Plans : public testing::TestWithParam<const layers::LayerKind*> {};

INSTANTIATE_TEST_SUITE_P(Kinds, Plans,
                         testing::ValuesIn(layers::Table().begin(), layers::Table().end()),
                         [](const auto& tested) { return layers::Word(*tested.param); });

TEST_P(Plans, TakeTheReferencesStepInEveryBatch) {
  const std::vector<PlanCase> cases = AloneCases(*GetParam());
  EXPECT_THAT(cases, Not(IsEmpty())) << "no loss fits any sample";
  for (const PlanCase& tested : cases) {
    for (const int64_t count : kBatches) {
      for (const Cut& cut : kCuts) ExpectReferencesStep(tested, count, cut);
    }
  }
}

TEST_P(Plans, PredictTheReferencesOutputs) {
  std::string last;
  for (const PlanCase& tested : AloneCases(*GetParam())) {
    // Cases differ in their losses, too.
    const std::string network = tested.graph.spec().SerializeAsString();
    if (std::exchange(last, network) == network) continue;
    const std::vector<NamedTensor> weights = DrawWeights(tested.graph);
    for (const int64_t count : kBatches) {
      const Rows rows = DrawRows(tested.graph, tested.loss, count, 7, tested.whole_below);
      const std::vector<double> expected =
          Network(tested.graph, tested.loss, weights).Outputs(rows);
      for (const Cut& cut : kCuts) {
        SCOPED_TRACE(absl::StrCat(tested.name, ", ", count, " rows, ", cut.shards, " shards"));
        const auto predictor = plan::Predictor::Create(
            tested.graph, weights,
            {.batch_size = kFull, .logical_shards = cut.shards, .cores = cut.cores});
        ASSERT_TRUE(predictor.ok()) << predictor.status();
        std::vector<float> found(expected.size());
        ASSERT_TRUE((*predictor)->Predict(rows.inputs.data(), count, found.data()).ok());
        EXPECT_TRUE(Agree(found, expected));
      }
    }
  }
}

TEST_P(Plans, AddUpWhatTwoUsesOfALayerSayOfItsWeights) {
  for (const PlanCase& tested : SharedCases(*GetParam())) {
    for (const Cut& cut : kCuts) ExpectReferencesStep(tested, kFull, cut);
  }
}

TEST_P(Plans, LeaveFrozenWeightsAloneAndPassGradientsThroughThem) {
  const std::vector<PlanCase> cases = BehindCases(*GetParam());
  if (cases.empty()) GTEST_SKIP() << "no layer with weights can come before it";
  for (const PlanCase& tested : cases) {
    const Rows rows = DrawRows(tested.graph, tested.loss, kFull, 7, tested.whole_below);
    for (const std::vector<bool>& trains :
         {std::vector<bool>{true, true}, {true, false}, {false, true}, {false, false}}) {
      for (const Cut& cut : kCuts) {
        if (tested.random) continue;
        SCOPED_TRACE(absl::StrCat(tested.name, ", ", cut.shards, " shards, ", cut.cores,
                                  " cores, training ", trains[0], trains[1]));
        const StepReference reference =
            Network(tested.graph, tested.loss, DrawWeights(tested.graph))
                .Step(rows, tested.metrics, {.shards = cut.shards, .trains = trains});
        plan::TrainSetup setup = tested.Setup(kFull, cut.shards, cut.cores);
        setup.trainable = trains;
        const auto executable = Make(tested, setup);
        plan::Totals totals;
        ASSERT_TRUE(executable->TrainStep(rows.batch(), &totals).ok());
        EXPECT_TRUE(
            Agrees(totals.loss, reference.loss, kTolerance * std::abs(reference.loss) + kNothing));
        ExpectStep(tested, reference, trains, executable->ExportWeights());
      }
    }
  }
}

// Through the bytes of a file.
std::vector<NamedTensor> SavedAndLoaded(const std::vector<NamedTensor>& tensors) {
  std::vector<formats::TensorInfo> infos;
  for (const NamedTensor& tensor : tensors)
    infos.push_back({.name = tensor.name, .dtype = "F32", .shape = tensor.shape});
  std::vector<std::byte> file;
  auto writer =
      formats::SafetensorsWriter::Create(infos, {}, [&file](std::span<const std::byte> bytes) {
        file.insert(file.end(), bytes.begin(), bytes.end());
        return absl::OkStatus();
      });
  EXPECT_TRUE(writer.ok()) << writer.status();
  for (const NamedTensor& tensor : tensors)
    EXPECT_TRUE(writer->Append(std::span<const float>(tensor.values)).ok());
  EXPECT_TRUE(writer->Finish().ok());
  const auto view = formats::SafetensorsView::Parse(file);
  EXPECT_TRUE(view.ok()) << view.status();
  std::vector<NamedTensor> loaded;
  for (const formats::TensorInfo& info : view->tensors()) {
    const std::span<const std::byte> bytes = view->Bytes(info);
    NamedTensor& tensor = loaded.emplace_back(
        NamedTensor{info.name, info.shape, std::vector<float>(bytes.size() / sizeof(float))});
    std::memcpy(tensor.values.data(), bytes.data(), bytes.size());
  }
  return loaded;
}

void Train(Executable& executable, const PlanCase& tested, int steps, uint32_t stream) {
  plan::Totals totals;
  for (int step = 0; step < steps; ++step) {
    const Rows rows = DrawRows(tested.graph, tested.loss, kFull,
                               stream + 2 * static_cast<uint32_t>(step), tested.whole_below);
    ASSERT_TRUE(executable.TrainStep(rows.batch(), &totals).ok());
  }
}

// The loss of each of some rows by itself, which follows from the row's output.
std::vector<double> LossOfEachRow(Executable& executable, const PlanCase& tested) {
  const Rows rows = DrawRows(tested.graph, tested.loss, 9, 90, tested.whole_below);
  std::vector<double> losses;
  for (int64_t row = 0; row < rows.rows; ++row) {
    plan::Totals totals;
    EXPECT_TRUE(executable
                    .EvalStep({rows.inputs.data() + row * tested.graph.input_values(),
                               rows.targets.From(row), 1},
                              &totals)
                    .ok());
    losses.push_back(totals.loss);
  }
  return losses;
}

TEST_P(Plans, GiveTheSameOutputsAndStepsAfterSavingAndLoading) {
  for (const PlanCase& tested : AloneCases(*GetParam())) {
    SCOPED_TRACE(tested.name);
    const plan::TrainSetup setup = tested.Setup(kFull, 2, 2);
    const auto whole = Make(tested, setup);
    Train(*whole, tested, 2, 100);
    const std::vector<NamedTensor> weights = SavedAndLoaded(whole->ExportWeights());
    // In another plan the weights may lie otherwise; they are the same all the same.
    const auto other = Make(tested, tested.Setup(3, 1, 1));
    ASSERT_TRUE(other->ImportWeights(weights).ok());
    EXPECT_EQ(plan::WeightsSha256(other->ExportWeights()),
              plan::WeightsSha256(whole->ExportWeights()));
    const auto next = Make(tested, setup);
    ASSERT_TRUE(next->ImportWeights(weights).ok());
    ASSERT_TRUE(next->ImportSlots(SavedAndLoaded(whole->ExportSlots())).ok());
    next->SetOptimizerSteps(whole->optimizer_steps());
    next->SetRunSteps(whole->run_steps());
    EXPECT_EQ(LossOfEachRow(*next, tested), LossOfEachRow(*whole, tested));
    Train(*whole, tested, 2, 200);
    Train(*next, tested, 2, 200);
    EXPECT_EQ(plan::WeightsSha256(next->ExportWeights()),
              plan::WeightsSha256(whole->ExportWeights()));
  }
}

TEST_P(Plans, GiveTheSameBitsAgainHoweverManyCoresShareTheShards) {
  for (const PlanCase& tested : AloneCases(*GetParam())) {
    SCOPED_TRACE(tested.name);
    std::vector<std::string> digests;
    for (const int cores : {1, 2, 2}) {
      const auto executable = Make(tested, tested.Setup(kFull, 4, cores));
      Train(*executable, tested, 3, 300);
      digests.push_back(plan::WeightsSha256(executable->ExportWeights()));
    }
    EXPECT_EQ(digests[1], digests[0]) << "two cores";
    EXPECT_EQ(digests[2], digests[1]) << "again";
  }
}

}  // namespace
}  // namespace gradus::conformance
