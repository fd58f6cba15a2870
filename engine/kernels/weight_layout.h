// SPDX-License-Identifier: Apache-2.0
// How a weight tensor lies in its arena: as its kernels like it, and how it gets there and back.
#pragma once

#include <cstddef>
#include <memory>
#include <string>

namespace gradus::kernels {

// A bijection between a tensor in its published shape and floats in an arena; what the arena holds
// besides is padding, and zero.
//   Threads  immutable: any.
class WeightLayout {
 public:
  virtual ~WeightLayout() = default;
  // Floats in the arena, padding included.
  virtual size_t floats() const = 0;
  // `src` in C order of the published shape; writes all of floats().
  virtual void FromPublic(const float* src, float* dst) const = 0;
  virtual void ToPublic(const float* src, float* dst) const = 0;
  // "plain", "panels24x8", "onednn:BA16a64b". Equal names of equal shapes are equal layouts.
  virtual std::string name() const = 0;
};

// C order, without padding.
std::shared_ptr<const WeightLayout> PlainLayout(size_t count);

}  // namespace gradus::kernels
