// SPDX-License-Identifier: Apache-2.0
// Weights, gradients and optimizer slots: each in one arena, in the layouts that their kernels
// chose.
#pragma once

#include <cstddef>
#include <memory>
#include <span>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "engine/base/arena.h"
#include "engine/graph/graph.h"
#include "engine/kernels/kernel.h"
#include "engine/kernels/operation.h"
#include "engine/plan/tensor_list.h"

namespace gradus::plan {

// What becomes of a weight in a step.
enum class Role {
  kTrained,
  // It is gathered from the batches: a moving average. Its "gradient" is what the batch says.
  kStatistic,
  kFixed,
};

// Trained weights lie first and without gaps, so that whatever works on each element by itself is
// one pass over trainable_floats(); statistics lie behind them.
//   Shapes   tensors go in and out in their published shapes; padding inside is and stays zero.
//   Owns     its arenas; cells stay where they are for its life.
//   Threads  none of its own; writers of disjoint stretches may run at the same time.
class ParameterStore {
 public:
  // `layouts` and `roles`: one a parameter of the graph, which must outlive the store.
  // Everything starts as zeros, slots as `slot_start` where they belong to a weight.
  static absl::StatusOr<std::unique_ptr<ParameterStore>> Create(const graph::Graph& graph,
                                                                kernels::Layouts layouts,
                                                                std::vector<Role> roles, int shards,
                                                                std::vector<std::string> slot_names,
                                                                float slot_start = 0);

  kernels::Cell weight(int parameter) const {
    return &weight_cells_[static_cast<size_t>(parameter)];
  }
  Role role(int parameter) const { return roles_[static_cast<size_t>(parameter)]; }
  // Null for a fixed one.
  kernels::Cell gradient(int shard, int parameter) const;
  const std::shared_ptr<const kernels::WeightLayout>& layout(int parameter) const {
    return layouts_[static_cast<size_t>(parameter)];
  }

  // How many there are, of all roles.
  size_t parameters() const { return layouts_.size(); }
  // A multiple of 16.
  size_t trainable_floats() const { return trainable_floats_; }
  // Of trained weights and statistics: what a shard's gradients are. A multiple of 16.
  size_t gathered_floats() const { return gathered_floats_; }
  // Where a parameter begins in the arenas.
  size_t offset(int parameter) const { return offsets_[static_cast<size_t>(parameter)]; }
  float* weights() const { return Floats(weights_); }
  float* gradients(int shard) const { return Floats(gradients_[static_cast<size_t>(shard)]); }
  int slots() const { return static_cast<int>(slots_.size()); }
  float* slot(int index) const { return Floats(slots_[static_cast<size_t>(index)]); }
  uint64_t bytes() const;

  // Parameter `index` from its values in the published shape, C order.
  void SetWeight(int index, const float* values);
  std::vector<NamedTensor> ExportWeights() const;
  // "SLOT/LAYER/kernel", trainable weights alone.
  std::vector<NamedTensor> ExportSlots() const;
  // These tensors must be there and of their shapes, else nothing changes. `all`: and no slot may
  // be missing.
  absl::Status ImportWeights(std::span<const NamedTensor> tensors);
  absl::Status ImportSlots(std::span<const NamedTensor> tensors, bool all);
  std::string FirstNonFiniteWeight() const;
  // Of the bits of all weights as they lie.
  uint64_t Checksum() const;

 private:
  // A tensor inside: a weight, or one of its slots.
  struct Place {
    int parameter = 0;
    float* floats = nullptr;
  };

  ParameterStore(const graph::Graph& graph, kernels::Layouts layouts, std::vector<Role> roles,
                 std::vector<std::string> slot_names)
      : graph_(graph),
        layouts_(std::move(layouts)),
        roles_(std::move(roles)),
        slot_names_(std::move(slot_names)) {}
  static float* Floats(const base::Arena& arena) { return reinterpret_cast<float*>(arena.data()); }
  absl::Status Allocate(int shards, float slot_start);
  NamedTensor Export(const std::string& name, const Place& place) const;
  absl::StatusOr<Place> FindSlot(const std::string& name) const;
  absl::Status CheckShape(const NamedTensor& tensor, int parameter) const;

  const graph::Graph& graph_;
  const kernels::Layouts layouts_;
  const std::vector<Role> roles_;
  const std::vector<std::string> slot_names_;
  std::vector<size_t> offsets_;  // floats, one a parameter
  size_t trainable_floats_ = 0;
  size_t gathered_floats_ = 0;
  base::Arena weights_;
  std::vector<base::Arena> gradients_;  // one a shard
  std::vector<base::Arena> slots_;
  std::vector<void*> weight_cells_;
  std::vector<std::vector<void*>> gradient_cells_;
};

}  // namespace gradus::plan
