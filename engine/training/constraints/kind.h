// SPDX-License-Identifier: Apache-2.0
// What weights are brought back to after each step: one constant struct a member of the oneof
// `Constraint.kind`.
#pragma once

#include <cstddef>
#include <span>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "gradus/v1/regularization.pb.h"

namespace gradus::constraints {

// It works on vectors by their lengths, or on each element by itself. Zeros stay zero: so does
// padding. NaN stays.
//   Threads  immutable; the functions are pure but for the weights.
struct ConstraintKind {
  v1::Constraint::KindCase field;
  const char* documentation;
  const char* source;
  // Checks the settings and fills in every default; paths are below the kind's own message.
  absl::Status (*check)(v1::Constraint& spec);
  // What a vector of this length is multiplied by; null: it is a matter of each element.
  double (*factor)(const v1::Constraint& spec, double length) = nullptr;
  // Null where there is a factor.
  void (*elements)(float* weights, size_t count) = nullptr;
  // One vector, in double precision.
  void (*reference)(const v1::Constraint& spec, std::span<double> vector);
  // Settings that the conformance tests run.
  std::vector<v1::Constraint> (*samples)();
};

// Every kind; written by the CMake list.
std::span<const ConstraintKind* const> Table();
// Null when the oneof is not set.
const ConstraintKind* Find(const v1::Constraint& spec);
// The oneof member's name: "max_norm".
std::string Word(const ConstraintKind& kind);

// Has the kind check its settings; one without a kind changes nothing.
absl::Status Check(v1::Constraint& spec);

}  // namespace gradus::constraints
