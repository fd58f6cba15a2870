// SPDX-License-Identifier: Apache-2.0
// A checked activation on rows of a shape, to be run.
#pragma once

#include <gtest/gtest.h>

#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "engine/layers/activations/kind.h"
#include "tests/support/operation_run.h"

namespace gradus::activations {

class ActivationRun {
 public:
  ActivationRun(v1::Activation spec, const std::vector<int64_t>& shape,
                std::vector<test_support::Values> weights = {})
      : weights_(std::move(weights)) {
    EXPECT_TRUE(Check(spec).ok());
    EXPECT_TRUE(CheckShape(spec, shape).ok());
    EXPECT_EQ(Weights(spec, shape).size(), weights_.size());
    operation_ = Lower(spec, shape);
  }
  test_support::OperationRun In(const kernels::Setting& setting,
                                const kernels::Draw& draw = {}) const {
    return {*operation_, setting, draw, 0, weights_};
  }

 private:
  const std::vector<test_support::Values> weights_;
  std::unique_ptr<const kernels::Operation> operation_;
};

// What the kind says of settings, or of rows; empty where all is well.
inline std::string CheckMessage(v1::Activation spec) { return std::string(Check(spec).message()); }
inline std::string ShapeMessage(v1::Activation spec, const std::vector<int64_t>& shape) {
  EXPECT_TRUE(Check(spec).ok());
  return std::string(CheckShape(spec, shape).message());
}

}  // namespace gradus::activations
