// SPDX-License-Identifier: Apache-2.0
// Subjects out of the tables of layers and activations.
#include "tests/conformance/subject.h"

#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "engine/graph/graph.h"

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
                .random = kind.random,
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

// The kind's reference knows one vector along the last axis.
std::vector<double> AlongTheLastAxis(const activations::ActivationKind& kind,
                                     const v1::Activation& spec, int64_t width,
                                     const std::vector<double>& row) {
  std::vector<double> result;
  const std::span<const double> values = row;
  for (size_t at = 0; at < row.size(); at += static_cast<size_t>(width)) {
    const std::vector<double> part =
        kind.reference(spec, values.subspan(at, static_cast<size_t>(width)));
    result.insert(result.end(), part.begin(), part.end());
  }
  return result;
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
           .weights = {},
           .lower =
               [&kind, spec, shape] {
                 std::vector<layers::Lowered> chain;
                 auto operation = activations::Lower(spec, shape);
                 // Nothing to do is what a view does.
                 if (operation == nullptr) operation = kernels::MakeView(graph::CountOf(shape));
                 chain.push_back({std::move(operation), {}, kind.field});
                 return chain;
               },
           .reference =
               [&kind, spec, shape](std::span<const std::vector<double>> rows,
                                    std::span<const std::vector<double>>) {
                 return AlongTheLastAxis(kind, spec, shape.back(), rows[0]);
               }});
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
