// SPDX-License-Identifier: Apache-2.0
// A plan for one chain, with guards around everything.
#include "tests/conformance/chain.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <cstring>
#include <memory>
#include <numeric>
#include <set>
#include <utility>

#include "absl/strings/str_cat.h"
#include "engine/base/status.h"
#include "engine/graph/graph.h"
#include "engine/kernels/parallel.h"
#include "tests/conformance/draws.h"
#include "tests/support/guarded.h"

namespace gradus::conformance {
namespace {

using test_support::Guarded;

// As layers::Lowered, after joining.
struct Link {
  std::unique_ptr<const kernels::Operation> operation;
  std::vector<int> weights;
  std::unique_ptr<const kernels::CompiledOperation> compiled;
  kernels::Layouts layouts;
};

std::vector<Link> LinksOf(const Subject& subject, bool joined) {
  std::vector<Link> links;
  for (layers::Lowered& part : subject.lower()) {
    if (part.operation->is_view()) continue;
    std::unique_ptr<const kernels::Operation> both;
    if (joined && !links.empty() && part.weights.empty())
      both = links.back().operation->Absorb(*part.operation);
    if (both != nullptr) {
      links.back().operation = std::move(both);
    } else {
      links.push_back({std::move(part.operation), std::move(part.weights), nullptr, {}});
    }
  }
  return links;
}

bool SameBits(std::span<const float> a, std::span<const float> b) {
  return a.size() == b.size() && std::memcmp(a.data(), b.data(), a.size_bytes()) == 0;
}

class Chain {
 public:
  Chain(const Subject& subject, const ChainSetting& setting, const ChainData& data)
      : subject_(subject),
        setting_(setting),
        data_(data),
        links_(LinksOf(subject, setting.joined)) {}

  absl::StatusOr<ChainResult> Run() {
    RETURN_IF_ERROR(Compile());
    Place();
    RETURN_IF_ERROR(Forward());
    ChainResult result;
    const std::span<const float> output = values_.back()->floats();
    result.output.assign(output.begin(), output.end());
    if (setting_.training) {
      ForgetWhatBackwardDoesNotRead();
      RETURN_IF_ERROR(Backward());
      CollectGradients(result);
    }
    CheckMemory();
    return result;
  }

 private:
  size_t Rows() const { return static_cast<size_t>(setting_.rows); }

  absl::Status Compile() {
    kernels::UseThreads(setting_.threads);
    for (Link& link : links_) {
      kernels::Setting setting{.rows = setting_.batch_size,
                               .threads = setting_.threads,
                               .training = true,
                               .frozen = setting_.wanted == Wanted::kInput,
                               .candidate = {}};
      const std::vector<std::string> candidates = link.operation->candidates();
      if (std::ranges::find(candidates, setting_.candidate) != candidates.end())
        setting.candidate = setting_.candidate;
      ASSIGN_OR_RETURN(link.compiled, link.operation->Compile(setting, {}));
      link.layouts = link.compiled->layouts();
      if (setting_.rows == setting_.batch_size && setting_.training) continue;
      // Smaller batches and evaluations use the weights as they lie; nobody is there to refuse.
      setting.rows = setting_.rows;
      setting.training = setting_.training;
      auto compiled = link.operation->Compile(setting, link.layouts);
      EXPECT_TRUE(compiled.ok()) << compiled.status();
      if (!compiled.ok()) return compiled.status();
      link.compiled = *std::move(compiled);
    }
    return absl::OkStatus();
  }

  // Values come before what the links give: the inputs.
  size_t Inputs() const { return data_.inputs.size(); }
  size_t DstOf(size_t link) const { return Inputs() + link; }
  std::vector<size_t> SrcsOf(size_t link) const {
    if (link > 0) return {DstOf(link - 1)};
    std::vector<size_t> inputs(Inputs());
    std::iota(inputs.begin(), inputs.end(), size_t{0});
    return inputs;
  }

  bool WantsGradient(size_t value) const {
    if (!setting_.training) return false;
    if (setting_.wanted != Wanted::kWeights) return true;
    if (value < Inputs()) return false;
    return std::any_of(links_.begin(),
                       links_.begin() + static_cast<std::ptrdiff_t>(value - Inputs() + 1),
                       [](const Link& link) { return !link.weights.empty(); });
  }
  bool WantsWeights() const { return setting_.training && setting_.wanted != Wanted::kInput; }

