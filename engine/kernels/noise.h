// SPDX-License-Identifier: Apache-2.0
// Random factors and summands on each value or each channel, in training alone.
#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>
#include <string>

#include "engine/base/philox.h"
#include "engine/kernels/operation.h"

namespace gradus::kernels {

// Makes as many numbers of `count` random words; called from several threads.
using NoiseFunction = std::function<void(const uint32_t* words, float* dst, size_t count)>;

// y = factor * x + summand.
struct Noise {
  std::string name;
  base::RandomPurpose purpose = base::RandomPurpose::kNoise;
  // Empty: all are 1.
  NoiseFunction factors;
  // Empty: all are 0.
  NoiseFunction summands;
};

// `low` with probability `rate` (rounded up to a multiple of 2^-32), else `high`. REQUIRES: 0 <
// rate <= 1. Two of the same rate choose alike.
NoiseFunction Chosen(double rate, float low, float high);
// Normal.
NoiseFunction NormallyDistributed(float mean, float stddev);

// On rows of positions * draws values: each of the last `draws` has its own numbers, which all
// positions of a row share. Backward draws the same numbers again. Without training it copies.
std::unique_ptr<const Operation> MakeNoise(Noise noise, int64_t positions, int64_t draws);

}  // namespace gradus::kernels
