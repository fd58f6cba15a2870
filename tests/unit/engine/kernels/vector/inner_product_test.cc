// SPDX-License-Identifier: Apache-2.0
// Matrix products in panels, in sizes on both sides of every block, tile and vector.
#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>

#include "engine/kernels/vector/panels.h"
#include "tests/support/guarded.h"
#include "tests/unit/engine/kernels/vector/variants.h"

namespace gradus::kernels {
namespace {

using test_support::Guarded;

std::vector<InnerProductShape> Shapes() {
  std::vector<InnerProductShape> shapes;
  for (const int64_t rows : {1, 3, 9, 65}) {
    for (const int64_t inputs : {1, 5, 64, 193}) {
      for (const int64_t units : {1, 8, 17, 49, 130}) shapes.push_back({rows, inputs, units});
    }
  }
  return shapes;
}

size_t Count(int64_t a, int64_t b) { return static_cast<size_t>(a * b); }

// [rows, columns] = sum over k of a(row, k) * b(k, column), in double.
template <typename A, typename B>
std::vector<double> Product(int64_t rows, int64_t columns, int64_t steps, A a, B b) {
  std::vector<double> result;
  for (int64_t row = 0; row < rows; ++row) {
    for (int64_t column = 0; column < columns; ++column) {
      double sum = 0;
      for (int64_t k = 0; k < steps; ++k)
        sum += static_cast<double>(a(row, k)) * static_cast<double>(b(k, column));
      result.push_back(sum);
    }
  }
  return result;
}

void ExpectNear(std::span<const float> found, const std::vector<double>& expected) {
  ASSERT_EQ(found.size(), expected.size());
  double largest = 0;
  for (const double value : expected) largest = std::max(largest, std::abs(value));
  for (size_t i = 0; i < found.size(); ++i)
    ASSERT_NEAR(static_cast<double>(found[i]), expected[i], 1e-6 * largest + 1e-7) << i;
}

// Operands of one size, the kernel in panels whose padding is zero.
struct Operands {
  Operands(const InnerProductShape& shape, int lanes)
      : panels{shape.inputs, shape.units, lanes},
        src(Numbers(Count(shape.rows, shape.inputs), 1)),
        kernel(Numbers(Count(shape.inputs, shape.units), 2)),
        bias(Numbers(static_cast<size_t>(shape.units), 3)),
        diff_dst(Numbers(Count(shape.rows, shape.units), 4)),
        inside(static_cast<size_t>(panels.floats()) * sizeof(float)) {
    std::ranges::fill(inside.floats(), 0.0F);
    for (int64_t input = 0; input < shape.inputs; ++input) {
      for (int64_t unit = 0; unit < shape.units; ++unit) {
        inside.floats()[static_cast<size_t>(panels.At(input, unit))] =
            kernel[static_cast<size_t>(input * shape.units + unit)];
      }
    }
  }

