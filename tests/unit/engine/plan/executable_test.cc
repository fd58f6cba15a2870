// SPDX-License-Identifier: Apache-2.0
// A compiled network trains as the formulas say, to the same bits however many cores share the
// shards.
#include "engine/plan/executable.h"

#include <gtest/gtest.h>

#include <map>

#include "tests/unit/engine/plan/nets.h"

namespace gradus::plan {
namespace {

const std::vector<int64_t> kSizes = {19, 33, 10, 7};

std::unique_ptr<Executable> Make(const graph::Graph& graph, const TrainSetup& setup,
                                 uint64_t seed = 5) {
  auto executable = Executable::Create(graph, setup).value();
  executable->InitializeWeights(seed);
  return executable;
}

// The classifier's training step in double precision, as plainly as can be.
class Reference {
 public:
  explicit Reference(const std::vector<NamedTensor>& weights) {
    for (size_t i = 0; i + 1 < weights.size(); i += 2) {
      layers_.push_back({weights[i].shape[0],
                         weights[i].shape[1],
                         {weights[i].values.begin(), weights[i].values.end()},
                         {weights[i + 1].values.begin(), weights[i + 1].values.end()},
                         {},
                         {}});
    }
  }

  // Returns the sum of the losses; changes the weights by -rate times the gradient of their mean,
  // where `trains` says so.
  double Step(const Rows& rows, double rate, const std::vector<bool>& trains) {
    std::vector<Dense> gradients = layers_;
    for (Dense& g : gradients) {
      std::fill(g.kernel.begin(), g.kernel.end(), 0.0);
      std::fill(g.bias.begin(), g.bias.end(), 0.0);
    }
    double loss = 0;
    for (int64_t row = 0; row < rows.rows; ++row) loss += AddRow(rows, row, gradients);
    for (size_t i = 0; i < layers_.size(); ++i) {
      if (!trains[i]) continue;
      const double step = rate / static_cast<double>(rows.rows);
      for (size_t k = 0; k < layers_[i].kernel.size(); ++k)
        layers_[i].kernel[k] -= step * gradients[i].kernel[k];
      for (size_t k = 0; k < layers_[i].bias.size(); ++k)
        layers_[i].bias[k] -= step * gradients[i].bias[k];
    }
    return loss;
  }

  double LargestDifference(const std::vector<NamedTensor>& weights) const {
    double worst = 0;
    for (size_t i = 0; i < layers_.size(); ++i) {
      for (size_t k = 0; k < layers_[i].kernel.size(); ++k)
        worst = std::max(
            worst, std::abs(layers_[i].kernel[k] - static_cast<double>(weights[2 * i].values[k])));
      for (size_t k = 0; k < layers_[i].bias.size(); ++k)
        worst = std::max(worst, std::abs(layers_[i].bias[k] -
                                         static_cast<double>(weights[2 * i + 1].values[k])));
    }
    return worst;
  }

 private:
  struct Dense {
    int64_t inputs, units;
    std::vector<double> kernel, bias, x, y;
  };

