// SPDX-License-Identifier: Apache-2.0
// Every optimizer does what its double-precision reference does, element by element.
#include <gtest/gtest.h>

#include <algorithm>
#include <memory>
#include <set>

#include "absl/strings/str_cat.h"
#include "engine/training/optimizers/kind.h"
#include "tests/conformance/agreement.h"
#include "tests/conformance/draws.h"
#include "tests/support/guarded.h"

namespace gradus::conformance {
namespace {

using test_support::Guarded;

using optimizers::OptimizerKind;

constexpr size_t kCount = 1008;
constexpr int kSteps = 10;

// Weights with their slots, as f32 between guards.
class State {
 public:
  State(const std::vector<float>& weights, size_t slots, float start)
      : weights_(std::make_unique<Guarded>(std::span(weights))) {
    const std::vector<float> starts(weights.size(), start);
    for (size_t i = 0; i < slots; ++i)
      slots_.push_back(std::make_unique<Guarded>(std::span(starts)));
  }

  // Floats [begin, end) of one step.
  void Update(const OptimizerKind& kind, const optimizers::Hyper& hyper, Guarded& gradients,
              size_t begin, size_t end) {
    optimizers::Stretch stretch{.weights = weights_->floats().data() + begin,
                                .gradients = gradients.floats().data() + begin,
                                .count = end - begin};
    for (size_t i = 0; i < slots_.size(); ++i)
      stretch.slots[i] = slots_[i]->floats().data() + begin;
    kind.update(hyper, stretch);
  }

  std::span<const float> weights() const { return weights_->floats(); }
  std::span<const float> slot(size_t i) const { return slots_[i]->floats(); }
  bool Intact() const {
    return weights_->Intact() &&
           std::ranges::all_of(slots_, [](const auto& slot) { return slot->Intact(); });
  }
  bool SameAs(const State& other) const {
    bool same = std::ranges::equal(weights(), other.weights());
    for (size_t i = 0; i < slots_.size(); ++i)
      same = same && std::ranges::equal(slot(i), other.slot(i));
    return same;
  }

 private:
  std::unique_ptr<Guarded> weights_;
  std::vector<std::unique_ptr<Guarded>> slots_;
};

std::vector<float> Gradients(int step) {
  return DrawNormal(kCount, 100 + static_cast<uint32_t>(step));
}

class Optimizers : public testing::TestWithParam<const OptimizerKind*> {
 protected:
  std::vector<v1::Optimizer> Samples() const {
    std::vector<v1::Optimizer> samples = kind().samples();
    for (v1::Optimizer& sample : samples) EXPECT_TRUE(optimizers::Check(sample).ok());
    return samples;
  }
  const OptimizerKind& kind() const { return *GetParam(); }
  optimizers::Hyper HyperAt(const v1::Optimizer& spec, int step) const {
    optimizers::Hyper hyper = kind().hyper(spec);
    hyper.step = step;
    if (kind().prepare != nullptr) kind().prepare(hyper);
    return hyper;
  }
  float StartOf(const v1::Optimizer& spec) const {
    return kind().slot_start == nullptr ? 0 : kind().slot_start(spec);
  }
  // After kSteps steps, each made in parts that end at these floats.
  State Run(const v1::Optimizer& spec, const std::vector<size_t>& ends) const;
};

State Optimizers::Run(const v1::Optimizer& spec, const std::vector<size_t>& ends) const {
  State state(DrawNormal(kCount, 1), kind().slots(spec).size(), StartOf(spec));
  for (int step = 0; step < kSteps; ++step) {
    const std::vector<float> gradients = Gradients(step);
    Guarded place{std::span<const float>(gradients)};
    size_t begin = 0;
    for (const size_t end : ends) {
      state.Update(kind(), HyperAt(spec, step), place, begin, end);
      begin = end;
    }
    EXPECT_TRUE(std::ranges::equal(place.floats(), gradients)) << "it writes to the gradients";
  }
  EXPECT_TRUE(state.Intact());
  return state;
}

INSTANTIATE_TEST_SUITE_P(Kinds, Optimizers,
                         testing::ValuesIn(optimizers::Table().begin(), optimizers::Table().end()),
                         [](const auto& tested) { return optimizers::Word(*tested.param); });

TEST_P(Optimizers, TakeTenStepsAsTheReferenceDoes) {
  for (const v1::Optimizer& spec : Samples()) {
    SCOPED_TRACE(spec.ShortDebugString());
    const size_t slots = kind().slots(spec).size();
    const State state = Run(spec, {kCount});
    std::vector<double> weights = Doubles(DrawNormal(kCount, 1));
    std::vector<std::vector<double>> expected(
        slots, std::vector<double>(kCount, static_cast<double>(StartOf(spec))));
    for (int step = 0; step < kSteps; ++step) {
      const std::vector<float> gradients = Gradients(step);
      for (size_t i = 0; i < kCount; ++i) {
        std::vector<double> own;
        for (const auto& slot : expected) own.push_back(slot[i]);
        kind().reference(spec, static_cast<double>(gradients[i]), step, weights[i], own);
        for (size_t slot = 0; slot < slots; ++slot) expected[slot][i] = own[slot];
      }
    }
    EXPECT_TRUE(Agree(state.weights(), weights));
    for (size_t slot = 0; slot < slots; ++slot)
      EXPECT_TRUE(Agree(state.slot(slot), expected[slot]));
  }
}

TEST_P(Optimizers, GiveTheSameBitsForAStretchCutInParts) {
  for (const v1::Optimizer& spec : Samples()) {
    SCOPED_TRACE(spec.ShortDebugString());
    EXPECT_TRUE(Run(spec, {16, 48, 528, 544, kCount}).SameAs(Run(spec, {kCount})));
  }
}

// So does padding, which every weight's layout may have.
TEST_P(Optimizers, LeaveZerosWithoutGradientsZero) {
  for (const v1::Optimizer& spec : Samples()) {
    SCOPED_TRACE(spec.ShortDebugString());
    const std::vector<float> zeros(64, 0.0F);
    State state(zeros, kind().slots(spec).size(), 0);
    Guarded gradients{std::span<const float>(zeros)};
    for (int step = 0; step < kSteps; ++step)
      state.Update(kind(), HyperAt(spec, step), gradients, 0, zeros.size());
    EXPECT_TRUE(state.SameAs(State(zeros, kind().slots(spec).size(), 0)));
  }
}

TEST_P(Optimizers, NameTheirSlotsAndTakeALearningRate) {
  for (v1::Optimizer spec : Samples()) {
    SCOPED_TRACE(spec.ShortDebugString());
    const std::vector<std::string> slots = kind().slots(spec);
    EXPECT_LE(slots.size(), static_cast<size_t>(optimizers::kMaxSlots));
    EXPECT_EQ(std::set<std::string>(slots.begin(), slots.end()).size(), slots.size());
    EXPECT_EQ(kind().hyper(spec).learning_rate, static_cast<float>(kind().learning_rate(spec)));
    EXPECT_EQ(kind().hyper(spec).step, 0);
    kind().set_learning_rate(spec, 0.375);
    EXPECT_EQ(kind().learning_rate(spec), 0.375);
    EXPECT_EQ(kind().hyper(spec).learning_rate, 0.375F);
  }
}

}  // namespace
}  // namespace gradus::conformance