  void Place() {
    for (const std::vector<float>& input : data_.inputs)
      values_.push_back(std::make_unique<Guarded>(std::span<const float>(input), setting_.shift));
    for (const Link& link : links_) {
      values_.push_back(std::make_unique<Guarded>(
          Rows() * static_cast<size_t>(link.operation->dst_values()) * sizeof(float)));
    }
    for (size_t i = 0; i < values_.size(); ++i) {
      const bool output = i + 1 == values_.size();
      gradients_.push_back(
          !WantsGradient(i) ? nullptr
          : output          ? std::make_unique<Guarded>(std::span<const float>(data_.diff_output))
                            : std::make_unique<Guarded>(values_[i]->floats().size_bytes()));
    }
    weights_.resize(data_.weights.size());
    weight_gradients_.resize(data_.weights.size());
    for (const Link& link : links_) {
      for (size_t i = 0; i < link.weights.size(); ++i)
        PlaceWeight(static_cast<size_t>(link.weights[i]), *link.layouts[i]);
      scratches_.push_back(std::make_unique<Guarded>(link.compiled->scratch_bytes()));
      workspaces_.push_back(std::make_unique<Guarded>(link.compiled->workspace_bytes()));
    }
  }

  void PlaceWeight(size_t index, const kernels::WeightLayout& layout) {
    const std::vector<float>& values = data_.weights[index];
    auto place = std::make_unique<Guarded>(layout.floats() * sizeof(float));
    layout.FromPublic(values.data(), place->floats().data());
    EXPECT_TRUE(place->Intact()) << "its layout writes outside weight " << index;
    Guarded back(values.size() * sizeof(float));
    layout.ToPublic(place->floats().data(), back.floats().data());
    EXPECT_TRUE(back.Intact()) << "its layout writes outside published weight " << index;
    EXPECT_TRUE(SameBits(back.floats(), values)) << "weight " << index << " does not come back";
    if (WantsWeights())
      weight_gradients_[index] = std::make_unique<Guarded>(layout.floats() * sizeof(float));
    weights_[index] = std::move(place);
  }

  kernels::Operands OperandsOf(size_t index, bool backward) const {
    const Link& link = links_[index];
    kernels::Operands operands;
    for (const size_t value : SrcsOf(index)) {
      operands.srcs.push_back(values_[value]->cell());
      operands.diff_srcs.push_back(backward ? CellOf(gradients_[value]) : nullptr);
    }
    operands.dst = values_[DstOf(index)]->cell();
    operands.diff_dst = CellOf(gradients_[DstOf(index)]);
    operands.scratch = scratches_[index]->cell();
    if (setting_.training) operands.workspace = workspaces_[index]->cell();
    operands.share = kShare;
    operands.draw = &draw_;
    operands.stream = static_cast<uint32_t>(index);
    for (const int weight : link.weights) {
      const auto at = static_cast<size_t>(weight);
      operands.weights.push_back(weights_[at]->cell());
      // A statistic is gathered forward, a gradient backward, and of what is fixed there is none.
      const layers::Weight& described = subject_.weights[at];
      operands.diff_weights.push_back(!described.fixed && described.statistic != backward
                                          ? CellOf(weight_gradients_[at])
                                          : nullptr);
    }
    return operands;
  }
  static kernels::Cell CellOf(const std::unique_ptr<Guarded>& place) {
    return place == nullptr ? nullptr : place->cell();
  }

  absl::Status RunKernels(std::vector<std::unique_ptr<kernels::Kernel>> kernels, size_t index) {
    for (const auto& kernel : kernels) {
      EXPECT_NE(kernel->Describe(), "");
      scratches_[index]->Poison();
      RETURN_IF_ERROR(kernel->Run());
    }
    return absl::OkStatus();
  }

  absl::Status Forward() {
    for (size_t i = 0; i < links_.size(); ++i) {
      ASSIGN_OR_RETURN(auto kernels, links_[i].compiled->Forward(OperandsOf(i, false)));
      EXPECT_FALSE(kernels.empty()) << links_[i].operation->name() << " is no view";
      RETURN_IF_ERROR(RunKernels(std::move(kernels), i));
    }
    return absl::OkStatus();
  }

  // As in a plan, where other tensors lie there by then.
  void ForgetWhatBackwardDoesNotRead() {
    std::vector<bool> read(values_.size(), false);
    for (size_t i = 0; i < links_.size(); ++i) {
      if (!WantsGradient(DstOf(i))) continue;
      if (links_[i].operation->backward_reads_dst()) read[DstOf(i)] = true;
      if (!links_[i].operation->backward_reads_src(WantsWeights() && !links_[i].weights.empty()))
        continue;
      for (const size_t value : SrcsOf(i)) read[value] = true;
    }
    for (size_t i = 0; i < values_.size(); ++i) {
      if (!read[i]) values_[i]->Poison();
      kept_.emplace_back(values_[i]->floats().begin(), values_[i]->floats().end());
    }
  }