  double AddRow(const Rows& rows, int64_t row, std::vector<Dense>& gradients) {
    const auto width = static_cast<size_t>(layers_[0].inputs);
    std::vector<double> x(
        rows.inputs.begin() + row * layers_[0].inputs,
        rows.inputs.begin() + row * layers_[0].inputs + static_cast<int64_t>(width));
    for (size_t i = 0; i < layers_.size(); ++i) {
      Dense& layer = layers_[i];
      layer.x = x;
      layer.y.assign(static_cast<size_t>(layer.units), 0);
      for (size_t u = 0; u < layer.y.size(); ++u) {
        layer.y[u] = layer.bias[u];
        for (size_t k = 0; k < x.size(); ++k)
          layer.y[u] += x[k] * layer.kernel[k * layer.y.size() + u];
        if (i + 1 < layers_.size()) layer.y[u] = std::max(layer.y[u], 0.0);
      }
      x = layer.y;
    }
    const auto label = static_cast<size_t>(rows.labels[static_cast<size_t>(row)]);
    double sum = 0;
    for (const double logit : x) sum += std::exp(logit);
    const double loss = std::log(sum) - x[label];
    std::vector<double> diff(x.size());
    for (size_t u = 0; u < x.size(); ++u) diff[u] = std::exp(x[u]) / sum - (u == label ? 1 : 0);
    for (size_t i = layers_.size(); i-- > 0;) {
      const Dense& layer = layers_[i];
      std::vector<double> before(layer.x.size(), 0);
      for (size_t u = 0; u < diff.size(); ++u) {
        if (i + 1 < layers_.size() && layer.y[u] <= 0) continue;
        gradients[i].bias[u] += diff[u];
        for (size_t k = 0; k < before.size(); ++k) {
          gradients[i].kernel[k * diff.size() + u] += layer.x[k] * diff[u];
          before[k] += layer.kernel[k * diff.size() + u] * diff[u];
        }
      }
      diff = before;
    }
    return loss;
  }

