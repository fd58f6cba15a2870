// SPDX-License-Identifier: Apache-2.0
// A checked layer of one operation without weights, to be asked and run.
#pragma once

#include <gtest/gtest.h>

#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "engine/layers/extents.h"
#include "engine/layers/kind.h"
#include "tests/support/operation_run.h"

namespace gradus::layers {

class LayerRun {
 public:
  LayerRun(v1::Layer spec, std::vector<Shape> inputs)
      : spec_(std::move(spec)), inputs_(std::move(inputs)) {
    const LayerKind& kind = *Find(spec_);
    EXPECT_TRUE(kind.check(spec_).ok());
    const auto shape = kind.infer(spec_, inputs_);
    EXPECT_TRUE(shape.ok()) << shape.status();
    operation_ = std::move(kind.lower(spec_, inputs_).at(0).operation);
    EXPECT_EQ(operation_->dst_values(), CountOf(*shape));
  }
  const kernels::Operation& operation() const { return *operation_; }
  test_support::OperationRun In(const kernels::Setting& setting,
                                const kernels::Draw& draw = {}) const {
    return {*operation_, setting, draw};
  }

 private:
  v1::Layer spec_;
  const std::vector<Shape> inputs_;
  std::unique_ptr<const kernels::Operation> operation_;
};

// What a kind says of settings, or of inputs; empty where all is well.
inline std::string CheckMessage(v1::Layer spec) {
  return std::string(Find(spec)->check(spec).message());
}
inline std::string InferMessage(v1::Layer spec, const std::vector<Shape>& inputs) {
  Find(spec)->check(spec).IgnoreError();
  return std::string(Find(spec)->infer(spec, inputs).status().message());
}
inline Shape InferredShape(v1::Layer spec, const std::vector<Shape>& inputs) {
  EXPECT_TRUE(Find(spec)->check(spec).ok());
  return Find(spec)->infer(spec, inputs).value();
}

}  // namespace gradus::layers