  absl::Status Backward() {
    for (size_t i = links_.size(); i-- > 0;) {
      if (!WantsGradient(DstOf(i))) continue;
      ASSIGN_OR_RETURN(auto kernels, links_[i].compiled->Backward(OperandsOf(i, true)));
      RETURN_IF_ERROR(RunKernels(std::move(kernels), i));
    }
    return absl::OkStatus();
  }

  void CollectGradients(ChainResult& result) const {
    for (size_t i = 0; i < Inputs() && WantsGradient(i); ++i) {
      const std::span<const float> floats = gradients_[i]->floats();
      result.input_gradients.emplace_back(floats.begin(), floats.end());
    }
    if (!WantsWeights()) return;
    result.weight_gradients.resize(data_.weights.size());
    for (const Link& link : links_) {
      for (size_t i = 0; i < link.weights.size(); ++i) {
        const auto index = static_cast<size_t>(link.weights[i]);
        if (subject_.weights[index].fixed) continue;
        const std::span<const float> inside = weight_gradients_[index]->floats();
        std::vector<float>& published = result.weight_gradients[index];
        published.resize(data_.weights[index].size());
        link.layouts[i]->ToPublic(inside.data(), published.data());
        std::vector<float> unpadded(inside.size());
        link.layouts[i]->FromPublic(published.data(), unpadded.data());
        EXPECT_TRUE(std::ranges::equal(inside, unpadded))
            << "the padding of weight " << index << "'s gradient is not zero";
      }
    }
  }

  void CheckMemory() const {
    for (const auto* places :
         {&values_, &gradients_, &weights_, &weight_gradients_, &scratches_, &workspaces_}) {
      for (const auto& place : *places)
        EXPECT_TRUE(place == nullptr || place->Intact()) << "something is written outside";
    }
    for (size_t i = 0; i < kept_.size(); ++i)
      EXPECT_TRUE(SameBits(values_[i]->floats(), kept_[i])) << "backward changes value " << i;
    for (const Link& link : links_) {
      for (size_t i = 0; i < link.weights.size(); ++i) {
        const auto index = static_cast<size_t>(link.weights[i]);
        std::vector<float> now(data_.weights[index].size());
        link.layouts[i]->ToPublic(weights_[index]->floats().data(), now.data());
        EXPECT_TRUE(SameBits(now, data_.weights[index])) << "weight " << index << " has changed";
      }
    }
  }

  const Subject& subject_;
  const ChainSetting& setting_;
  const ChainData& data_;
  std::vector<Link> links_;
  // The inputs, then what each link gives.
  std::vector<std::unique_ptr<Guarded>> values_;
  std::vector<std::unique_ptr<Guarded>> gradients_;
  std::vector<std::unique_ptr<Guarded>> weights_;
  std::vector<std::unique_ptr<Guarded>> weight_gradients_;
  std::vector<std::unique_ptr<Guarded>> scratches_;
  std::vector<std::unique_ptr<Guarded>> workspaces_;
  const kernels::Draw draw_ = {.seed = 20, .step = 3, .first_row = 0};
  // The values as backward finds them.
  std::vector<std::vector<float>> kept_;
};

}  // namespace

ChainData DrawChainData(const Subject& subject, int64_t rows) {
  ChainData data;
  uint32_t stream = 0;
  for (const layers::Shape& shape : subject.inputs) {
    const auto count = static_cast<size_t>(rows * graph::CountOf(shape));
    data.inputs.push_back(subject.whole_below > 0 ? DrawWhole(count, stream++, subject.whole_below)
                                                  : DrawNormal(count, stream++));
  }
  for (const layers::Weight& weight : subject.weights) {
    data.weights.push_back(DrawWeight(static_cast<size_t>(graph::CountOf(weight.shape)),
                                      weight.fan_in, weight.statistic, stream++));
  }
  data.diff_output =
      DrawNormal(static_cast<size_t>(rows * graph::CountOf(subject.output)), stream++);
  return data;
}

std::vector<std::string> CandidatesOf(const Subject& subject) {
  std::set<std::string> names;
  for (const bool joined : {false, true}) {
    for (const Link& link : LinksOf(subject, joined)) {
      const std::vector<std::string> candidates = link.operation->candidates();
      names.insert(candidates.begin(), candidates.end());
    }
  }
  if (names.empty()) names.insert("");
  return {names.begin(), names.end()};
}

absl::StatusOr<ChainResult> RunChain(const Subject& subject, const ChainSetting& setting,
                                     const ChainData& data) {
  return Chain(subject, setting, data).Run();
}

}  // namespace gradus::conformance
