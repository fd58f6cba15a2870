// SPDX-License-Identifier: Apache-2.0
// What all oneDNN kernels share: the engine, and a primitive with its arguments bound. Nothing
// outside this folder sees oneDNN's own types.
#pragma once

#include <string>

namespace gradus::kernels {

// oneDNN's numbers for functions of each element.
inline constexpr int kOnednnRelu = 0x1f;
inline constexpr int kOnednnTanh = 0x2f;
inline constexpr int kOnednnLogistic = 0xaf;

// "2.6.3".
std::string OnednnVersion();

}  // namespace gradus::kernels
