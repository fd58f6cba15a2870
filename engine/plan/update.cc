// SPDX-License-Identifier: Apache-2.0
// The update: shards' gradients added up, cut or scaled down, weights decayed and changed; and
// statistics gathered.
#include <algorithm>
#include <cmath>

#include "engine/kernels/vector/functions.h"
#include "engine/plan/program.h"

namespace gradus::plan {
namespace {

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

void Program::AddAll(size_t begin, size_t end) const {
  for (size_t at = begin; at < end; at += kChunk) AddShards(at, std::min(kChunk, end - at));
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
  const float kept = 1.0F - hyper_.learning_rate * static_cast<float>(common_.weight_decay);
  for (size_t at = begin; at < end; at += kChunk) {
    const size_t count = std::min(kChunk, end - at);
    float* gradients = parameters_->gradients(0) + at;
    if (!NeedsLengths()) AddShards(at, count);
    if (common_.clipvalue.has_value())
      kernels::Vector().clip(gradients, static_cast<float>(*common_.clipvalue), count);
    optimizers::Stretch stretch{
        .weights = parameters_->weights() + at, .gradients = gradients, .count = count};
    if (common_.weight_decay > 0) kernels::Vector().scale(stretch.weights, kept, count);
    for (int slot = 0; slot < parameters_->slots(); ++slot)
      stretch.slots[slot] = parameters_->slot(slot) + at;
    optimizer_->update(hyper_, stretch);
  }
}

void Program::Gather(size_t begin, size_t end) const {
  if (begin == end) return;
  AddShards(begin, end - begin);
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
