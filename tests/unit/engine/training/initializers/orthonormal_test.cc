// SPDX-License-Identifier: Apache-2.0
// The orthonormal factor: by hand, and of matrices that have none of their own.
#include "engine/training/initializers/orthonormal.h"

#include <gtest/gtest.h>

#include <cmath>
#include <cstddef>

namespace gradus::initializers {
namespace {

using Columns = std::vector<std::vector<double>>;

void ExpectNear(const Columns& found, const Columns& expected) {
  ASSERT_EQ(found.size(), expected.size());
  for (size_t i = 0; i < found.size(); ++i) {
    for (size_t k = 0; k < found[i].size(); ++k)
      EXPECT_NEAR(found[i][k], expected[i][k], 1e-12) << i << ", " << k;
  }
}

Columns Made(Columns columns) {
  MakeOrthonormal(columns);
  return columns;
}

// Gram-Schmidt by hand: (3, 4) / 5, then what is left of (1, 0) across it.
TEST(Orthonormal, IsTheFactorWhoseOtherOneHasAPositiveDiagonal) {
  ExpectNear(Made({{3, 4}, {1, 0}}), {{0.6, 0.8}, {0.8, -0.6}});
  ExpectNear(Made({{-3, -4}, {1, 0}}), {{-0.6, -0.8}, {0.8, -0.6}});
  ExpectNear(Made({{2, 0, 0}, {5, 0, -7}}), {{1, 0, 0}, {0, 0, -1}});
  ExpectNear(Made({{-2}}), {{-1}});
}

TEST(Orthonormal, CompletesWhatIsDependent) {
  for (const Columns& columns : {Columns{{0, 0}, {0, 0}}, Columns{{1, 2}, {0, 0}}, Columns{{0}}}) {
    const Columns made = Made(columns);
    for (size_t i = 0; i < made.size(); ++i) {
      for (size_t k = 0; k < made.size(); ++k) {
        double sum = 0;
        for (size_t at = 0; at < made[i].size(); ++at) sum += made[i][at] * made[k][at];
        EXPECT_NEAR(sum, i == k ? 1 : 0, 1e-12);
      }
    }
  }
}

}  // namespace
}  // namespace gradus::initializers
