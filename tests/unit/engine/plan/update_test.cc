// SPDX-License-Identifier: Apache-2.0
// What is done to gradients and weights around the optimizer's own rule.
#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <functional>

#include "engine/plan/executable.h"
#include "tests/unit/engine/plan/nets.h"

namespace gradus::plan {
namespace {

constexpr int64_t kRows = 24;

using Change = std::function<void(v1::Sgd&)>;

// What one step of gradient descent with a rate of 1 changes each weight tensor by.
std::vector<std::vector<double>> Changes(int shards, int cores, const Change& change) {
  const graph::Graph graph = Classifier({17, 33, 20, 5});
  TrainSetup setup = ClassifierSetup(kRows, shards, cores);
  setup.optimizer.mutable_sgd()->set_learning_rate(1);
  change(*setup.optimizer.mutable_sgd());
  const auto executable = Executable::Create(graph, setup).value();
  executable->InitializeWeights(3);
  const std::vector<NamedTensor> before = executable->ExportWeights();
  Totals totals;
  EXPECT_TRUE(executable->TrainStep(Rows(graph, kRows, 1).batch(), &totals).ok());
  const std::vector<NamedTensor> after = executable->ExportWeights();
  std::vector<std::vector<double>> changes;
  for (size_t i = 0; i < before.size(); ++i) {
    std::vector<double>& tensor = changes.emplace_back();
    for (size_t k = 0; k < before[i].values.size(); ++k)
      tensor.push_back(static_cast<double>(after[i].values[k]) -
                       static_cast<double>(before[i].values[k]));
  }
  return changes;
}

double Length(const std::vector<double>& values) {
  double sum = 0;
  for (const double value : values) sum += value * value;
  return std::sqrt(sum);
}

constexpr double kRounding = 1e-6;

struct Cut {
  int shards;
  int cores;
};
constexpr Cut kCuts[] = {{1, 1}, {1, 2}, {4, 1}, {4, 2}};

TEST(Update, CutsEachGradient) {
  for (const Cut& cut : kCuts) {
    const auto plain = Changes(cut.shards, cut.cores, [](v1::Sgd&) {});
    const auto cut_off =
        Changes(cut.shards, cut.cores, [](v1::Sgd& spec) { spec.set_clipvalue(0.01); });
    for (size_t i = 0; i < plain.size(); ++i) {
      for (size_t k = 0; k < plain[i].size(); ++k)
        EXPECT_NEAR(cut_off[i][k], std::clamp(plain[i][k], -0.01, 0.01), kRounding);
    }
  }
}

TEST(Update, ScalesEachTensorsGradientDown) {
  for (const Cut& cut : kCuts) {
    const auto plain = Changes(cut.shards, cut.cores, [](v1::Sgd&) {});
    const double most = (Length(plain[0]) + Length(plain[1])) / 2;
    const auto scaled =
        Changes(cut.shards, cut.cores, [&](v1::Sgd& spec) { spec.set_clipnorm(most); });
    int longer = 0;
    for (size_t i = 0; i < plain.size(); ++i) {
      const double length = Length(plain[i]);
      longer += length > most ? 1 : 0;
      for (size_t k = 0; k < plain[i].size(); ++k)
        EXPECT_NEAR(scaled[i][k], plain[i][k] * std::min(1.0, most / length), kRounding);
    }
    EXPECT_GT(longer, 0);
    EXPECT_LT(longer, static_cast<int>(plain.size()));
  }
}

TEST(Update, ScalesAllGradientsTogetherDown) {
  for (const Cut& cut : kCuts) {
    const auto plain = Changes(cut.shards, cut.cores, [](v1::Sgd&) {});
    double square = 0;
    for (const auto& tensor : plain) square += Length(tensor) * Length(tensor);
    for (const double most : {0.5 * std::sqrt(square), 2 * std::sqrt(square)}) {
      const auto scaled =
          Changes(cut.shards, cut.cores, [&](v1::Sgd& spec) { spec.set_global_clipnorm(most); });
      const double factor = std::min(1.0, most / std::sqrt(square));
      for (size_t i = 0; i < plain.size(); ++i) {
        for (size_t k = 0; k < plain[i].size(); ++k)
          EXPECT_NEAR(scaled[i][k], plain[i][k] * factor, kRounding);
      }
    }
  }
}

TEST(Update, CoresDoNotChangeABitOfIt) {
  const Change clip = [](v1::Sgd& spec) {
    spec.set_global_clipnorm(0.1);
    spec.set_weight_decay(0.01);
  };
  EXPECT_EQ(Changes(4, 2, clip), Changes(4, 1, clip));
}

TEST(Update, DecaysWeightsBeforeTheStep) {
  const graph::Graph graph = Classifier({17, 33, 20, 5});
  const auto decay = [](double value) {
    return [value](v1::Sgd& spec) { spec.set_weight_decay(value); };
  };
  const auto plain = Changes(1, 1, decay(0));
  const auto decayed = Changes(1, 1, decay(0.25));
  const auto executable = Executable::Create(graph, ClassifierSetup(kRows, 1, 1)).value();
  executable->InitializeWeights(3);
  const std::vector<NamedTensor> weights = executable->ExportWeights();
  for (size_t i = 0; i < plain.size(); ++i) {
    for (size_t k = 0; k < plain[i].size(); ++k)
      EXPECT_NEAR(decayed[i][k], plain[i][k] - 0.25 * static_cast<double>(weights[i].values[k]),
                  kRounding);
  }
}

}  // namespace
}  // namespace gradus::plan
