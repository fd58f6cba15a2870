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

class Differences {
 public:
  Differences(const Subject& subject, const ChainData& data, int64_t rows, bool batch)
      : subject_(subject), rows_(rows), batch_(batch), diff_output_(Doubles(data.diff_output)) {
    for (const std::vector<float>& input : data.inputs) inputs_.push_back(Doubles(input));
    size_t size = 0;
    for (const std::vector<float>& weight : data.weights) {
      weights_.push_back(Doubles(weight));
      size += weight.size();
    }
    fewer_ = size > kLarge ? 4 : 1;
  }

  ChainReference Run() {
    ChainReference reference;
    std::vector<std::vector<double>> statistics;
    for (int64_t row = 0; row < Parts(); ++row) {
      const std::vector<double> output = Output(row, &statistics);
      reference.output.insert(reference.output.end(), output.begin(), output.end());
    }
    uint32_t stream = 1000;
    reference.inputs.resize(inputs_.size());
    for (size_t input = 0; input < inputs_.size() && subject_.whole_below == 0; ++input) {
      for (int64_t row = 0; row < Parts(); ++row)
        reference.inputs[input].push_back(InputGradient(input, row, stream++));
    }
    size_t statistic = 0;
    for (size_t i = 0; i < weights_.size(); ++i) {
      const bool gathered = subject_.weights[i].statistic;
      reference.weights.push_back(gathered ? Gradient() : WeightGradient(weights_[i], stream++));
      reference.statistics.push_back(gathered && batch_ ? statistics[statistic++]
                                                        : std::vector<double>());
    }
    return reference;
  }

 private:
  // The batch as a whole, or its rows.
  int64_t Parts() const { return batch_ ? 1 : rows_; }

  std::vector<double> Output(int64_t part, std::vector<std::vector<double>>* statistics) const {
    if (batch_) return subject_.batch_reference(rows_, inputs_, weights_, statistics);
    std::vector<std::vector<double>> row;
    for (const std::vector<double>& input : inputs_) {
      const std::span<const double> values =
          RowOf(std::span<const double>(input), static_cast<size_t>(part), input.size() / Count());
      row.emplace_back(values.begin(), values.end());
    }
    return subject_.reference(row, weights_);
  }
  size_t Count() const { return static_cast<size_t>(rows_); }

  double Weighted(int64_t part) const {
    std::vector<std::vector<double>> statistics;
    const std::vector<double> output = Output(part, &statistics);
    double sum = 0;
    for (size_t i = 0; i < output.size(); ++i)
      sum += output[i] * diff_output_[static_cast<size_t>(part) * output.size() + i];
    return sum;
  }

  Gradient InputGradient(size_t input, int64_t part, uint32_t stream) {
    std::vector<double>& whole = inputs_[input];
    const size_t width = whole.size() / static_cast<size_t>(Parts());
    const size_t first = static_cast<size_t>(part) * width;
    std::vector<double> point(whole.begin() + static_cast<std::ptrdiff_t>(first),
                              whole.begin() + static_cast<std::ptrdiff_t>(first + width));
    const auto put = [&] {
      std::ranges::copy(point, whole.begin() + static_cast<std::ptrdiff_t>(first));
    };
    Gradient gradient = GradientOf(
        [&] {
          put();
          return Weighted(part);
        },
        point, (batch_ ? kOfAWeight : kOfARow) / fewer_, stream);
    put();
    return gradient;
  }

  Gradient WeightGradient(std::vector<double>& weight, uint32_t stream) {
    const auto sum = [&] {
      double total = 0;
      for (int64_t part = 0; part < Parts(); ++part) total += Weighted(part);
      return total;
    };
    return GradientOf(sum, weight, kOfAWeight / fewer_, stream);
  }

  const Subject& subject_;
  const int64_t rows_;
  const bool batch_;
  const std::vector<double> diff_output_;
  std::vector<std::vector<double>> inputs_;
  std::vector<std::vector<double>> weights_;
  size_t fewer_ = 1;
};

// Statistics are given times the rows' share.
testing::AssertionResult AgreeOnStatistic(std::span<const float> found,
                                          std::span<const double> expected) {
  std::vector<double> shared;
  for (const double value : expected) shared.push_back(static_cast<double>(kShare) * value);
  return Agree(found, std::span<const double>(shared));
}

}  // namespace

ChainReference ReferenceOf(const Subject& subject, const ChainData& data, int64_t rows,
                           bool batch) {
  return Differences(subject, data, rows, batch).Run();
}

testing::AssertionResult Agree(const ChainResult& result, const ChainReference& reference) {
  testing::AssertionResult output = Agree(result.output, reference.output);
  if (!output) return output << " in the output";
  for (size_t input = 0; input < result.input_gradients.size(); ++input) {
    const std::vector<Gradient>& rows = reference.inputs[input];
    if (rows.empty()) continue;
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
    const std::vector<double>& statistic = reference.statistics[weight];
    testing::AssertionResult agrees =
        statistic.empty() ? Agree(result.weight_gradients[weight], reference.weights[weight],
                                  reference.weights[weight].Largest())
                          : AgreeOnStatistic(result.weight_gradients[weight], statistic);
    if (!agrees) return agrees << " in the gradient of weight " << weight;
  }
  return testing::AssertionSuccess();
}

}  // namespace gradus::conformance
