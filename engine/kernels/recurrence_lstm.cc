// SPDX-License-Identifier: Apache-2.0
// Long short-term memory. Planes: the gates, later their gradients; c; activation(c).
#include "engine/kernels/recurrence_step.h"

namespace gradus::kernels {
namespace {

class LstmStep final : public RecurrenceStep {
 public:
  explicit LstmStep(int64_t units) : units_(units) {}
  std::string name() const override { return "lstm"; }
  std::vector<int64_t> blocks() const override { return {4 * units_}; }
  std::vector<int64_t> more_planes() const override { return {units_, units_}; }

  void Forward(const RecurrenceFunctions& f, const StepData& d) const override {
    AddProduct(d.rows, units_, 4 * units_, d.h_before, d.recurrent[0], d.planes[0], d.room);
    Vector().recurrence->lstm_forward(f, d.rows, units_, d.planes[0], Before(d), d.planes[1],
                                      d.planes[2], d.h);
  }
  void Backward(const RecurrenceFunctions& f, const StepData& d) const override {
    Vector().recurrence->lstm_backward(f, d.rows, units_, d.planes[0], Before(d), d.planes[2], d.dh,
                                       d.dc, d.room);
    AddProductBackward(d.rows, units_, 4 * units_, d.planes[0], d.recurrent[0], d.dh, d.room);
  }

 private:
  // The first c is zero, as the first h is.
  static const float* Before(const StepData& d) {
    return d.first ? d.h_before : d.planes_before[1];
  }

  const int64_t units_;
};

}  // namespace

std::unique_ptr<const Operation> MakeLstm(const RecurrenceShape& shape) {
  return MakeRecurrence(shape, std::make_shared<LstmStep>(shape.units));
}

}  // namespace gradus::kernels
