// SPDX-License-Identifier: Apache-2.0
// What an activation is to the rest of the engine: one constant struct a member of the oneof
// `Activation.kind`.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "engine/formats/onnx/model_writer.h"
#include "engine/kernels/operation.h"
#include "engine/layers/weight.h"
#include "gradus/v1/activations.pb.h"

namespace gradus::activations {

// A function of ONNX's recurrent nodes, with its settings; without a name: there is none.
struct OnnxStep {
  const char* name = nullptr;
  std::optional<float> alpha;
  std::optional<float> beta;
};

// A function of each element, or of each vector along the last axis.
//   Threads  immutable; the functions are pure.
struct ActivationKind {
  v1::Activation::KindCase field;
  const char* documentation;
  const char* source;
  // Checks the settings and fills in every default; paths are below the kind's own message.
  absl::Status (*check)(v1::Activation& spec);
  // The operation on rows of `shape`; null where there is nothing to do.
  std::unique_ptr<const kernels::Operation> (*lower)(const v1::Activation& spec,
                                                     std::span<const int64_t> shape);
  // One vector along the last axis, in double precision.
  std::vector<double> (*reference)(const v1::Activation& spec, std::span<const double> x);
  // Writes it into an ONNX model, as it is in an evaluation, and gives the value that it makes of
  // x; its weights as they are published.
  onnx::Value (*onnx)(const v1::Activation& spec, const onnx::Value& x,
                      std::span<const onnx::Tensor> weights, onnx::ModelWriter& model);
  // The same function within a recurrent layer, of a kind whose gradient follows from its result.
  OnnxStep onnx_step = {};
  // Settings that the conformance tests run; rows of one axis must do for them.
  std::vector<v1::Activation> (*samples)();
  // In training it draws random numbers; `reference` is what it does in an evaluation.
  bool random = false;
  // Whether rows of `shape` fit; null: all do.
  absl::Status (*check_shape)(const v1::Activation& spec, std::span<const int64_t> shape) = nullptr;
  // The weights that the operation has on rows of `shape`, in its order; null: none.
  std::vector<layers::Weight> (*weights)(const v1::Activation& spec,
                                         std::span<const int64_t> shape) = nullptr;
  // One row of `shape`: in the place of `reference` where there are weights.
  std::vector<double> (*weighted_reference)(const v1::Activation& spec,
                                            std::span<const int64_t> shape,
                                            std::span<const double> x,
                                            std::span<const std::vector<double>> weights) = nullptr;
};

// Every kind; written by the CMake list.
std::span<const ActivationKind* const> Table();
// Null when the oneof is not set.
const ActivationKind* Find(const v1::Activation& spec);
// The oneof member's name: "relu".
std::string Word(const ActivationKind& kind);

// Sets `linear` where nothing is set, then has the kind check its settings.
absl::Status Check(v1::Activation& spec);
// Whether it fits rows of `shape`; paths begin with the kind's word.
absl::Status CheckShape(const v1::Activation& spec, std::span<const int64_t> shape);
// Its weights on rows of `shape`.
std::vector<layers::Weight> Weights(const v1::Activation& spec, std::span<const int64_t> shape);
// The chain link of this activation: empty for linear.
std::unique_ptr<const kernels::Operation> Lower(const v1::Activation& spec,
                                                std::span<const int64_t> shape);
// One row of `shape`, in double precision.
std::vector<double> Reference(const v1::Activation& spec, std::span<const int64_t> shape,
                              std::span<const double> row,
                              std::span<const std::vector<double>> weights);
// What ONNX makes of rows, as ActivationKind::onnx has it.
onnx::Value Onnx(const v1::Activation& spec, const onnx::Value& x,
                 std::span<const onnx::Tensor> weights, onnx::ModelWriter& model);

}  // namespace gradus::activations
