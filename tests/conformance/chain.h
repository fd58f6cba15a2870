// SPDX-License-Identifier: Apache-2.0
// Runs a subject's operations forward and backward under the conditions that a plan grants them,
// and no better ones.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "tests/conformance/subject.h"

namespace gradus::conformance {

// Which gradients are asked for.
enum class Wanted {
  // As in the middle of a network.
  kAll,
  // As in a frozen layer behind one that trains: the inputs' alone.
  kInput,
  // As in the first layer: the weights' alone.
  kWeights,
};

struct ChainSetting {
  // What the weights' layouts are chosen for.
  int64_t batch_size = 1;
  // At most batch_size.
  int64_t rows = 1;
  int threads = 1;
  // Empty: the best.
  std::string candidate;
  // Operations absorb what follows them where they can, as in a plan.
  bool joined = true;
  // Whether the kernels are those of training; else nothing is run backward.
  bool training = true;
  Wanted wanted = Wanted::kAll;
  // Bytes by which the input misses a 64-byte boundary: rows are used where they lie.
  size_t shift = 0;
};

// Tensors in published shapes, [rows, ...] where they belong to rows.
struct ChainData {
  std::vector<std::vector<float>> inputs;
  std::vector<std::vector<float>> weights;
  // What the gradient of the output is.
  std::vector<float> diff_output;
};

// Numbers of the size that they have in networks.
ChainData DrawChainData(const Subject& subject, int64_t rows);

// Part of a step that the rows are told to be; see kernels::Operands.
inline constexpr float kShare = 0.5F;

struct ChainResult {
  std::vector<float> output;
  // Empty where they are not wanted.
  std::vector<std::vector<float>> input_gradients;
  // What they say of a statistic where the weight is one.
  std::vector<std::vector<float>> weight_gradients;

  bool operator==(const ChainResult&) const = default;
};

// Names of all candidates of the subject's operations; the empty one, for the best, where there are
// none.
std::vector<std::string> CandidatesOf(const Subject& subject);

// Runs it once. What no kernel may do is a failure of the running test: writing outside its
// tensors or to those that it reads, padding that is not zero, needing what it said backward does
// not read, or what another kernel left in the scratch memory.
//   Errors   the candidate's refusal.
absl::StatusOr<ChainResult> RunChain(const Subject& subject, const ChainSetting& setting,
                                     const ChainData& data);

}  // namespace gradus::conformance
