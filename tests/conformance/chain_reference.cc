// SPDX-License-Identifier: Apache-2.0
// Gradients are those of the sum of the output's values, each times what diff_output has for it.
#include "tests/conformance/chain_reference.h"

#include <algorithm>
#include <functional>
#include <utility>

#include "tests/conformance/agreement.h"
#include "tests/conformance/draws.h"

namespace gradus::conformance {
namespace {

// Coordinates that are taken one by one.
constexpr size_t kOfARow = 40;
constexpr size_t kOfAWeight = 160;
// Multiplications of a row beyond which they are fewer.
constexpr size_t kLarge = 2000;

using Row = std::vector<std::vector<double>>;  // one vector an input

class Differences {
 public:
  Differences(const Subject& subject, const ChainData& data, int64_t rows)
      : subject_(subject), diff_output_(Doubles(data.diff_output)) {
    const auto count = static_cast<size_t>(rows);
    for (size_t row = 0; row < count; ++row) {
      Row& values = rows_.emplace_back();
      for (const std::vector<float>& input : data.inputs)
        values.push_back(Doubles(RowOf(std::span<const float>(input), row, input.size() / count)));
    }
    size_t size = 0;
    for (const std::vector<float>& weight : data.weights) {
      weights_.push_back(Doubles(weight));
      size += weight.size();
    }
    fewer_ = size > kLarge ? 4 : 1;
  }

  ChainReference Run() {
    ChainReference reference;
    for (const Row& row : rows_) {
      const std::vector<double> output = subject_.reference(row, weights_);
      reference.output.insert(reference.output.end(), output.begin(), output.end());
    }
    reference.inputs.resize(subject_.inputs.size());
    uint32_t stream = 1000;
    for (size_t input = 0; input < reference.inputs.size(); ++input) {
      for (size_t row = 0; row < rows_.size(); ++row) {
        reference.inputs[input].push_back(GradientOf(
            [&] { return Weighted(row); }, rows_[row][input], kOfARow / fewer_, stream++));
      }
    }
    for (std::vector<double>& weight : weights_) {
      const auto sum = [&] {
        double total = 0;
        for (size_t row = 0; row < rows_.size(); ++row) total += Weighted(row);
        return total;
      };
      reference.weights.push_back(GradientOf(sum, weight, kOfAWeight / fewer_, stream++));
    }
    return reference;
  }

 private:
  double Weighted(size_t row) const {
    const std::vector<double> output = subject_.reference(rows_[row], weights_);
    double sum = 0;
    for (size_t i = 0; i < output.size(); ++i)
      sum += output[i] * diff_output_[row * output.size() + i];
    return sum;
  }

  const Subject& subject_;
  const std::vector<double> diff_output_;
  std::vector<Row> rows_;
  std::vector<std::vector<double>> weights_;
  size_t fewer_ = 1;
};

}  // namespace

ChainReference ReferenceOf(const Subject& subject, const ChainData& data, int64_t rows) {
  return Differences(subject, data, rows).Run();
}

testing::AssertionResult Agree(const ChainResult& result, const ChainReference& reference) {
  testing::AssertionResult output = Agree(result.output, reference.output);
  if (!output) return output << " in the output";
  for (size_t input = 0; input < result.input_gradients.size(); ++input) {
    const std::vector<Gradient>& rows = reference.inputs[input];
    const std::span<const float> found = result.input_gradients[input];
    double largest = 0;
    for (const Gradient& row : rows) largest = std::max(largest, row.Largest());
    for (size_t row = 0; row < rows.size(); ++row) {
      testing::AssertionResult agrees =
          Agree(RowOf(found, row, found.size() / rows.size()), rows[row], largest);
      if (!agrees) return agrees << " in row " << row << " of the gradient of input " << input;
    }
  }
  for (size_t weight = 0; weight < result.weight_gradients.size(); ++weight) {
    testing::AssertionResult agrees =
        Agree(result.weight_gradients[weight], reference.weights[weight],
              reference.weights[weight].Largest());
    if (!agrees) return agrees << " in the gradient of weight " << weight;
  }
  return testing::AssertionSuccess();
}

}  // namespace gradus::conformance
