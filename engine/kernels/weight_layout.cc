// SPDX-License-Identifier: Apache-2.0
// The layout that published tensors have.
#include "engine/kernels/weight_layout.h"

#include <algorithm>

namespace gradus::kernels {
namespace {

class Plain final : public WeightLayout {
 public:
  explicit Plain(size_t count) : count_(count) {}
  size_t floats() const override { return count_; }
  void FromPublic(const float* src, float* dst) const override { std::copy_n(src, count_, dst); }
  void ToPublic(const float* src, float* dst) const override { std::copy_n(src, count_, dst); }
  std::string name() const override { return "plain"; }

 private:
  const size_t count_;
};

}  // namespace

std::shared_ptr<const WeightLayout> PlainLayout(size_t count) {
  return std::make_shared<Plain>(count);
}

}  // namespace gradus::kernels
