// SPDX-License-Identifier: Apache-2.0
// What layers and activations have in common when they are tested: a chain of operations, and the
// function that it has to be.
#pragma once

#include <cstdint>
#include <functional>
#include <span>
#include <string>
#include <vector>

#include "engine/layers/activations/kind.h"
#include "engine/layers/kind.h"

namespace gradus::conformance {

// One sample of a kind.
struct Subject {
  // "WORD, sample 3".
  std::string name;
  // Without the batch.
  std::vector<layers::Shape> inputs;
  layers::Shape output;
  std::vector<layers::Weight> weights;
  std::function<std::vector<layers::Lowered>()> lower;
  // One row, in double precision.
  std::function<std::vector<double>(std::span<const std::vector<double>> inputs,
                                    std::span<const std::vector<double>> weights)>
      reference;
  // Of a kind whose rows are not independent in training: a whole batch; see layers::LayerKind.
  std::function<std::vector<double>(int64_t rows, std::span<const std::vector<double>> inputs,
                                    std::span<const std::vector<double>> weights,
                                    std::vector<std::vector<double>>* statistics)>
      batch_reference;
  // What it gives in training has no reference.
  bool random = false;
  // As in layers::Sample.
  int64_t whole_below = 0;
};

// All subjects of one kind, under the name that tests of it have.
struct SubjectFamily {
  std::string name;
  std::function<std::vector<Subject>()> subjects;
};

// Every kind of layer on its samples, every kind of activation on some shapes.
std::vector<SubjectFamily> SubjectFamilies();

}  // namespace gradus::conformance
