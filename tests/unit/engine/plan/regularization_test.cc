// SPDX-License-Identifier: Apache-2.0
// What regularizers, constraints and rate factors of layers do to a step.
#include <gtest/gtest.h>

#include <cmath>
#include <functional>

#include "engine/plan/executable.h"
#include "engine/training/constraints/kind.h"
#include "engine/training/regularizers/kind.h"
#include "tests/unit/engine/plan/nets.h"

namespace gradus::plan {
namespace {

constexpr int64_t kRows = 24;
constexpr double kRounding = 2e-6;

struct Cut {
  int shards;
  int cores;
};
constexpr Cut kCuts[] = {{1, 1}, {1, 2}, {4, 1}, {4, 2}};

// Classifier({17, 33, 20, 5}) with its layers changed.
graph::Graph Changed(const std::function<void(v1::ModelSpec&)>& change) {
  v1::ModelSpec spec = Classifier({17, 33, 20, 5}).spec();
  change(spec);
  return graph::Graph::Create(spec).value();
}
graph::Graph Unchanged() {
  return Changed([](v1::ModelSpec&) {});
}

using Settings = std::function<void(TrainSetup&)>;

// One step of gradient descent with a rate of 1.
struct Stepped {
  std::vector<NamedTensor> before;
  std::vector<NamedTensor> after;
  Totals train;
  // Of the weights before.
  Totals evaluated;
};
Stepped Step(const graph::Graph& graph, const Cut& cut, const Settings& settings = nullptr) {
  TrainSetup setup = ClassifierSetup(kRows, cut.shards, cut.cores);
  setup.optimizer.mutable_sgd()->set_learning_rate(1);
  if (settings != nullptr) settings(setup);
  const auto executable = Executable::Create(graph, setup).value();
  executable->InitializeWeights(3);
  Stepped stepped;
  stepped.before = executable->ExportWeights();
  const Rows rows(graph, kRows, 1);
  EXPECT_TRUE(executable->EvalStep(rows.batch(), &stepped.evaluated).ok());
  EXPECT_TRUE(executable->TrainStep(rows.batch(), &stepped.train).ok());
  stepped.after = executable->ExportWeights();
  return stepped;
}

std::vector<double> Doubles(const NamedTensor& tensor) {
  return {tensor.values.begin(), tensor.values.end()};
}

// d/dw of the reference's term, where it has no kink.
double Slope(const regularizers::RegularizerKind& kind, const v1::Regularizer& spec, double w) {
  constexpr double kStep = 1e-6;
  const std::vector<double> above = {w + kStep};
  const std::vector<double> below = {w - kStep};
  return (kind.reference(spec, above) - kind.reference(spec, below)) / (2 * kStep);
}

std::vector<v1::Regularizer> AllRegularizers() {
  std::vector<v1::Regularizer> all;
  for (const regularizers::RegularizerKind* kind : regularizers::Table()) {
    for (const v1::Regularizer& sample : kind->samples()) {
      all.push_back(sample);
      EXPECT_TRUE(regularizers::Check(all.back()).ok());
    }
  }
  return all;
}

TEST(Regularization, AddsItsTermToLossAndGradient) {
  for (const v1::Regularizer& spec : AllRegularizers()) {
    SCOPED_TRACE(spec.ShortDebugString());
    const regularizers::RegularizerKind& kind = *regularizers::Find(spec);
    const graph::Graph graph = Changed([&](v1::ModelSpec& model) {
      *model.mutable_layers(1)->mutable_dense()->mutable_kernel_regularizer() = spec;
      *model.mutable_layers(1)->mutable_dense()->mutable_bias_regularizer() = spec;
    });
    for (const Cut& cut : kCuts) {
      const Stepped plain = Step(Unchanged(), cut);
      const Stepped regularized = Step(graph, cut);
      const double term = kind.reference(spec, Doubles(plain.before[2])) +
                          kind.reference(spec, Doubles(plain.before[3]));
      EXPECT_NEAR(regularized.train.loss - plain.train.loss, term * kRows, 1e-5 * term * kRows);
      EXPECT_NEAR(regularized.evaluated.loss - plain.evaluated.loss, term * kRows,
                  1e-5 * term * kRows);
      for (size_t i = 0; i < plain.after.size(); ++i) {
        for (size_t k = 0; k < plain.after[i].values.size(); ++k) {
          const double w = static_cast<double>(plain.before[i].values[k]);
          const double slope = i == 2 || i == 3 ? Slope(kind, spec, w) : 0;
          EXPECT_NEAR(static_cast<double>(regularized.after[i].values[k]),
                      static_cast<double>(plain.after[i].values[k]) - slope, kRounding)
              << plain.after[i].name;
        }
      }
    }
  }
}

// Nearly all of the gradient is the regularizer's: what is left after clipping points along the
// weights.
TEST(Regularization, IsPartOfTheGradientThatIsClipped) {
  const graph::Graph graph = Changed([](v1::ModelSpec& model) {
    model.mutable_layers(0)->mutable_dense()->mutable_kernel_regularizer()->mutable_l2()->set_l2(
        1e6);
  });
  for (const Cut& cut : kCuts) {
    const Stepped clipped = Step(
        graph, cut, [](TrainSetup& setup) { setup.optimizer.mutable_sgd()->set_clipnorm(0.5); });
    const std::vector<double> before = Doubles(clipped.before[0]);
    double square = 0;
    for (const double w : before) square += w * w;
    for (size_t k = 0; k < before.size(); ++k) {
      EXPECT_NEAR(static_cast<double>(clipped.after[0].values[k]),
                  before[k] * (1 - 0.5 / std::sqrt(square)), 1e-5);
    }
  }
}

TEST(Regularization, LeavesFrozenLayersOut) {
  const graph::Graph graph = Changed([](v1::ModelSpec& model) {
    model.mutable_layers(0)->mutable_dense()->mutable_kernel_regularizer()->mutable_l2();
  });
  const Settings freeze = [](TrainSetup& setup) { setup.trainable = {false, true, true}; };
  const Stepped plain = Step(Unchanged(), {1, 1}, freeze);
  const Stepped frozen = Step(graph, {1, 1}, freeze);
  EXPECT_EQ(frozen.train.loss, plain.train.loss);
  EXPECT_EQ(frozen.after[0].values, plain.after[0].values);
}

TEST(Constraints, HoldForWhatAStepHasMade) {
  for (const constraints::ConstraintKind* kind : constraints::Table()) {
    for (v1::Constraint spec : kind->samples()) {
      ASSERT_TRUE(constraints::Check(spec).ok());
      SCOPED_TRACE(spec.ShortDebugString());
      const graph::Graph graph = Changed([&](v1::ModelSpec& model) {
        *model.mutable_layers(1)->mutable_dense()->mutable_kernel_constraint() = spec;
        *model.mutable_layers(1)->mutable_dense()->mutable_bias_constraint() = spec;
      });
      for (const Cut& cut : kCuts) {
        const Stepped plain = Step(Unchanged(), cut);
        const Stepped constrained = Step(graph, cut);
        for (size_t i = 0; i < plain.after.size(); ++i) {
          std::vector<double> expected = Doubles(plain.after[i]);
          // A kernel (inputs, units) by its units, a bias as a whole.
          const size_t vectors = i == 2 ? 20 : 1;
          for (size_t v = 0; v < vectors && (i == 2 || i == 3); ++v) {
            std::vector<double> vector;
            for (size_t k = v; k < expected.size(); k += vectors) vector.push_back(expected[k]);
            kind->reference(spec, vector);
            for (size_t k = v; k < expected.size(); k += vectors) expected[k] = vector[k / vectors];
          }
          for (size_t k = 0; k < expected.size(); ++k)
            EXPECT_NEAR(static_cast<double>(constrained.after[i].values[k]), expected[k],
                        kRounding);
        }
      }
    }
  }
}

TEST(RateFactors, MultiplyTheRateOfTheirLayer) {
  const graph::Graph graph = Changed([](v1::ModelSpec& model) {
    model.mutable_layers(0)->set_learning_rate_factor(0);
    model.mutable_layers(1)->set_learning_rate_factor(0.25);
  });
  const double factors[] = {0, 0, 0.25, 0.25, 1, 1};
  for (const Cut& cut : kCuts) {
    const Stepped plain = Step(Unchanged(), cut);
    const Stepped slowed = Step(graph, cut);
    EXPECT_EQ(slowed.after[0].values, plain.before[0].values);
    for (size_t i = 0; i < plain.after.size(); ++i) {
      for (size_t k = 0; k < plain.after[i].values.size(); ++k) {
        const double before = static_cast<double>(plain.before[i].values[k]);
        const double change = static_cast<double>(plain.after[i].values[k]) - before;
        EXPECT_NEAR(static_cast<double>(slowed.after[i].values[k]), before + factors[i] * change,
                    kRounding);
      }
    }
  }
}

TEST(RateFactors, ReachTheRateThatAdamCorrects) {
  const graph::Graph graph =
      Changed([](v1::ModelSpec& model) { model.mutable_layers(1)->set_learning_rate_factor(0.5); });
  // Adam's first step is as long as its rate, nearly.
  const Stepped stepped = Step(graph, {1, 1}, [](TrainSetup& setup) {
    setup.optimizer.mutable_adam()->set_learning_rate(0.1);
    setup.optimizer.mutable_adam()->set_epsilon(1e-20);
  });
  for (size_t i = 0; i < stepped.after.size(); ++i) {
    double most = 0;
    for (size_t k = 0; k < stepped.after[i].values.size(); ++k)
      most = std::max(most, std::abs(static_cast<double>(stepped.after[i].values[k]) -
                                     static_cast<double>(stepped.before[i].values[k])));
    EXPECT_NEAR(most, i == 2 || i == 3 ? 0.05 : 0.1, 1e-4);
  }
}

}  // namespace
}  // namespace gradus::plan
