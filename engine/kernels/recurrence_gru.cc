// SPDX-License-Identifier: Apache-2.0
// Gated recurrent units, with the reset after the recurrent product or before it.
#include "engine/kernels/recurrence_step.h"

namespace gradus::kernels {
namespace {

// Planes: z, r and g; the recurrent products; later their gradients.
class ResetAfterStep final : public RecurrenceStep {
 public:
  explicit ResetAfterStep(int64_t units) : units_(units) {}
  std::string name() const override { return "gru"; }
  std::vector<int64_t> blocks() const override { return {3 * units_}; }
  std::vector<int64_t> more_planes() const override { return {3 * units_}; }
  int diff_plane(size_t) const override { return 1; }
  bool two_biases() const override { return true; }

  void Forward(const RecurrenceFunctions& f, const StepData& d) const override {
    Vector().inner_product_forward({d.rows, units_, 3 * units_}, d.h_before, d.recurrent[0],
                                   d.recurrent_bias, d.planes[1], nullptr);
    Vector().recurrence->gru_after_forward(f, d.rows, units_, d.planes[0], d.planes[1], d.h_before,
                                           d.h);
  }
  void Backward(const RecurrenceFunctions& f, const StepData& d) const override {
    Vector().recurrence->gru_after_backward(f, d.rows, units_, d.planes[0], d.planes[1], d.h_before,
                                            d.dh, d.room);
    AddProductBackward(d.rows, units_, 3 * units_, d.planes[1], d.recurrent[0], d.dh, d.room);
  }

 private:
  const int64_t units_;
};

// Planes: z and r; g; both later their gradients; r * h.
class ResetBeforeStep final : public RecurrenceStep {
 public:
  explicit ResetBeforeStep(int64_t units) : units_(units) {}
  std::string name() const override { return "gru_reset_before"; }
  std::vector<int64_t> blocks() const override { return {2 * units_, units_}; }
  std::vector<int64_t> more_planes() const override { return {units_}; }
  int src_plane(size_t block) const override { return block == 0 ? kStateBefore : 2; }

  void Forward(const RecurrenceFunctions& f, const StepData& d) const override {
    const auto& [gates, g, reset, unused] = d.planes;
    AddProduct(d.rows, units_, 2 * units_, d.h_before, d.recurrent[0], gates, d.room);
    Vector().recurrence->gru_reset_forward(f, d.rows, units_, gates, d.h_before, reset);
    AddProduct(d.rows, units_, units_, reset, d.recurrent[1], g, d.room);
    Vector().recurrence->gru_mix_forward(f, d.rows, units_, gates, g, d.h_before, d.h);
  }
  void Backward(const RecurrenceFunctions& f, const StepData& d) const override {
    const auto& [gates, g, reset, unused] = d.planes;
    float* const dz = d.room;
    float* const dreset = dz + d.rows * units_;
    float* const room = dreset + d.rows * units_;
    Vector().recurrence->gru_mix_backward(f, d.rows, units_, gates, g, d.h_before, d.dh, dz, room);
    Vector().inner_product_backward_data({d.rows, units_, units_}, g, d.recurrent[1], dreset);
    Vector().recurrence->gru_reset_backward(f, d.rows, units_, gates, d.h_before, dreset, dz, d.dh,
                                            room);
    AddProductBackward(d.rows, units_, 2 * units_, gates, d.recurrent[0], d.dh, room);
  }

 private:
  const int64_t units_;
};

}  // namespace

std::unique_ptr<const Operation> MakeGru(const RecurrenceShape& shape, bool reset_after) {
  if (reset_after) return MakeRecurrence(shape, std::make_shared<ResetAfterStep>(shape.units));
  return MakeRecurrence(shape, std::make_shared<ResetBeforeStep>(shape.units));
}

}  // namespace gradus::kernels
