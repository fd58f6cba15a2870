// SPDX-License-Identifier: Apache-2.0
// How weights start: one constant struct a member of the oneof `Initializer.kind`.
#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "engine/base/philox.h"
#include "gradus/v1/initializers.pb.h"

namespace gradus::initializers {

// What a drawn tensor's values must look like.
struct Moments {
  double mean = 0;
  double variance = 0;
  // Every value lies in [low, high].
  double low = 0;
  double high = 0;
};

// What is drawn.
struct Drawn {
  // The weight's published shape.
  std::span<const int64_t> shape;
  int64_t fan_in = 0;
  int64_t fan_out = 0;
};

// A way to draw start values.
//   Shapes   dst: a weight in its published shape, C order, so that no kernel's layout changes what
//            is drawn.
//   Threads  immutable; the functions are pure: the key alone decides the bits.
struct InitializerKind {
  v1::Initializer::KindCase field;
  const char* documentation;
  const char* source;
  // Checks the settings and fills in every default; paths are below the kind's own message.
  absl::Status (*check)(v1::Initializer& spec);
  void (*draw)(const v1::Initializer& spec, const Drawn& weight, const base::RandomKey& key,
               std::span<float> dst);
  // The distribution that `draw` must follow.
  Moments (*reference)(const v1::Initializer& spec, const Drawn& weight);
  // Settings that the conformance tests run.
  std::vector<v1::Initializer> (*samples)();
  // Whether weights of this shape can be drawn: INVALID_ARGUMENT without a path. Null: any can.
  absl::Status (*check_shape)(std::span<const int64_t> shape) = nullptr;
  // Whether the key makes no difference.
  bool constant = false;
};

// Every kind; written by the CMake list.
std::span<const InitializerKind* const> Table();
// Null when the oneof is not set.
const InitializerKind* Find(const v1::Initializer& spec);
// The oneof member's name: "he_normal".
std::string Word(const InitializerKind& kind);

// The kind checks its settings and fills in defaults. REQUIRES nothing: INVALID_ARGUMENT where the
// oneof is not set.
absl::Status Check(v1::Initializer& spec);
// Whether a weight of this shape can start so. REQUIRES: `spec` is checked; the shape has an axis,
// and a number of elements that is an int64_t.
absl::Status CheckShape(const v1::Initializer& spec, std::span<const int64_t> shape);

}  // namespace gradus::initializers
