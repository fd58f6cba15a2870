// SPDX-License-Identifier: Apache-2.0
// -log p[label] for labels that are class numbers.
#include <algorithm>
#include <cmath>
#include <limits>

#include "absl/strings/str_cat.h"
#include "engine/base/status.h"
#include "engine/kernels/function_kernel.h"
#include "engine/kernels/vector/functions.h"
#include "engine/training/losses/kind.h"
#include "engine/training/losses/probability.h"

namespace gradus::losses {
namespace {

absl::Status CheckSettings(v1::Loss& loss) {
  v1::SparseCategoricalCrossentropy& spec = *loss.mutable_sparse_categorical_crossentropy();
  if (!spec.has_from_logits()) spec.set_from_logits(false);
  return absl::OkStatus();
}

bool FromLogits(const v1::Loss& spec) {
  return spec.sparse_categorical_crossentropy().from_logits();
}

absl::StatusOr<Target> TargetOf(const v1::Loss&, std::span<const int64_t> output_shape) {
  ASSIGN_OR_RETURN(const int64_t classes, VectorLength(output_shape, 2));
  return Target{TargetForm::kClass, 1, classes};
}

double FromProbabilities(const LossOperands& o) {
  const float* p = kernels::Floats(o.predictions);
  const auto* labels = static_cast<const int32_t*>(*o.targets);
  float* diff = o.diff == nullptr ? nullptr : kernels::Floats(o.diff);
  if (diff != nullptr) std::fill_n(diff, o.rows * o.width, 0.0F);
  double sum = 0;
  for (int64_t row = 0; row < o.rows; ++row) {
    const int64_t label = labels[row];
    if (label < 0 || label >= o.width) {
      sum += std::numeric_limits<double>::quiet_NaN();
      continue;
    }
    const int64_t at = row * o.width + label;
    const double picked = static_cast<double>(p[at]);
    sum -= std::log(Cut(picked));
    if (diff != nullptr && !IsCut(picked))
      diff[at] = static_cast<float>(-static_cast<double>(o.scale) / picked);
  }
  return sum;
}

absl::StatusOr<std::unique_ptr<kernels::Kernel>> Lower(const v1::Loss&, const LossOperands& o) {
  const std::string size = absl::StrCat(o.rows, "x", o.width);
  if (!o.logits)
    return kernels::MakeKernel("cross_entropy_class " + size,
                               [o] { *o.sum = FromProbabilities(o); });
  return kernels::MakeKernel(
      absl::StrCat("softmax_cross_entropy_class vector:", kernels::Vector().isa, " ", size), [o] {
        *o.sum = kernels::Vector().softmax_cross_entropy_class(
            kernels::Floats(o.predictions), static_cast<const int32_t*>(*o.targets), o.scale,
            o.diff == nullptr ? nullptr : kernels::Floats(o.diff), o.rows, o.width);
      });
}

double Reference(const v1::Loss&, bool logits, std::span<const double> predictions,
                 std::span<const double> targets) {
  const double picked = predictions[static_cast<size_t>(targets[0])];
  if (!logits) return -std::log(Cut(picked));
  const double largest = *std::max_element(predictions.begin(), predictions.end());
  double sum = 0;
  for (const double x : predictions) sum += std::exp(x - largest);
  return largest + std::log(sum) - picked;
}

std::vector<v1::Loss> Samples() {
  std::vector<v1::Loss> samples(2);
  samples[0].mutable_sparse_categorical_crossentropy();
  samples[1].mutable_sparse_categorical_crossentropy()->set_from_logits(true);
  return samples;
}

}  // namespace

extern const LossKind sparse_categorical_crossentropy_kind;
constinit const LossKind sparse_categorical_crossentropy_kind = {
    .field = v1::Loss::kSparseCategoricalCrossentropy,
    .documentation = "-log p[label], for labels that are class numbers 0 to units - 1.",
    .source = "Keras, SparseCategoricalCrossentropy",
    .fuses = v1::Activation::kSoftmax,
    .scoring = Scoring::kArgmax,
    .check = CheckSettings,
    .from_logits = FromLogits,
    .target = TargetOf,
    .lower = Lower,
    .reference = Reference,
    .samples = Samples,
};

}  // namespace gradus::losses
