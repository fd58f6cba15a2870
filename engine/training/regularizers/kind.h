// SPDX-License-Identifier: Apache-2.0
// Terms of the loss that keep weights or outputs small: one constant struct a member of the oneof
// `Regularizer.kind`.
#pragma once

#include <span>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "gradus/v1/regularization.pb.h"

namespace gradus::regularizers {

// l1 * sum |x| + l2 * sum x^2: what every kind comes down to.
struct Coefficients {
  float l1 = 0;
  float l2 = 0;

  bool any() const { return l1 != 0 || l2 != 0; }
  bool operator==(const Coefficients&) const = default;
};

//   Threads  immutable; the functions are pure.
struct RegularizerKind {
  v1::Regularizer::KindCase field;
  const char* documentation;
  const char* source;
  // Checks the settings and fills in every default; paths are below the kind's own message.
  absl::Status (*check)(v1::Regularizer& spec);
  Coefficients (*lower)(const v1::Regularizer& spec);
  // The term of one tensor, in double precision.
  double (*reference)(const v1::Regularizer& spec, std::span<const double> values);
  // Settings that the conformance tests run.
  std::vector<v1::Regularizer> (*samples)();
};

// Every kind; written by the CMake list.
std::span<const RegularizerKind* const> Table();
// Null when the oneof is not set.
const RegularizerKind* Find(const v1::Regularizer& spec);
// The oneof member's name: "l2".
std::string Word(const RegularizerKind& kind);

// Has the kind check its settings; one without a kind adds nothing to the loss.
absl::Status Check(v1::Regularizer& spec);
// REQUIRES: a checked spec.
Coefficients CoefficientsOf(const v1::Regularizer& spec);

}  // namespace gradus::regularizers
