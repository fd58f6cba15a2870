// SPDX-License-Identifier: Apache-2.0
// What recurrent layers have in common.
#include "engine/layers/recurrent.h"

#include <utility>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "engine/kernels/eltwise.h"
#include "engine/layers/activations/kind.h"

namespace gradus::layers {
namespace {

constexpr int64_t kOneValue[] = {1};

bool FollowsFromItsResult(const v1::Activation& spec) {
  const auto operation = activations::Lower(spec, kOneValue);
  return operation == nullptr || kernels::EltwiseOf(*operation) != nullptr;
}

// Of all kinds that follow from their results.
std::string AllowedWords() {
  std::vector<std::string> words;
  for (const activations::ActivationKind* kind : activations::Table()) {
    v1::Activation spec = kind->samples()[0];
    if (activations::Check(spec).ok() && FollowsFromItsResult(spec))
      words.push_back(activations::Word(*kind));
  }
  return "one of " + absl::StrJoin(words, ", ");
}

}  // namespace

absl::Status CheckUnits(int64_t units) {
  constexpr int64_t kMost = 65'536;
  if (units >= 1 && units <= kMost) return absl::OkStatus();
  return base::InvalidArgument("units", absl::StrCat(units),
                               absl::StrCat("a number from 1 to ", kMost));
}

absl::Status CheckStepFunction(absl::string_view path, v1::Activation* spec,
                               void (*fallback)(v1::Activation&)) {
  if (spec->kind_case() == v1::Activation::KIND_NOT_SET) fallback(*spec);
  RETURN_IF_ERROR(base::InField(activations::Check(*spec), path));
  if (FollowsFromItsResult(*spec)) return absl::OkStatus();
  return base::InvalidArgument(path, activations::Word(*activations::Find(*spec)), AllowedWords());
}

void HyperbolicTangent(v1::Activation& spec) { spec.mutable_tanh(); }
void Logistic(v1::Activation& spec) { spec.mutable_sigmoid(); }
void RecurrentStart(v1::Initializer& spec) { spec.mutable_orthogonal(); }

const kernels::Eltwise* StepFunction(const v1::Activation& spec) {
  const auto operation = activations::Lower(spec, kOneValue);
  return operation == nullptr ? nullptr : kernels::EltwiseOf(*operation);
}

std::vector<Lowered> RecurrentChain(std::unique_ptr<const kernels::Operation> operation,
                                    bool bias) {
  std::vector<Lowered> chain;
  chain.push_back(
      {std::move(operation), bias ? std::vector<int>{0, 1, 2} : std::vector<int>{0, 1}});
  return chain;
}

std::vector<double> RowTimes(std::span<const double> x, std::span<const double> matrix,
                             size_t columns) {
  std::vector<double> y(columns, 0);
  for (size_t i = 0; i < x.size(); ++i) {
    for (size_t column = 0; column < columns; ++column)
      y[column] += x[i] * matrix[i * columns + column];
  }
  return y;
}

void AddPart(std::vector<double>& sum, std::span<const double> other, size_t part) {
  for (size_t i = 0; i < sum.size(); ++i) sum[i] += other[part * sum.size() + i];
}

std::vector<double> PartOf(const v1::Activation& spec, std::span<const double> values, size_t part,
                           size_t units) {
  return activations::Find(spec)->reference(spec, values.subspan(part * units, units));
}

}  // namespace gradus::layers
