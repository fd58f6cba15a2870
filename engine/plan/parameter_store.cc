// SPDX-License-Identifier: Apache-2.0
// Places parameters, and translates between published shapes and kernels' layouts.
#include "engine/plan/parameter_store.h"

#include <cmath>
#include <cstring>
#include <map>
#include <set>
#include <utility>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "engine/base/status.h"

namespace gradus::plan {
namespace {

// Floats in a cache line: blocks are whole lines.
constexpr size_t kLine = 16;

size_t WholeLines(size_t floats) { return (floats + kLine - 1) / kLine * kLine; }

}  // namespace

absl::StatusOr<std::unique_ptr<ParameterStore>> ParameterStore::Create(
    const graph::Graph& graph, kernels::Layouts layouts, std::vector<Role> roles, int shards,
    std::vector<std::string> slot_names, float slot_start) {
  std::unique_ptr<ParameterStore> store(
      new ParameterStore(graph, std::move(layouts), std::move(roles), std::move(slot_names)));
  RETURN_IF_ERROR(store->Allocate(shards, slot_start));
  return store;
}

absl::Status ParameterStore::Allocate(int shards, float slot_start) {
  const size_t count = layouts_.size();
  offsets_.resize(count);
  size_t total = 0;
  for (const Role role : {Role::kTrained, Role::kStatistic, Role::kFixed}) {
    for (size_t i = 0; i < count; ++i) {
      if (roles_[i] != role) continue;
      offsets_[i] = total;
      total += WholeLines(layouts_[i]->floats());
    }
    if (role == Role::kTrained) trainable_floats_ = total;
    if (role == Role::kStatistic) gathered_floats_ = total;
  }
  ASSIGN_OR_RETURN(weights_, base::Arena::Allocate(total * sizeof(float)));
  gradients_.resize(static_cast<size_t>(shards));
  for (base::Arena& arena : gradients_) {
    ASSIGN_OR_RETURN(arena, base::Arena::Allocate(gathered_floats_ * sizeof(float)));
  }
  slots_.resize(slot_names_.size());
  for (base::Arena& arena : slots_) {
    ASSIGN_OR_RETURN(arena, base::Arena::Allocate(trainable_floats_ * sizeof(float)));
  }
  for (size_t i = 0; i < count && slot_start != 0; ++i) {
    if (roles_[i] != Role::kTrained) continue;
    const std::vector<float> start(static_cast<size_t>(graph_.parameters()[i].count), slot_start);
    for (base::Arena& arena : slots_)
      layouts_[i]->FromPublic(start.data(), Floats(arena) + offsets_[i]);
  }
  gradient_cells_.assign(gradients_.size(), std::vector<void*>(count, nullptr));
  for (size_t i = 0; i < count; ++i) {
    weight_cells_.push_back(weights() + offsets_[i]);
    for (size_t shard = 0; roles_[i] != Role::kFixed && shard < gradients_.size(); ++shard)
      gradient_cells_[shard][i] = Floats(gradients_[shard]) + offsets_[i];
  }
  return absl::OkStatus();
}

kernels::Cell ParameterStore::gradient(int shard, int parameter) const {
  void* const* cell = &gradient_cells_[static_cast<size_t>(shard)][static_cast<size_t>(parameter)];
  return *cell == nullptr ? nullptr : cell;
}

uint64_t ParameterStore::bytes() const {
  uint64_t sum = weights_.size();
  for (const base::Arena& arena : gradients_) sum += arena.size();
  for (const base::Arena& arena : slots_) sum += arena.size();
  return sum;
}

void ParameterStore::SetWeight(int index, const float* values) {
  const auto at = static_cast<size_t>(index);
  layouts_[at]->FromPublic(values, weights() + offsets_[at]);
}

NamedTensor ParameterStore::Export(const std::string& name, const Place& place) const {
  const graph::Parameter& parameter = graph_.parameters()[static_cast<size_t>(place.parameter)];
  NamedTensor tensor{name, parameter.shape,
                     std::vector<float>(static_cast<size_t>(parameter.count))};
  layout(place.parameter)->ToPublic(place.floats, tensor.values.data());
  return tensor;
}

// Fowler, Noll and Vo's 1a over words instead of bytes, in four lanes for speed; it is no secret
// that it guards, only bits.
uint64_t ParameterStore::Checksum() const {
  constexpr uint64_t kPrime = 0x100000001b3;
  uint64_t lanes[4] = {0xcbf29ce484222325, 1, 2, 3};
  const std::byte* at = weights_.data();
  for (size_t word = 0; word + 4 <= weights_.size() / sizeof(uint64_t); word += 4) {
    for (uint64_t& lane : lanes) {
      uint64_t value = 0;
      std::memcpy(&value, at, sizeof(value));
      at += sizeof(value);
      lane = (lane ^ value) * kPrime;
    }
  }
  uint64_t sum = 0;
  for (const uint64_t lane : lanes) sum = (sum ^ lane) * kPrime;
  return sum;
}

std::vector<NamedTensor> ParameterStore::ExportWeights() const {
  std::vector<NamedTensor> tensors;
  for (size_t i = 0; i < offsets_.size(); ++i) {
    tensors.push_back(
        Export(graph_.parameters()[i].name, {static_cast<int>(i), weights() + offsets_[i]}));
  }
  return tensors;
}

std::vector<NamedTensor> ParameterStore::ExportSlots() const {
  std::vector<NamedTensor> tensors;
  for (size_t slot_index = 0; slot_index < slots_.size(); ++slot_index) {
    for (size_t i = 0; i < offsets_.size(); ++i) {
      if (roles_[i] != Role::kTrained) continue;
      const std::string name =
          absl::StrCat(slot_names_[slot_index], "/", graph_.parameters()[i].name);
      tensors.push_back(
          Export(name, {static_cast<int>(i), Floats(slots_[slot_index]) + offsets_[i]}));
    }
  }
  return tensors;
}

absl::Status ParameterStore::CheckShape(const NamedTensor& tensor, int parameter) const {
  const graph::Parameter& wanted = graph_.parameters()[static_cast<size_t>(parameter)];
  if (tensor.shape == wanted.shape && tensor.values.size() == static_cast<size_t>(wanted.count))
    return absl::OkStatus();
  return absl::InvalidArgumentError(absl::StrCat(
      "tensor \"", tensor.name, "\" has the shape [", absl::StrJoin(tensor.shape, ", "),
      "], the model's is [", absl::StrJoin(wanted.shape, ", "), "]"));
}

absl::Status ParameterStore::ImportWeights(std::span<const NamedTensor> tensors) {
  std::map<std::string, int> index;
  for (size_t i = 0; i < offsets_.size(); ++i)
    index.emplace(graph_.parameters()[i].name, static_cast<int>(i));
  for (const NamedTensor& tensor : tensors) {
    const auto found = index.find(tensor.name);
    if (found == index.end())
      return absl::InvalidArgumentError(
          absl::StrCat("tensor \"", tensor.name, "\" is no weight of this model"));
    RETURN_IF_ERROR(CheckShape(tensor, found->second));
  }
  for (const NamedTensor& tensor : tensors) SetWeight(index[tensor.name], tensor.values.data());
  return absl::OkStatus();
}

absl::StatusOr<ParameterStore::Place> ParameterStore::FindSlot(const std::string& name) const {
  for (size_t slot_index = 0; slot_index < slots_.size(); ++slot_index) {
    for (size_t i = 0; i < offsets_.size(); ++i) {
      if (roles_[i] != Role::kTrained ||
          name != absl::StrCat(slot_names_[slot_index], "/", graph_.parameters()[i].name))
        continue;
      return Place{static_cast<int>(i), Floats(slots_[slot_index]) + offsets_[i]};
    }
  }
  return absl::InvalidArgumentError(
      absl::StrCat("tensor \"", name, "\" is no state of this optimizer"));
}

absl::Status ParameterStore::ImportSlots(std::span<const NamedTensor> tensors, bool all) {
  std::set<const float*> places;
  for (const NamedTensor& tensor : tensors) {
    ASSIGN_OR_RETURN(const Place place, FindSlot(tensor.name));
    RETURN_IF_ERROR(CheckShape(tensor, place.parameter));
    if (!places.insert(place.floats).second)
      return absl::InvalidArgumentError(
          absl::StrCat("tensor \"", tensor.name, "\" is there twice"));
  }
  size_t wanted = 0;
  for (const Role role : roles_) wanted += role == Role::kTrained ? slots_.size() : 0;
  if (all && places.size() != wanted) {
    return absl::InvalidArgumentError(absl::StrCat(
        places.size(), " tensors of the optimizer's state are there, ", wanted, " are needed"));
  }
  for (const NamedTensor& tensor : tensors) {
    const Place place = *FindSlot(tensor.name);
    layout(place.parameter)->FromPublic(tensor.values.data(), place.floats);
  }
  return absl::OkStatus();
}

std::string ParameterStore::FirstNonFiniteWeight() const {
  for (size_t i = 0; i < offsets_.size(); ++i) {
    const float* floats = weights() + offsets_[i];
    for (size_t k = 0; k < layouts_[i]->floats(); ++k) {
      if (!std::isfinite(floats[k])) return graph_.parameters()[i].name;
    }
  }
  return "";
}

}  // namespace gradus::plan
