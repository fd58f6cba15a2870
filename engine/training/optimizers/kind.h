// SPDX-License-Identifier: Apache-2.0
// How gradients become new weights: one constant struct a member of the oneof `Optimizer.kind`.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "gradus/v1/optimizers.pb.h"

namespace gradus::optimizers {

inline constexpr int kMaxSlots = 4;

// A stretch of the arenas of weights, gradients and slots: `count` floats, a multiple of 16, each
// pointer 64-byte aligned.
struct Stretch {
  float* weights = nullptr;
  const float* gradients = nullptr;
  float* slots[kMaxSlots] = {};
  size_t count = 0;
};

// What does not change from one element to the next.
struct Hyper {
  float learning_rate = 0;
  // The kind's own settings, in its order.
  float settings[6] = {};
  // Steps done before this one.
  int64_t step = 0;
  // What OptimizerKind::prepare makes of the rest for this step, in the kind's order.
  float factors[3] = {};
};

// An update rule that works on each element by itself. Zero weights with zero gradients stay zero:
// so does padding.
//   Threads  immutable; `update` on disjoint stretches from any thread.
struct OptimizerKind {
  v1::Optimizer::KindCase field;
  const char* documentation;
  const char* source;
  // Checks the settings and fills in every default; paths are below the kind's own message.
  absl::Status (*check)(v1::Optimizer& spec);
  double (*learning_rate)(const v1::Optimizer& spec);
  void (*set_learning_rate)(v1::Optimizer& spec, double learning_rate);
  // Names of the tensors kept beside each weight, at most kMaxSlots.
  std::vector<std::string> (*slots)(const v1::Optimizer& spec);
  // With the learning rate and step 0.
  Hyper (*hyper)(const v1::Optimizer& spec);
  // What the slots start with; null: zeros.
  float (*slot_start)(const v1::Optimizer& spec) = nullptr;
  // Called before each step, and whenever the learning rate or the step changes; null: nothing to
  // do.
  void (*prepare)(Hyper& hyper) = nullptr;
  void (*update)(const Hyper& hyper, const Stretch& stretch);
  // One element, in double precision.
  void (*reference)(const v1::Optimizer& spec, double gradient, int64_t step, double& weight,
                    std::span<double> slots);
  // Settings that the conformance tests run.
  std::vector<v1::Optimizer> (*samples)();
};

// Every kind; written by the CMake list.
std::span<const OptimizerKind* const> Table();
// Null when the oneof is not set.
const OptimizerKind* Find(const v1::Optimizer& spec);
// The oneof member's name: "sgd".
std::string Word(const OptimizerKind& kind);

// Another learning rate; sets `sgd` where nothing is set.
void ReplaceLearningRate(v1::Optimizer& spec, double learning_rate);
// Sets `sgd` where nothing is set, then has the kind check its settings.
absl::Status Check(v1::Optimizer& spec);

}  // namespace gradus::optimizers
