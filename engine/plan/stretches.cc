// SPDX-License-Identifier: Apache-2.0
#include "engine/plan/stretches.h"

#include <algorithm>

namespace gradus::plan {
namespace {

// 1 MB: smaller messages cost their latency, larger ones come later than they could.
constexpr size_t kEnoughFloats = size_t{1} << 18;

// Moments as a shard's kernels have them: link i runs forward at i, backward at 2 L - i. A trained
// weight's gradient is whole when its first link has run backward, a statistic when its last one
// has run forward.
std::vector<int> Moments(const LoweredGraph& graph, const ParameterStore& parameters,
                         size_t count) {
  const int links = static_cast<int>(graph.links.size());
  std::vector<int> moments(count, 0);
  for (int i = 0; i < links; ++i) {
    for (const int parameter : graph.links[static_cast<size_t>(i)].parameters) {
      const int moment = parameters.role(parameter) == Role::kTrained ? 2 * links - i : i;
      int& known = moments[static_cast<size_t>(parameter)];
      known = std::max(known, moment);
    }
  }
  return moments;
}

std::vector<int> InArenaOrder(const ParameterStore& parameters, size_t count) {
  std::vector<int> order;
  for (size_t i = 0; i < count; ++i) {
    if (parameters.role(static_cast<int>(i)) != Role::kFixed) order.push_back(static_cast<int>(i));
  }
  std::ranges::sort(order, {}, [&](int parameter) { return parameters.offset(parameter); });
  return order;
}

}  // namespace

std::vector<Stretch> CutIntoStretches(const LoweredGraph& graph, const ParameterStore& parameters) {
  const size_t count = parameters.parameters();
  const std::vector<int> moments = Moments(graph, parameters, count);
  std::vector<Stretch> stretches;
  for (const int parameter : InArenaOrder(parameters, count)) {
    const size_t begin = parameters.offset(parameter);
    if (stretches.empty() || begin - stretches.back().begin >= kEnoughFloats) {
      if (!stretches.empty()) stretches.back().end = begin;
      stretches.push_back({.begin = begin});
    }
    Stretch& last = stretches.back();
    last.end = parameters.gathered_floats();
    last.moment = std::max(last.moment, moments[static_cast<size_t>(parameter)]);
  }
  std::ranges::stable_sort(stretches, {}, &Stretch::moment);
  return stretches;
}

std::vector<int> StretchOfParameter(std::span<const Stretch> stretches,
                                    const ParameterStore& parameters) {
  const size_t count = parameters.parameters();
  std::vector<int> numbers(count, -1);
  for (size_t i = 0; i < count; ++i) {
    if (parameters.role(static_cast<int>(i)) == Role::kFixed) continue;
    const size_t at = parameters.offset(static_cast<int>(i));
    const auto found = std::ranges::find_if(stretches, [at](const Stretch& stretch) {
      return stretch.begin <= at && at < stretch.end;
    });
    numbers[i] = static_cast<int>(found - stretches.begin());
  }
  return numbers;
}

}  // namespace gradus::plan
