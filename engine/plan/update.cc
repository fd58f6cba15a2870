// SPDX-License-Identifier: Apache-2.0
// The update: shards' gradients added up, cut or scaled down, weights decayed and changed; and
// statistics gathered.
#include <algorithm>
#include <cmath>

#include "engine/kernels/parallel.h"
#include "engine/kernels/vector/functions.h"
#include "engine/plan/program.h"

namespace gradus::plan {
namespace {

constexpr size_t kLine = 16;

// Floats that are summed and updated while they are in the first-level cache.
constexpr size_t kChunk = 2048;

}  // namespace

void Program::AddShards(size_t begin, size_t count) const {
  for (int stride = 1; stride < shards_; stride *= 2) {
    for (int shard = 0; shard + stride < shards_; shard += 2 * stride) {
      kernels::Vector().add(parameters_->gradients(shard) + begin,
                            parameters_->gradients(shard + stride) + begin, count);
    }
  }
}

template <typename Use>
void Program::ForEachChunk(size_t begin, size_t end, Use use) const {
  for (const UpdatePart& part : update_.parts) {
    const size_t last = std::min(end, part.end);
    for (size_t at = std::max(begin, part.begin); at < last; at += kChunk)
      use(part, at, std::min(kChunk, last - at));
  }
}

void Program::SumUp(const UpdatePart& part, size_t at, size_t count) const {
  SumShards(at, count);
  if (part.penalty.any()) {
    kernels::Vector().penalize(parameters_->weights() + at, parameters_->gradients(0) + at,
                               part.penalty.l1, part.penalty.l2, count);
  }
}

void Program::AddAll(size_t begin, size_t end) const {
  ForEachChunk(begin, end,
               [this](const UpdatePart& part, size_t at, size_t count) { SumUp(part, at, count); });
}

void Program::MeasurePenalties(size_t rank, size_t ranks) {
  for (size_t i = rank; i < penalties_.size(); i += ranks) {
    const regularizers::Coefficients& penalty = update_.penalties[i];
    if (!penalty.any()) continue;
    const auto parameter = static_cast<int>(i);
    penalties_[i] =
        kernels::Vector().penalty(parameters_->weights() + parameters_->offset(parameter),
                                  penalty.l1, penalty.l2, parameters_->layout(parameter)->floats());
  }
}

void Program::MeasureGradients(size_t rank, size_t ranks) {
  for (size_t i = rank; i < squares_.size(); i += ranks) {
    const int parameter = static_cast<int>(i);
    if (parameters_->role(parameter) != Role::kTrained) continue;
    const float* gradient = parameters_->gradients(0) + parameters_->offset(parameter);
    const size_t floats = parameters_->layout(parameter)->floats();
    double sum = 0;
    for (size_t at = 0; at < floats; at += kChunk)
      sum += kernels::Vector().sum_of_squares(gradient + at, std::min(kChunk, floats - at));
    squares_[i] = sum;
  }
}

// What makes a gradient of this squared length no longer than is allowed; NaN for NaN.
float Program::FactorOf(double square) const {
  const double most = common_.clipnorm.has_value() ? *common_.clipnorm : *common_.global_clipnorm;
  const double length = std::sqrt(square);
  return length <= most ? 1.0F : static_cast<float>(most / length);
}

void Program::ScaleGradients(size_t begin, size_t end) const {
  double all = 0;
  for (const double square : squares_) all += square;
  for (size_t i = 0; i < squares_.size(); ++i) {
    const int parameter = static_cast<int>(i);
    if (parameters_->role(parameter) != Role::kTrained) continue;
    const size_t first = std::max(begin, parameters_->offset(parameter));
    const size_t last =
        std::min(end, parameters_->offset(parameter) + parameters_->layout(parameter)->floats());
    if (first >= last) continue;
    const float factor = FactorOf(common_.clipnorm.has_value() ? squares_[i] : all);
    if (factor != 1.0F)
      kernels::Vector().scale(parameters_->gradients(0) + first, factor, last - first);
  }
}

void Program::Update(size_t begin, size_t end) const {
  if (NeedsLengths()) ScaleGradients(begin, end);
  ForEachChunk(begin, end, [this](const UpdatePart& part, size_t at, size_t count) {
    UpdateChunk(part, at, count);
  });
}

void Program::UpdateChunk(const UpdatePart& part, size_t at, size_t count) const {
  const optimizers::Hyper& hyper = hypers_[part.rate];
  float* gradients = parameters_->gradients(0) + at;
  if (!NeedsLengths()) SumUp(part, at, count);
  if (common_.clipvalue.has_value())
    kernels::Vector().clip(gradients, static_cast<float>(*common_.clipvalue), count);
  optimizers::Stretch stretch{
      .weights = parameters_->weights() + at, .gradients = gradients, .count = count};
  if (common_.weight_decay > 0) {
    kernels::Vector().scale(stretch.weights,
                            1.0F - hyper.learning_rate * static_cast<float>(common_.weight_decay),
                            count);
  }
  for (int slot = 0; slot < optimizer_slots_; ++slot)
    stretch.slots[slot] = parameters_->slot(slot) + at;
  optimizer_->update(hyper, stretch);
  // While they are in the cache; constrained weights are not what they will be yet.
  if (common_.ema_momentum.has_value() && constraints_.empty()) Average(at, at + count);
}

void Program::UpdateAlone() {
  const size_t floats = parameters_->trainable_floats();
  if (NeedsLengths()) {
    kernels::ParallelRanges(setup_.cores, floats, kLine,
                            [this](size_t begin, size_t end) { AddAll(begin, end); });
    MeasureGradients(0, 1);
  }
  kernels::ParallelRanges(setup_.cores, floats, kLine,
                          [this](size_t begin, size_t end) { Update(begin, end); });
  if (constraints_.empty()) return;
  constraints_.Apply(0, 1);
  if (common_.ema_momentum.has_value()) Average(0, floats);
}

void Program::UpdateInTeam(int rank) {
  const base::Range part =
      base::PartOf(parameters_->trainable_floats(), rank, team_->size(), kLine);
  const auto number = static_cast<size_t>(rank);
  const auto ranks = static_cast<size_t>(team_->size());
  if (NeedsLengths()) {
    AddAll(part.begin, part.end);
    team_->Sync();
    MeasureGradients(number, ranks);
    team_->Sync();
  }
  Update(part.begin, part.end);
  if (constraints_.empty()) return;
  team_->Sync();
  constraints_.Apply(number, ranks);
  if (!common_.ema_momentum.has_value()) return;
  team_->Sync();
  Average(part.begin, part.end);
}

void Program::Gather(size_t begin, size_t end) const {
  if (begin == end) return;
  SumShards(begin, end - begin);
  for (size_t i = 0; i < graph_.parameters().size(); ++i) {
    const int parameter = static_cast<int>(i);
    if (parameters_->role(parameter) != Role::kStatistic) continue;
    const auto momentum = static_cast<float>(graph_.parameters()[i].momentum);
    const size_t first = std::max(begin, parameters_->offset(parameter));
    const size_t last =
        std::min(end, parameters_->offset(parameter) + parameters_->layout(parameter)->floats());
    for (size_t k = first; k < last; ++k) {
      float& moving = parameters_->weights()[k];
      moving = momentum * moving + (1.0F - momentum) * parameters_->gradients(0)[k];
    }
  }
}

}  // namespace gradus::plan
