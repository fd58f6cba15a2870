// SPDX-License-Identifier: Apache-2.0
// Every constraint does to a vector what its double-precision reference does.
#include <gtest/gtest.h>

#include <cmath>

#include "engine/training/constraints/kind.h"
#include "tests/conformance/agreement.h"
#include "tests/conformance/draws.h"

namespace gradus::conformance {
namespace {

using constraints::ConstraintKind;

class Constraints : public testing::TestWithParam<const ConstraintKind*> {
 protected:
  std::vector<v1::Constraint> Samples() const {
    std::vector<v1::Constraint> samples = GetParam()->samples();
    for (v1::Constraint& sample : samples) EXPECT_TRUE(constraints::Check(sample).ok());
    return samples;
  }
  // What becomes of one vector.
  std::vector<float> Constrained(const v1::Constraint& spec, std::vector<float> vector) const {
    if (GetParam()->factor == nullptr) {
      GetParam()->elements(vector.data(), vector.size());
      return vector;
    }
    double square = 0;
    for (const float x : vector) square += static_cast<double>(x) * static_cast<double>(x);
    const auto factor = static_cast<float>(GetParam()->factor(spec, std::sqrt(square)));
    for (float& x : vector) x *= factor;
    return vector;
  }
};

INSTANTIATE_TEST_SUITE_P(Kinds, Constraints,
                         testing::ValuesIn(constraints::Table().begin(),
                                           constraints::Table().end()),
                         [](const auto& tested) { return constraints::Word(*tested.param); });

TEST_P(Constraints, DoWhatTheReferenceDoes) {
  for (const v1::Constraint& spec : Samples()) {
    SCOPED_TRACE(spec.ShortDebugString());
    for (const size_t count : {size_t{1}, size_t{7}, size_t{33}}) {
      for (const float deviation : {0.01F, 1.0F, 100.0F}) {
        const std::vector<float> vector = DrawNormal(count, 41, deviation);
        std::vector<double> expected = Doubles(vector);
        GetParam()->reference(spec, expected);
        EXPECT_TRUE(Agree(Constrained(spec, vector), expected));
      }
    }
  }
}

// Padding does, and so does a unit that has died.
TEST_P(Constraints, LeaveZerosZero) {
  for (const v1::Constraint& spec : Samples())
    EXPECT_EQ(Constrained(spec, std::vector<float>(20, 0.0F)), std::vector<float>(20, 0.0F));
}

TEST_P(Constraints, HideNoNaN) {
  for (const v1::Constraint& spec : Samples()) {
    std::vector<float> vector = DrawNormal(20, 42);
    vector[7] = NAN;
    EXPECT_TRUE(std::isnan(Constrained(spec, vector)[7]));
  }
}

// Weights that are as they may be are not moved any further.
TEST_P(Constraints, AreContentWithWhatTheyHaveMade) {
  for (const v1::Constraint& spec : Samples()) {
    const std::vector<float> once = Constrained(spec, DrawNormal(33, 43));
    EXPECT_TRUE(Agree(Constrained(spec, once), Doubles(once)));
  }
}

}  // namespace
}  // namespace gradus::conformance
