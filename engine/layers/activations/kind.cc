// SPDX-License-Identifier: Apache-2.0
// Look-ups in the table of activations.
#include "engine/layers/activations/kind.h"

#include "absl/strings/str_cat.h"
#include "engine/base/status.h"

namespace gradus::activations {

const ActivationKind* Find(const v1::Activation& spec) {
  for (const ActivationKind* kind : Table()) {
    if (kind->field == spec.kind_case()) return kind;
  }
  return nullptr;
}

std::string Word(const ActivationKind& kind) {
  return v1::Activation::descriptor()->FindFieldByNumber(kind.field)->name();
}

absl::Status Check(v1::Activation& spec) {
  if (spec.kind_case() == v1::Activation::KIND_NOT_SET) spec.mutable_linear();
  const ActivationKind& kind = *Find(spec);
  return base::InField(kind.check(spec), Word(kind));
}

std::unique_ptr<const kernels::Operation> Lower(const v1::Activation& spec,
                                                std::span<const int64_t> shape) {
  return Find(spec)->lower(spec, shape);
}

absl::Status CheckShape(const v1::Activation& spec, std::span<const int64_t> shape) {
  const ActivationKind& kind = *Find(spec);
  if (kind.check_shape == nullptr) return absl::OkStatus();
  return base::InField(kind.check_shape(spec, shape), Word(kind));
}

std::vector<layers::Weight> Weights(const v1::Activation& spec, std::span<const int64_t> shape) {
  const ActivationKind& kind = *Find(spec);
  if (kind.weights == nullptr) return {};
  std::vector<layers::Weight> weights = kind.weights(spec, shape);
  for (layers::Weight& weight : weights)
    weight.initializer_field = absl::StrCat(Word(kind), ".", weight.name, "_initializer");
  return weights;
}

std::vector<double> Reference(const v1::Activation& spec, std::span<const int64_t> shape,
                              std::span<const double> row,
                              std::span<const std::vector<double>> weights) {
  const ActivationKind& kind = *Find(spec);
  if (!weights.empty()) return kind.weighted_reference(spec, shape, row, weights);
  std::vector<double> result;
  const auto width = static_cast<size_t>(shape.back());
  for (size_t at = 0; at < row.size(); at += width) {
    const std::vector<double> part = kind.reference(spec, row.subspan(at, width));
    result.insert(result.end(), part.begin(), part.end());
  }
  return result;
}

onnx::Value Onnx(const v1::Activation& spec, const onnx::Value& x,
                 std::span<const onnx::Tensor> weights, onnx::ModelWriter& model) {
  return Find(spec)->onnx(spec, x, weights, model);
}

}  // namespace gradus::activations
