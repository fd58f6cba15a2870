// SPDX-License-Identifier: Apache-2.0
// Reads the tables.
#include "tests/conformance/families.h"

#include <span>

#include "absl/status/status.h"
#include "engine/layers/activations/kind.h"
#include "engine/layers/kind.h"
#include "engine/training/callbacks/kind.h"
#include "engine/training/constraints/kind.h"
#include "engine/training/initializers/kind.h"
#include "engine/training/losses/kind.h"
#include "engine/training/metrics/kind.h"
#include "engine/training/optimizers/kind.h"
#include "engine/training/regularizers/kind.h"
#include "engine/training/schedules/kind.h"
#include "tests/conformance/loss_run.h"

namespace gradus::conformance {
namespace {

template <typename Kind>
bool HasReference(const Kind& kind) {
  if constexpr (requires { kind.reference; }) return kind.reference != nullptr;
  // A formula in double is its own.
  return true;
}

// `samples`: specs; `check`: what fills in a spec's defaults; `whole`: no other function is null.
template <typename Kind, typename Spec, typename Check>
Member MemberOf(const Kind& kind, const std::string& word, std::vector<Spec> samples, Check check,
                bool whole) {
  Member member{.field = kind.field,
                .word = word,
                .documentation = kind.documentation,
                .source = kind.source,
                .has_reference = HasReference(kind),
                .whole = whole};
  for (Spec& sample : samples) {
    member.sample_fields.push_back(sample.kind_case());
    for (std::vector<std::string>* checked :
         {&member.samples_checked, &member.samples_checked_again}) {
      const absl::Status status = check(sample);
      if (!status.ok()) member.refusals.emplace_back(status.message());
      checked->push_back(sample.ShortDebugString());
    }
  }
  return member;
}

Family Layers() {
  Family family{"layers", v1::Layer::descriptor(), {}};
  for (const layers::LayerKind* kind : layers::Table()) {
    std::vector<v1::Layer> specs;
    for (const layers::Sample& sample : kind->samples()) specs.push_back(sample.spec);
    family.members.push_back(MemberOf(*kind, layers::Word(*kind), specs, kind->check,
                                      kind->infer != nullptr && kind->weights != nullptr &&
                                          kind->lower != nullptr && kind->min_inputs >= 1 &&
                                          kind->max_inputs >= kind->min_inputs));
  }
  return family;
}

Family Activations() {
  Family family{"activations", v1::Activation::descriptor(), {}};
  for (const activations::ActivationKind* kind : activations::Table()) {
    family.members.push_back(
        MemberOf(*kind, activations::Word(*kind), kind->samples(), kind->check,
                 kind->lower != nullptr &&
                     (kind->weights == nullptr) == (kind->weighted_reference == nullptr)));
  }
  return family;
}

Family Initializers() {
  Family family{"initializers", v1::Initializer::descriptor(), {}};
  for (const initializers::InitializerKind* kind : initializers::Table()) {
    family.members.push_back(MemberOf(*kind, initializers::Word(*kind), kind->samples(),
                                      kind->check, kind->draw != nullptr));
  }
  return family;
}

Family Losses() {
  Family family{"losses", v1::Loss::descriptor(), {}};
  for (const losses::LossKind* kind : losses::Table()) {
    family.members.push_back(MemberOf(
        *kind, losses::Word(*kind), kind->samples(), kind->check,
        kind->from_logits != nullptr && kind->target != nullptr && kind->lower != nullptr));
  }
  return family;
}

Family Metrics() {
  Family family{"metrics", v1::Metric::descriptor(), {}};
  for (const metrics::MetricKind* kind : metrics::Table()) {
    // It must fit some loss.
    const auto check = [kind](v1::Metric& spec) {
      absl::Status status = absl::InvalidArgumentError("there is no loss");
      for (const losses::LossKind* loss : losses::Table()) {
        for (const LossCase& tested : CasesOf(*loss)) {
          status = kind->check(spec, {loss, tested.target, tested.width});
          if (status.ok()) return status;
        }
      }
      return status;
    };
    family.members.push_back(MemberOf(*kind, metrics::Word(*kind), kind->samples(), check,
                                      kind->sizes != nullptr && kind->lower != nullptr &&
                                          kind->merge != nullptr && kind->figures != nullptr));
  }
  return family;
}

Family Optimizers() {
  Family family{"optimizers", v1::Optimizer::descriptor(), {}};
  for (const optimizers::OptimizerKind* kind : optimizers::Table()) {
    family.members.push_back(
        MemberOf(*kind, optimizers::Word(*kind), kind->samples(), kind->check,
                 kind->learning_rate != nullptr && kind->set_learning_rate != nullptr &&
                     kind->slots != nullptr && kind->hyper != nullptr && kind->update != nullptr));
  }
  return family;
}

Family Regularizers() {
  Family family{"regularizers", v1::Regularizer::descriptor(), {}};
  for (const regularizers::RegularizerKind* kind : regularizers::Table()) {
    family.members.push_back(MemberOf(*kind, regularizers::Word(*kind), kind->samples(),
                                      kind->check, kind->lower != nullptr));
  }
  return family;
}

Family Constraints() {
  Family family{"constraints", v1::Constraint::descriptor(), {}};
  for (const constraints::ConstraintKind* kind : constraints::Table()) {
    family.members.push_back(MemberOf(*kind, constraints::Word(*kind), kind->samples(), kind->check,
                                      (kind->factor == nullptr) != (kind->elements == nullptr)));
  }
  return family;
}

Family Schedules() {
  Family family{"schedules", v1::Schedule::descriptor(), {}};
  for (const schedules::ScheduleKind* kind : schedules::Table()) {
    family.members.push_back(MemberOf(*kind, schedules::Word(*kind), kind->samples(), kind->check,
                                      kind->rate != nullptr));
  }
  return family;
}

Family Callbacks() {
  Family family{"callbacks", v1::Callback::descriptor(), {}};
  for (const callbacks::CallbackKind* kind : callbacks::Table()) {
    Member member{
        .field = kind->field,
        .word = callbacks::Word(*kind),
        .documentation = kind->documentation,
        .source = kind->source,
        // Rules, no formulas: their own tests work them out by hand.
        .has_reference = true,
        .whole = kind->check != nullptr && kind->start != nullptr && kind->after_epoch != nullptr};
    const std::vector<std::string> names = {"val_loss", "loss"};
    for (v1::Callback sample : kind->samples()) {
      member.sample_fields.push_back(sample.kind_case());
      for (std::vector<std::string>* checked :
           {&member.samples_checked, &member.samples_checked_again}) {
        const absl::Status status = kind->check(sample, names);
        if (!status.ok()) member.refusals.emplace_back(status.message());
        checked->push_back(sample.ShortDebugString());
      }
    }
    family.members.push_back(std::move(member));
  }
  return family;
}

}  // namespace

std::vector<Family> Families() {
  return {Layers(),     Activations(), Initializers(), Losses(),      Metrics(),
          Optimizers(), Schedules(),   Regularizers(), Constraints(), Callbacks()};
}

}  // namespace gradus::conformance
