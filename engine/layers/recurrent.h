// SPDX-License-Identifier: Apache-2.0
// What recurrent layers have in common, whatever their message is called.
#pragma once

#include <cstdint>
#include <span>
#include <vector>

#include "absl/status/status.h"
#include "absl/strings/string_view.h"
#include "engine/base/status.h"
#include "engine/kernels/recurrence.h"
#include "engine/layers/convolving.h"
#include "engine/layers/kind.h"

namespace gradus::layers {

// 1 to 65,536.
absl::Status CheckUnits(int64_t units);
// Checks an activation, which is `fallback` where nothing is set. Its gradient must follow from its
// result: nothing else is kept from step to step.
absl::Status CheckStepFunction(absl::string_view path, v1::Activation* spec,
                               void (*fallback)(v1::Activation&));
void HyperbolicTangent(v1::Activation& spec);
void Logistic(v1::Activation& spec);
// How recurrent kernels start where nothing is said.
void RecurrentStart(v1::Initializer& spec);

// The kernels' function for a checked activation; null for the identity.
const kernels::Eltwise* StepFunction(const v1::Activation& spec);

// What all of them have; gates are left to those that have some.
template <typename Spec>
absl::Status CheckRecurrent(Spec& spec) {
  RETURN_IF_ERROR(CheckUnits(spec.units()));
  RETURN_IF_ERROR(CheckStepFunction("activation", spec.mutable_activation(), HyperbolicTangent));
  if (!spec.has_use_bias()) spec.set_use_bias(true);
  if (!spec.has_return_sequences()) spec.set_return_sequences(false);
  if (!spec.has_go_backwards()) spec.set_go_backwards(false);
  FillInitializer(spec.mutable_kernel_initializer(), Glorot);
  FillInitializer(spec.mutable_recurrent_initializer(), RecurrentStart);
  FillInitializer(spec.mutable_bias_initializer(), AllZeros);
  return absl::OkStatus();
}
template <typename Spec>
absl::Status CheckGated(Spec& spec) {
  RETURN_IF_ERROR(CheckRecurrent(spec));
  return CheckStepFunction("recurrent_activation", spec.mutable_recurrent_activation(), Logistic);
}

template <typename Spec>
absl::StatusOr<Shape> InferRecurrent(const Spec& spec, const Shape& input) {
  RETURN_IF_ERROR(CheckSequence(input));
  if (spec.return_sequences()) return Shape{input[0], spec.units()};
  return Shape{spec.units()};
}

// The two kernels, with `gates` times units columns, and a bias of the shape given.
template <typename Spec>
std::vector<Weight> RecurrentWeights(const Spec& spec, const Shape& input, int64_t gates,
                                     const Shape& bias) {
  const int64_t columns = gates * spec.units();
  std::vector<Weight> weights = {
      {"kernel", {input[1], columns}, spec.kernel_initializer(), input[1], columns},
      {"recurrent_kernel",
       {spec.units(), columns},
       spec.recurrent_initializer(),
       spec.units(),
       columns}};
  if (spec.use_bias()) {
    weights.push_back({"bias", bias, spec.bias_initializer(),
                       bias.size() > 1 ? bias[0] : bias.back(), bias.back()});
  }
  return weights;
}

// What kernels are made for; without gates.
template <typename Spec>
kernels::RecurrenceShape RecurrenceOf(const Spec& spec, const Shape& input) {
  return {.steps = input[0],
          .inputs = input[1],
          .units = spec.units(),
          .bias = spec.use_bias(),
          .sequences = spec.return_sequences(),
          .backwards = spec.go_backwards(),
          .activation = StepFunction(spec.activation())};
}

// A chain of one operation with its two kernels, and the bias if there is one.
std::vector<Lowered> RecurrentChain(std::unique_ptr<const kernels::Operation> operation, bool bias);

// x * matrix, of `columns` columns.
std::vector<double> RowTimes(std::span<const double> x, std::span<const double> matrix,
                             size_t columns);
// Adds part `part` of `other`, as long as the sum.
void AddPart(std::vector<double>& sum, std::span<const double> other, size_t part = 0);
// Part `part` of values cut into parts of `units`, after an activation.
std::vector<double> PartOf(const v1::Activation& spec, std::span<const double> values, size_t part,
                           size_t units);

// The layer's result for one row: next(x, h) makes the new h in place.
template <typename Spec, typename Next>
std::vector<double> PassThrough(const Spec& spec, const Shape& input, std::span<const double> row,
                                Next next) {
  const auto steps = static_cast<size_t>(input[0]);
  const auto width = static_cast<size_t>(input[1]);
  std::vector<double> h(static_cast<size_t>(spec.units()), 0);
  std::vector<double> all;
  for (size_t t = 0; t < steps; ++t) {
    next(row.subspan((spec.go_backwards() ? steps - 1 - t : t) * width, width), h);
    all.insert(all.end(), h.begin(), h.end());
  }
  return spec.return_sequences() ? all : h;
}

}  // namespace gradus::layers
