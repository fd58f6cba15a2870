// SPDX-License-Identifier: Apache-2.0
// Subjects out of the tables of layers and activations.
#include "tests/conformance/subject.h"

#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "engine/graph/graph.h"
#include "engine/layers/activated.h"

namespace gradus::conformance {
namespace {

std::vector<Subject> SubjectsOf(const layers::LayerKind& kind) {
  std::vector<Subject> subjects;
  for (const layers::Sample& sample : kind.samples()) {
    v1::Layer spec = sample.spec;
    kind.check(spec).IgnoreError();  // FamiliesTest sees to that
    const std::vector<layers::Shape> inputs = sample.inputs;
    Subject& subject = subjects.emplace_back(
        Subject{.name = absl::StrCat(layers::Word(kind), ", sample ", subjects.size()),
                .inputs = inputs,
                .output = kind.infer(spec, inputs).value(),
                .weights = kind.weights(spec, inputs),
                .lower = [&kind, spec, inputs] { return kind.lower(spec, inputs); },
                .reference =
                    [&kind, spec, inputs](std::span<const std::vector<double>> rows,
                                          std::span<const std::vector<double>> weights) {
                      return kind.reference(spec, inputs, rows, weights);
                    },
                .random = layers::Draws(spec),
                .whole_below = sample.whole_below});
    if (kind.batch_reference == nullptr) continue;
    subject.batch_reference = [&kind, spec, inputs](int64_t rows,
                                                    std::span<const std::vector<double>> values,
                                                    std::span<const std::vector<double>> weights,
                                                    std::vector<std::vector<double>>* statistics) {
      return kind.batch_reference(spec, inputs, rows, values, weights, statistics);
    };
  }
  return subjects;
}

// Widths on both sides of every vector's, and vectors inside of rows.
std::vector<Subject> SubjectsOf(const activations::ActivationKind& kind) {
  std::vector<Subject> subjects;
  for (v1::Activation spec : kind.samples()) {
    activations::Check(spec).IgnoreError();
    for (const layers::Shape& shape : {layers::Shape{1}, {7}, {33}, {3, 5}, {2, 3, 17}}) {
      subjects.push_back(
          {.name = absl::StrCat(activations::Word(kind), " of (", absl::StrJoin(shape, ", "), ")"),
           .inputs = {shape},
           .output = shape,
           .weights = activations::Weights(spec, shape),
           .lower =
               [spec, shape] {
                 std::vector<layers::Lowered> chain;
                 layers::AppendActivation(spec, shape, 0, chain);
                 // Nothing to do is what a view does.
                 if (chain.empty()) chain.push_back({kernels::MakeView(graph::CountOf(shape)), {}});
                 return chain;
               },
           .reference =
               [spec, shape](std::span<const std::vector<double>> rows,
                             std::span<const std::vector<double>> weights) {
                 return activations::Reference(spec, shape, rows[0], weights);
               },
           .random = kind.random});
    }
  }
  return subjects;
}

}  // namespace

std::vector<SubjectFamily> SubjectFamilies() {
  std::vector<SubjectFamily> families;
  for (const layers::LayerKind* kind : layers::Table())
    families.push_back({"layer_" + layers::Word(*kind), [kind] { return SubjectsOf(*kind); }});
  for (const activations::ActivationKind* kind : activations::Table()) {
    families.push_back(
        {"activation_" + activations::Word(*kind), [kind] { return SubjectsOf(*kind); }});
  }
  return families;
}

}  // namespace gradus::conformance
