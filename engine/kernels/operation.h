// SPDX-License-Identifier: Apache-2.0
// One differentiable operation of a network: what layers are lowered to, and what a plan compiles.
#pragma once

#include <cstdint>
#include <memory>
#include <span>
#include <string>
#include <utility>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "engine/kernels/kernel.h"
#include "engine/kernels/weight_layout.h"

namespace gradus::kernels {

// What kernels are made for.
struct Setting {
  int64_t rows = 1;
  // Threads inside each kernel.
  int threads = 1;
  // Backward kernels are wanted too.
  bool training = true;
  // In training: the layer's weights do not train, and what it has learned of its data stays as it
  // is.
  bool frozen = false;
  // Where not empty, only the candidate of this name is tried. One of Operation::candidates().
  std::string candidate;
};

// What kernels draw random numbers with; set before each step.
struct Draw {
  uint64_t seed = 0;
  // Done in the run before this one.
  uint64_t step = 0;
  // The number in the batch of the first row that the operation sees.
  int64_t first_row = 0;
};

// Cells of one operation's tensors. Null where there is none or nobody wants it.
struct Operands {
  std::vector<Cell> srcs;
  Cell dst = nullptr;
  // May be overwritten.
  Cell diff_dst = nullptr;
  // As many as srcs; each is written whole.
  std::vector<Cell> diff_srcs;
  std::vector<Cell> weights;
  // As many as weights; null for one that does not train. A statistic's is there in training where
  // the layer is not frozen: forward writes `share` times what these rows say it is.
  std::vector<Cell> diff_weights;
  // scratch_bytes() of memory, 64-byte aligned, that holds nothing between kernels.
  Cell scratch = nullptr;
  // workspace_bytes() of memory, 64-byte aligned, that keeps what forward writes for backward. Null
  // without training.
  Cell workspace = nullptr;
  // These rows' part of all that the layer sees in a step.
  float share = 1;
  // Read when kernels run; outlives them.
  const Draw* draw = nullptr;
  // Of the random numbers: no two operations of a plan have the same, and it stays the same.
  uint32_t stream = 0;

  // Of operations with one source.
  Cell src() const { return srcs[0]; }
  Cell diff_src() const { return diff_srcs.empty() ? nullptr : diff_srcs[0]; }
};

using Layouts = std::vector<std::shared_ptr<const WeightLayout>>;
using Kernels = std::vector<std::unique_ptr<Kernel>>;

// An operation for one number of rows and one choice among its candidates.
//   Threads  one.
class CompiledOperation {
 public:
  virtual ~CompiledOperation() = default;
  // One a weight.
  virtual Layouts layouts() const { return {}; }
  virtual size_t scratch_bytes() const { return 0; }
  virtual size_t workspace_bytes() const { return 0; }
  // Why better candidates were not taken: "onednn: ...".
  const std::vector<std::string>& refusals() const { return refusals_; }
  void set_refusals(std::vector<std::string> refusals) { refusals_ = std::move(refusals); }
  // Kernels in the order in which they must run.
  virtual absl::StatusOr<Kernels> Forward(const Operands& operands) const = 0;
  // REQUIRES: compiled for training; diff_dst is there, and some gradient is wanted.
  virtual absl::StatusOr<Kernels> Backward(const Operands& operands) const = 0;

 private:
  std::vector<std::string> refusals_;
};

// An operation for any number of rows.
//   Threads  immutable: any.
class Operation {
 public:
  virtual ~Operation() = default;
  virtual std::string name() const = 0;
  // Values in one row of the result.
  virtual int64_t dst_values() const = 0;
  // The result is its input's memory under another shape: there is nothing to run, forward or
  // backward.
  virtual bool is_view() const { return false; }
  // What backward reads again.
  virtual bool backward_reads_src(bool diff_weights) const = 0;
  virtual bool backward_reads_dst() const = 0;
  // Names of the ways to compute it, best first; empty: there is only one.
  virtual std::vector<std::string> candidates() const { return {}; }
  // This operation with `next` done in the same kernel, or null where that cannot be.
  virtual std::unique_ptr<const Operation> Absorb(const Operation& next) const {
    static_cast<void>(next);
    return nullptr;
  }
  // `layouts`: empty, or one a weight that must be used.
  virtual absl::StatusOr<std::unique_ptr<CompiledOperation>> Compile(
      const Setting& setting, const Layouts& layouts) const = 0;
};

// The result is the input.
std::unique_ptr<const Operation> MakeView(int64_t values);

}  // namespace gradus::kernels
