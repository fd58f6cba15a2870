// SPDX-License-Identifier: Apache-2.0
// Runs an operation with plain weights between guards, forward and backward, and holds its
// gradients against differences of what it gives.
#pragma once

#include <gtest/gtest.h>

#include <memory>
#include <span>
#include <utility>
#include <vector>

#include "engine/kernels/operation.h"
#include "tests/support/guarded.h"

namespace gradus::test_support {

using Values = std::vector<float>;

struct OperationResult {
  Values dst;
  std::vector<Values> diff_srcs;
  std::vector<Values> diff_weights;
};

class OperationRun {
 public:
  OperationRun(const kernels::Operation& operation, const kernels::Setting& setting,
               const kernels::Draw& draw = {}, uint32_t stream = 0,
               std::vector<Values> weights = {})
      : operation_(operation),
        setting_(setting),
        draw_(draw),
        stream_(stream),
        weights_(std::move(weights)) {}

  Values Forward(const std::vector<Values>& srcs) const { return Run(srcs, nullptr, {}).dst; }

  // `unwanted`: sources whose gradient nobody wants.
  OperationResult ForwardAndBackward(const std::vector<Values>& srcs, const Values& diff_dst,
                                     const std::vector<size_t>& unwanted = {}) const {
    return Run(srcs, &diff_dst, unwanted);
  }

  // The gradient of the sum of dst times diff_dst.
  void ExpectGradientsAreDifferences(std::vector<Values> srcs, const Values& diff_dst, float step,
                                     double tolerance) const {
    const OperationResult result = ForwardAndBackward(srcs, diff_dst);
    const auto weighted = [&] {
      const Values dst = Forward(srcs);
      double sum = 0;
      for (size_t i = 0; i < dst.size(); ++i)
        sum += static_cast<double>(dst[i]) * static_cast<double>(diff_dst[i]);
      return sum;
    };
    for (size_t src = 0; src < srcs.size(); ++src) {
      for (size_t i = 0; i < srcs[src].size(); ++i) {
        const float kept = srcs[src][i];
        srcs[src][i] = kept + step;
        const double above = weighted();
        srcs[src][i] = kept - step;
        const double below = weighted();
        srcs[src][i] = kept;
        EXPECT_NEAR(static_cast<double>(result.diff_srcs[src][i]),
                    (above - below) / (2 * static_cast<double>(step)), tolerance)
            << "element " << i << " of source " << src;
      }
    }
  }

 private:
  OperationResult Run(const std::vector<Values>& srcs, const Values* diff_dst,
                      const std::vector<size_t>& unwanted) const {
    const auto compiled = operation_.Compile(setting_, {}).value();
    std::vector<std::unique_ptr<Guarded>> places;
    kernels::Operands o;
    for (const Values& src : srcs) {
      places.push_back(std::make_unique<Guarded>(std::span(src)));
      o.srcs.push_back(places.back()->cell());
    }
    for (const Values& weight : weights_) {
      places.push_back(std::make_unique<Guarded>(std::span(weight)));
      o.weights.push_back(places.back()->cell());
    }
    o.diff_weights.resize(weights_.size(), nullptr);
    const auto values = static_cast<size_t>(setting_.rows * operation_.dst_values());
    Guarded dst(values * sizeof(float));
    Guarded scratch(compiled->scratch_bytes());
    Guarded workspace(compiled->workspace_bytes());
    o.dst = dst.cell();
    o.scratch = scratch.cell();
    o.workspace = setting_.training ? workspace.cell() : nullptr;
    o.draw = &draw_;
    o.stream = stream_;
    Go(compiled->Forward(o));
    OperationResult result;
    result.dst.assign(dst.floats().begin(), dst.floats().end());
    if (diff_dst != nullptr) {
      for (size_t i = 0; i < srcs.size() && !operation_.backward_reads_src(!weights_.empty()); ++i)
        places[i]->Poison();
      if (!operation_.backward_reads_dst()) dst.Poison();
      Backward(*compiled, o, srcs, *diff_dst, unwanted, result);
    }
    for (const auto& place : places) EXPECT_TRUE(place->Intact());
    EXPECT_TRUE(dst.Intact() && scratch.Intact() && workspace.Intact());
    return result;
  }

  void Backward(const kernels::CompiledOperation& compiled, kernels::Operands o,
                const std::vector<Values>& srcs, const Values& diff_dst,
                const std::vector<size_t>& unwanted, OperationResult& result) const {
    Guarded diff{std::span(diff_dst)};
    o.diff_dst = diff.cell();
    std::vector<std::unique_ptr<Guarded>> places;
    for (const Values& src : srcs) {
      places.push_back(std::make_unique<Guarded>(src.size() * sizeof(float)));
      o.diff_srcs.push_back(places.back()->cell());
    }
    for (const size_t src : unwanted) o.diff_srcs[src] = nullptr;
    for (size_t i = 0; i < weights_.size(); ++i) {
      places.push_back(std::make_unique<Guarded>(weights_[i].size() * sizeof(float)));
      o.diff_weights[i] = places.back()->cell();
    }
    Go(compiled.Backward(o));
    for (const auto& place : places) {
      EXPECT_TRUE(place->Intact());
      std::vector<Values>& gradients =
          result.diff_srcs.size() < srcs.size() ? result.diff_srcs : result.diff_weights;
      gradients.emplace_back(place->floats().begin(), place->floats().end());
    }
    EXPECT_TRUE(diff.Intact());
  }

  static void Go(absl::StatusOr<kernels::Kernels> calls) {
    ASSERT_TRUE(calls.ok()) << calls.status();
    for (const auto& kernel : *calls) {
      EXPECT_NE(kernel->Describe(), "");
      ASSERT_TRUE(kernel->Run().ok());
    }
  }

  const kernels::Operation& operation_;
  const kernels::Setting setting_;
  const kernels::Draw draw_;
  const uint32_t stream_;
  const std::vector<Values> weights_;
};

}  // namespace gradus::test_support