  const Panels panels;
  const std::vector<float> src;
  const std::vector<float> kernel;
  const std::vector<float> bias;
  const std::vector<float> diff_dst;
  Guarded inside;
};

class VectorInnerProduct : public EachVariant {};
GRADUS_FOR_EACH_VARIANT(VectorInnerProduct);

TEST_P(VectorInnerProduct, ForwardIsTheProductWithBias) {
  for (const InnerProductShape& s : Shapes()) {
    SCOPED_TRACE(testing::Message() << s.rows << "x" << s.inputs << "x" << s.units);
    Operands o(s, vector().lanes);
    for (const bool bias : {false, true}) {
      Guarded dst(Count(s.rows, s.units) * sizeof(float));
      vector().inner_product_forward(s, o.src.data(), o.inside.floats().data(),
                                     bias ? o.bias.data() : nullptr, dst.floats().data(), nullptr);
      EXPECT_TRUE(dst.Intact());
      std::vector<double> expected = Product(
          s.rows, s.units, s.inputs,
          [&](int64_t row, int64_t k) { return o.src[static_cast<size_t>(row * s.inputs + k)]; },
          [&](int64_t k, int64_t unit) {
            return o.kernel[static_cast<size_t>(k * s.units + unit)];
          });
      for (size_t i = 0; bias && i < expected.size(); ++i)
        expected[i] += static_cast<double>(o.bias[i % static_cast<size_t>(s.units)]);
      ExpectNear(dst.floats(), expected);
    }
  }
}

// An evaluation must not depend on how its rows are cut into batches.
TEST_P(VectorInnerProduct, ForwardGivesARowTheSameBitsWhereverItFalls) {
  const InnerProductShape all{65, 193, 130};
  Operands o(all, vector().lanes);
  std::vector<float> together(Count(all.rows, all.units));
  std::vector<float> alone(together.size());
  vector().inner_product_forward(all, o.src.data(), o.inside.floats().data(), o.bias.data(),
                                 together.data(), vector().tanh);
  for (int64_t row = 0; row < all.rows; ++row) {
    vector().inner_product_forward({1, all.inputs, all.units}, o.src.data() + row * all.inputs,
                                   o.inside.floats().data(), o.bias.data(),
                                   alone.data() + row * all.units, vector().tanh);
  }
  EXPECT_EQ(alone, together);
}

TEST_P(VectorInnerProduct, BackwardDataIsTheProductWithTheTurnedKernel) {
  for (const InnerProductShape& s : Shapes()) {
    SCOPED_TRACE(testing::Message() << s.rows << "x" << s.inputs << "x" << s.units);
    Operands o(s, vector().lanes);
    Guarded diff_src(Count(s.rows, s.inputs) * sizeof(float));
    vector().inner_product_backward_data(s, o.diff_dst.data(), o.inside.floats().data(),
                                         diff_src.floats().data());
    EXPECT_TRUE(diff_src.Intact());
    ExpectNear(diff_src.floats(), Product(
                                      s.rows, s.inputs, s.units,
                                      [&](int64_t row, int64_t k) {
                                        return o.diff_dst[static_cast<size_t>(row * s.units + k)];
                                      },
                                      [&](int64_t k, int64_t input) {
                                        return o.kernel[static_cast<size_t>(input * s.units + k)];
                                      }));
  }
}

TEST_P(VectorInnerProduct, BackwardWeightsFillsPanelsWhosePaddingIsZero) {
  for (const InnerProductShape& s : Shapes()) {
    SCOPED_TRACE(testing::Message() << s.rows << "x" << s.inputs << "x" << s.units);
    Operands o(s, vector().lanes);
    // What lies behind diff_dst is read, and must not matter.
    Guarded diff_dst{std::span(o.diff_dst)};
    Guarded diff_kernel(static_cast<size_t>(o.panels.floats()) * sizeof(float));
    vector().inner_product_backward_weights(s, o.src.data(), diff_dst.floats().data(),
                                            diff_kernel.floats().data());
    EXPECT_TRUE(diff_kernel.Intact());
    std::vector<float> found;
    for (int64_t input = 0; input < s.inputs; ++input) {
      for (int64_t unit = 0; unit < s.units; ++unit) {
        float& value = diff_kernel.floats()[static_cast<size_t>(o.panels.At(input, unit))];
        found.push_back(value);
        value = 0;
      }
    }
    for (const float padding : diff_kernel.floats()) ASSERT_EQ(padding, 0);
    ExpectNear(found, Product(
                          s.inputs, s.units, s.rows,
                          [&](int64_t input, int64_t k) {
                            return o.src[static_cast<size_t>(k * s.inputs + input)];
                          },
                          [&](int64_t k, int64_t unit) {
                            return o.diff_dst[static_cast<size_t>(k * s.units + unit)];
                          }));
  }
}

TEST_P(VectorInnerProduct, BackwardBiasIsTheSumOfTheRows) {
  for (const InnerProductShape& s : Shapes()) {
    Operands o(s, vector().lanes);
    Guarded diff_bias(static_cast<size_t>(s.units) * sizeof(float));
    vector().inner_product_backward_bias(s, o.diff_dst.data(), diff_bias.floats().data());
    EXPECT_TRUE(diff_bias.Intact());
    ExpectNear(diff_bias.floats(), Product(
                                       1, s.units, s.rows, [](int64_t, int64_t) { return 1.0F; },
                                       [&](int64_t k, int64_t unit) {
                                         return o.diff_dst[static_cast<size_t>(k * s.units + unit)];
                                       }));
  }
}

TEST_P(VectorInnerProduct, PanelsHoldEveryElementOnce) {
  for (const int64_t units : {1, 7, 8, 24, 25, 100}) {
    const Panels panels{5, units, vector().lanes};
    std::vector<int> count(static_cast<size_t>(panels.floats()), 0);
    for (int64_t input = 0; input < 5; ++input) {
      for (int64_t unit = 0; unit < units; ++unit)
        ++count.at(static_cast<size_t>(panels.At(input, unit)));
    }
    EXPECT_EQ(std::ranges::count(count, 1), 5 * units);
    EXPECT_EQ(*std::ranges::max_element(count), 1);
  }
}

}  // namespace
}  // namespace gradus::kernels
