// SPDX-License-Identifier: Apache-2.0
// What a chain must give: its kind's reference, and the central differences of that.
#pragma once

#include <gtest/gtest.h>

#include <cstdint>
#include <vector>

#include "tests/conformance/chain.h"
#include "tests/conformance/differences.h"
#include "tests/conformance/subject.h"

namespace gradus::conformance {

struct ChainReference {
  std::vector<double> output;
  // A gradient a row, for each input.
  std::vector<std::vector<Gradient>> inputs;
  // One a weight.
  std::vector<Gradient> weights;
};

ChainReference ReferenceOf(const Subject& subject, const ChainData& data, int64_t rows);

// Everything that is in `result`.
testing::AssertionResult Agree(const ChainResult& result, const ChainReference& reference);

}  // namespace gradus::conformance
