// SPDX-License-Identifier: Apache-2.0
// The plain recurrence. Planes: h, later its gradient.
#include <algorithm>

#include "engine/kernels/recurrence_step.h"

namespace gradus::kernels {
namespace {

class PlainStep final : public RecurrenceStep {
 public:
  explicit PlainStep(int64_t units) : units_(units) {}
  std::string name() const override { return "recurrence"; }
  std::vector<int64_t> blocks() const override { return {units_}; }

  void Forward(const RecurrenceFunctions& f, const StepData& d) const override {
    AddProduct(d.rows, units_, units_, d.h_before, d.recurrent[0], d.planes[0], d.room);
    const int64_t count = d.rows * units_;
    const UnaryFunction function = f.activation;
    if (function != nullptr) function(d.planes[0], static_cast<size_t>(count));
    std::copy_n(d.planes[0], count, d.h);
  }
  void Backward(const RecurrenceFunctions& f, const StepData& d) const override {
    const int64_t count = d.rows * units_;
    if (f.activation_backward != nullptr)
      f.activation_backward(d.planes[0], d.dh, static_cast<size_t>(count));
    std::copy_n(d.dh, count, d.planes[0]);
    std::fill_n(d.dh, count, 0.0F);
    AddProductBackward(d.rows, units_, units_, d.planes[0], d.recurrent[0], d.dh, d.room);
  }

 private:
  const int64_t units_;
};

}  // namespace

std::unique_ptr<const Operation> MakePlainRecurrence(const RecurrenceShape& shape) {
  return MakeRecurrence(shape, std::make_shared<PlainStep>(shape.units));
}

}  // namespace gradus::kernels