  std::vector<Dense> layers_;
};

struct Cut {
  int shards;
  int cores;
};
class ShardsAndCores : public testing::TestWithParam<Cut> {};

TEST_P(ShardsAndCores, TrainAsTheFormulasSay) {
  const graph::Graph graph = Classifier(kSizes);
  auto executable = Make(graph, ClassifierSetup(32, GetParam().shards, GetParam().cores));
  Reference reference(executable->ExportWeights());
  Totals totals;
  double loss = 0;
  // A smaller batch between, down to fewer rows than shards.
  for (const int64_t count : {32, 32, 17, 3, 1, 32}) {
    const Rows rows(graph, count, static_cast<unsigned>(count));
    ASSERT_TRUE(executable->TrainStep(rows.batch(), &totals).ok());
    loss += reference.Step(rows, 0.1, {true, true, true});
  }
  EXPECT_LT(reference.LargestDifference(executable->ExportWeights()), 2e-5);
  EXPECT_NEAR(totals.loss, loss, 1e-3);
  EXPECT_EQ(totals.rows, 117);
}

TEST_P(ShardsAndCores, LeaveFrozenLayersAlone) {
  const graph::Graph graph = Classifier(kSizes);
  for (const std::vector<bool>& trains : {std::vector<bool>{false, true, true},
                                          {true, false, true},
                                          {true, true, false},
                                          {false, false, false}}) {
    TrainSetup setup = ClassifierSetup(32, GetParam().shards, GetParam().cores);
    setup.trainable = trains;
    auto executable = Make(graph, setup);
    Reference reference(executable->ExportWeights());
    const std::vector<NamedTensor> before = executable->ExportWeights();
    const Rows rows(graph, 32, 9);
    Totals totals;
    for (int i = 0; i < 3; ++i) {
      ASSERT_TRUE(executable->TrainStep(rows.batch(), &totals).ok());
      reference.Step(rows, 0.1, trains);
    }
    const std::vector<NamedTensor> after = executable->ExportWeights();
    EXPECT_LT(reference.LargestDifference(after), 2e-5);
    for (size_t i = 0; i < trains.size(); ++i)
      EXPECT_EQ(after[2 * i].values == before[2 * i].values, !trains[i]);
  }
}

INSTANTIATE_TEST_SUITE_P(Executable, ShardsAndCores,
                         testing::Values(Cut{1, 1}, Cut{1, 2}, Cut{2, 1}, Cut{2, 2}, Cut{8, 2}));

std::string BitsAfterTraining(int shards, int cores) {
  const graph::Graph graph = Classifier(kSizes);
  TrainSetup setup = ClassifierSetup(32, shards, cores);
  setup.optimizer.mutable_sgd()->set_momentum(0.9);
  auto executable = Make(graph, setup);
  Totals totals;
  for (unsigned step = 0; step < 20; ++step)
    EXPECT_TRUE(
        executable->TrainStep(Rows(graph, step % 5 == 4 ? 11 : 32, step).batch(), &totals).ok());
  return WeightsSha256(executable->ExportWeights());
}

TEST(Executable, GivesTheSameBitsHoweverManyCoresShareTheShards) {
  const std::string one = BitsAfterTraining(4, 1);
  EXPECT_EQ(BitsAfterTraining(4, 2), one);
  EXPECT_EQ(BitsAfterTraining(4, 3), one);
  EXPECT_EQ(BitsAfterTraining(4, 4), one);
  EXPECT_NE(BitsAfterTraining(2, 1), one);
}

TEST(Executable, GoesOnExactlyFromExportedWeightsAndSlots) {
  const graph::Graph graph = Classifier(kSizes);
  TrainSetup setup = ClassifierSetup(32, 2, 2);
  setup.optimizer.mutable_sgd()->set_momentum(0.9);
  setup.optimizer.mutable_sgd()->set_nesterov(true);
  auto whole = Make(graph, setup);
  Totals totals;
  for (unsigned step = 0; step < 4; ++step)
    ASSERT_TRUE(whole->TrainStep(Rows(graph, 32, step).batch(), &totals).ok());
  auto second = Executable::Create(graph, setup).value();
  ASSERT_TRUE(second->ImportWeights(whole->ExportWeights()).ok());
  ASSERT_TRUE(second->ImportSlots(whole->ExportSlots()).ok());
  for (unsigned step = 4; step < 8; ++step) {
    ASSERT_TRUE(whole->TrainStep(Rows(graph, 32, step).batch(), &totals).ok());
    ASSERT_TRUE(second->TrainStep(Rows(graph, 32, step).batch(), &totals).ok());
  }
  EXPECT_EQ(WeightsSha256(second->ExportWeights()), WeightsSha256(whole->ExportWeights()));
}

TEST(Executable, EvaluatesEachRowByItselfAndChangesNothing) {
  const graph::Graph graph = Classifier(kSizes);
  auto executable = Make(graph, ClassifierSetup(32, 2, 2));
  const std::string before = WeightsSha256(executable->ExportWeights());
  const Rows rows(graph, 32, 3);
  Totals together;
  ASSERT_TRUE(executable->EvalStep(rows.batch(), &together).ok());
  Totals alone;
  for (int64_t i = 0; i < 32; ++i) {
    ASSERT_TRUE(
        executable
            ->EvalStep({rows.inputs.data() + i * graph.input_values(), rows.labels.data() + i, 1},
                       &alone)
            .ok());
  }
  EXPECT_NEAR(alone.loss, together.loss, 1e-9 * std::abs(together.loss));
  EXPECT_EQ(alone.metrics[0], together.metrics[0]);
  EXPECT_EQ(WeightsSha256(executable->ExportWeights()), before);
}

TEST(Executable, KeepsWeightsAndWantedSlotsWhenReconfigured) {
  const graph::Graph graph = Classifier(kSizes);
  TrainSetup setup = ClassifierSetup(32, 2, 2);
  setup.optimizer.mutable_sgd()->set_momentum(0.9);
  auto executable = Make(graph, setup);
  Totals totals;
  ASSERT_TRUE(executable->TrainStep(Rows(graph, 32, 1).batch(), &totals).ok());
  std::map<std::string, std::vector<float>> slots;
  for (const NamedTensor& slot : executable->ExportSlots()) slots[slot.name] = slot.values;
  const std::string weights = WeightsSha256(executable->ExportWeights());
  setup.trainable = {false, true, true};
  ASSERT_TRUE(executable->Reconfigure(setup, /*keep_slots=*/true).ok());
  EXPECT_EQ(executable->optimizer_steps(), 1);
  EXPECT_EQ(WeightsSha256(executable->ExportWeights()), weights);
  const std::vector<NamedTensor> kept = executable->ExportSlots();
  EXPECT_EQ(kept.size(), 4u);
  for (const NamedTensor& slot : kept) EXPECT_EQ(slot.values, slots[slot.name]) << slot.name;
  ASSERT_TRUE(executable->Reconfigure(setup, /*keep_slots=*/false).ok());
  EXPECT_EQ(executable->optimizer_steps(), 0);
  for (const NamedTensor& slot : executable->ExportSlots())
    EXPECT_EQ(slot.values, std::vector<float>(slot.values.size(), 0.0F));
}

TEST(Executable, RefusesTensorsThatAreNotItsOwnAndStaysAsItWas) {
  const graph::Graph graph = Classifier(kSizes);
  TrainSetup setup = ClassifierSetup(32, 1, 1);
  setup.optimizer.mutable_sgd()->set_momentum(0.9);
  auto executable = Make(graph, setup);
  const std::string before = WeightsSha256(executable->ExportWeights());
  std::vector<NamedTensor> weights = executable->ExportWeights();
  weights[0].values.assign(weights[0].values.size(), 1.0F);
  weights[1].shape = {1};
  EXPECT_EQ(executable->ImportWeights(weights).code(), absl::StatusCode::kInvalidArgument);
  weights[1].name = "nobody/kernel";
  EXPECT_EQ(executable->ImportWeights(weights).code(), absl::StatusCode::kInvalidArgument);
  EXPECT_EQ(WeightsSha256(executable->ExportWeights()), before);
  std::vector<NamedTensor> slots = executable->ExportSlots();
  slots.pop_back();
  EXPECT_EQ(executable->ImportSlots(slots).code(), absl::StatusCode::kInvalidArgument);
  slots.push_back(slots[0]);
  EXPECT_EQ(executable->ImportSlots(slots).code(), absl::StatusCode::kInvalidArgument);
}

TEST(Executable, RefusesBatchesThatItWasNotMadeFor) {
  const graph::Graph graph = Classifier(kSizes);
  auto executable = Make(graph, ClassifierSetup(8, 1, 1));
  Totals totals;
  EXPECT_EQ(executable->TrainStep(Rows(graph, 9, 1).batch(), &totals).code(),
            absl::StatusCode::kInvalidArgument);
  EXPECT_EQ(executable->EvalStep(Rows(graph, 0, 1).batch(), &totals).code(),
            absl::StatusCode::kInvalidArgument);
}

TEST(Executable, NamesTheWeightThatIsNotANumber) {
  const graph::Graph graph = Classifier(kSizes);
  auto executable = Make(graph, ClassifierSetup(8, 1, 1));
  EXPECT_EQ(executable->FirstNonFiniteWeight(), "");
  std::vector<NamedTensor> weights = executable->ExportWeights();
  weights[2].values[5] = NAN;
  ASSERT_TRUE(executable->ImportWeights(weights).ok());
  EXPECT_EQ(executable->FirstNonFiniteWeight(), "dense_1/kernel");
}

TEST(Executable, DumpsThePlanWithoutWorkThatNobodyNeeds) {
  const graph::Graph graph = Classifier(kSizes);
  TrainSetup setup = ClassifierSetup(32, 1, 1);
  setup.trainable = {false, true, true};
  const std::string text = Make(graph, setup)->Dump(32, true).value();
  const auto count = [&](const std::string& word) {
    int found = 0;
    for (size_t at = text.find(word); at != std::string::npos; at = text.find(word, at + 1))
      ++found;
    return found;
  };
  EXPECT_EQ(count("inner_product_forward"), 3) << text;
  EXPECT_EQ(count("inner_product_backward_weights"), 2) << text;  // not for the frozen layer
  EXPECT_EQ(count("inner_product_backward_data"), 1)
      << text;                                           // nothing before the second layer trains
  EXPECT_EQ(count("softmax_cross_entropy"), 1) << text;  // one kernel on logits
  EXPECT_EQ(count("softmax_forward"), 0) << text;
}

}  // namespace
}  // namespace gradus::plan
