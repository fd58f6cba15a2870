// SPDX-License-Identifier: Apache-2.0
// The digest of weights is the documented one, computed here byte by byte.
#include "engine/plan/tensor_list.h"

#include <gtest/gtest.h>

#include <cstring>

#include "engine/base/sha256.h"

namespace gradus::plan {
namespace {

TEST(WeightsSha256, HashesNamesShapesAndValues) {
  const std::vector<NamedTensor> tensors = {{"a/kernel", {2, 1}, {1.0F, -2.5F}},
                                            {"a/bias", {1}, {0.5F}}};
  std::string bytes;
  const auto number = [&](int64_t value) {
    for (int i = 0; i < 8; ++i) bytes.push_back(static_cast<char>(value >> (8 * i)));
  };
  for (const NamedTensor& tensor : tensors) {
    bytes += tensor.name;
    bytes.push_back('\0');
    bytes += "F32";
    bytes.push_back('\0');
    number(static_cast<int64_t>(tensor.shape.size()));
    for (const int64_t dimension : tensor.shape) number(dimension);
    for (const float value : tensor.values) {
      char raw[4];
      std::memcpy(raw, &value, 4);
      bytes.append(raw, 4);
    }
  }
  EXPECT_EQ(WeightsSha256(tensors), base::Sha256Hex(bytes));
}

TEST(WeightsSha256, TellsTheOrderOfTensorsApart) {
  const NamedTensor a{"a", {1}, {1.0F}};
  const NamedTensor b{"b", {1}, {2.0F}};
  const std::vector<NamedTensor> ab = {a, b};
  const std::vector<NamedTensor> ba = {b, a};
  EXPECT_NE(WeightsSha256(ab), WeightsSha256(ba));
}

}  // namespace
}  // namespace gradus::plan
