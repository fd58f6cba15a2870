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
  // For each input a gradient a row; one alone where rows are not independent, and none where it
  // has no meaning.
  std::vector<std::vector<Gradient>> inputs;
  // One a weight; none for a statistic.
  std::vector<Gradient> weights;
  // What the rows say of each statistic, none for other weights. Empty without training.
  std::vector<std::vector<double>> statistics;
};

// `batch`: of a training step, where that is another function than an evaluation's.
ChainReference ReferenceOf(const Subject& subject, const ChainData& data, int64_t rows, bool batch);

// Everything that is in `result`.
testing::AssertionResult Agree(const ChainResult& result, const ChainReference& reference);

}  // namespace gradus::conformance
