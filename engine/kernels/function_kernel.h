// SPDX-License-Identifier: Apache-2.0
// A kernel that calls a function object: for calls whose state is a few cells and sizes.
#pragma once

#include <memory>
#include <string>
#include <utility>

#include "engine/kernels/kernel.h"

namespace gradus::kernels {

template <typename Function>
class FunctionKernel final : public Kernel {
 public:
  FunctionKernel(std::string description, Function function)
      : description_(std::move(description)), function_(std::move(function)) {}
  absl::Status Run() override {
    function_();
    return absl::OkStatus();
  }
  std::string Describe() const override { return description_; }

 private:
  const std::string description_;
  Function function_;
};

template <typename Function>
std::unique_ptr<Kernel> MakeKernel(std::string description, Function function) {
  return std::make_unique<FunctionKernel<Function>>(std::move(description), std::move(function));
}

}  // namespace gradus::kernels
