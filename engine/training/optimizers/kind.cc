// SPDX-License-Identifier: Apache-2.0
// Look-ups in the table of optimizers.
#include "engine/training/optimizers/kind.h"

#include "engine/base/status.h"
#include "engine/training/optimizers/settings.h"

namespace gradus::optimizers {

const OptimizerKind* Find(const v1::Optimizer& spec) {
  for (const OptimizerKind* kind : Table()) {
    if (kind->field == spec.kind_case()) return kind;
  }
  return nullptr;
}

std::string Word(const OptimizerKind& kind) {
  return v1::Optimizer::descriptor()->FindFieldByNumber(kind.field)->name();
}

void ReplaceLearningRate(v1::Optimizer& spec, double learning_rate) {
  if (spec.kind_case() == v1::Optimizer::KIND_NOT_SET) spec.mutable_sgd();
  Find(spec)->set_learning_rate(spec, learning_rate);
}

absl::Status Check(v1::Optimizer& spec) {
  if (spec.kind_case() == v1::Optimizer::KIND_NOT_SET) spec.mutable_sgd();
  const OptimizerKind& kind = *Find(spec);
  RETURN_IF_ERROR(base::InField(kind.check(spec), Word(kind)));
  return base::InField(CheckCommon(spec), Word(kind));
}

}  // namespace gradus::optimizers
