// SPDX-License-Identifier: Apache-2.0
// A plan for one chain, with guards around everything.
#include "tests/conformance/chain.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <cstring>
#include <memory>
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
    // An operation has one source.
    if (data_.inputs.size() != 1) return absl::UnimplementedError("more than one input");
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

  // The gradient of value i: is it wanted?
  bool WantsGradient(size_t value) const {
    if (!setting_.training) return false;
    if (setting_.wanted != Wanted::kWeights) return true;
    return std::any_of(links_.begin(), links_.begin() + static_cast<std::ptrdiff_t>(value),
                       [](const Link& link) { return !link.weights.empty(); });
  }
  bool WantsWeights() const { return setting_.training && setting_.wanted != Wanted::kInput; }

  void Place() {
    values_.push_back(
        std::make_unique<Guarded>(std::span<const float>(data_.inputs[0]), setting_.shift));
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

  kernels::Operands OperandsOf(size_t index) const {
    const Link& link = links_[index];
    kernels::Operands operands{.src = values_[index]->cell(),
                               .dst = values_[index + 1]->cell(),
                               .diff_dst = CellOf(gradients_[index + 1]),
                               .diff_src = CellOf(gradients_[index]),
                               .weights = {},
                               .diff_weights = {},
                               .scratch = scratches_[index]->cell()};
    for (const int weight : link.weights) {
      operands.weights.push_back(weights_[static_cast<size_t>(weight)]->cell());
      operands.diff_weights.push_back(CellOf(weight_gradients_[static_cast<size_t>(weight)]));
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
      ASSIGN_OR_RETURN(auto kernels, links_[i].compiled->Forward(OperandsOf(i)));
      EXPECT_FALSE(kernels.empty()) << links_[i].operation->name() << " is no view";
      RETURN_IF_ERROR(RunKernels(std::move(kernels), i));
    }
    return absl::OkStatus();
  }

  // As in a plan, where other tensors lie there by then.
  void ForgetWhatBackwardDoesNotRead() {
    for (size_t i = 0; i < values_.size(); ++i) {
      const bool read_as_dst =
          i > 0 && WantsGradient(i) && links_[i - 1].operation->backward_reads_dst();
      const bool read_as_src =
          i < links_.size() && WantsGradient(i + 1) &&
          links_[i].operation->backward_reads_src(WantsWeights() && !links_[i].weights.empty());
      if (!read_as_dst && !read_as_src) values_[i]->Poison();
      kept_.emplace_back(values_[i]->floats().begin(), values_[i]->floats().end());
    }
  }

  absl::Status Backward() {
    for (size_t i = links_.size(); i-- > 0;) {
      if (!WantsGradient(i + 1)) continue;
      ASSIGN_OR_RETURN(auto kernels, links_[i].compiled->Backward(OperandsOf(i)));
      RETURN_IF_ERROR(RunKernels(std::move(kernels), i));
    }
    return absl::OkStatus();
  }

  void CollectGradients(ChainResult& result) const {
    if (WantsGradient(0)) {
      const std::span<const float> floats = gradients_[0]->floats();
      result.input_gradients.emplace_back(floats.begin(), floats.end());
    }
    if (!WantsWeights()) return;
    result.weight_gradients.resize(data_.weights.size());
    for (const Link& link : links_) {
      for (size_t i = 0; i < link.weights.size(); ++i) {
        const auto index = static_cast<size_t>(link.weights[i]);
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
    for (const auto* places : {&values_, &gradients_, &weights_, &weight_gradients_, &scratches_}) {
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
  // Value 0 is the input, value i + 1 what link i gives.
  std::vector<std::unique_ptr<Guarded>> values_;
  std::vector<std::unique_ptr<Guarded>> gradients_;
  std::vector<std::unique_ptr<Guarded>> weights_;
  std::vector<std::unique_ptr<Guarded>> weight_gradients_;
  std::vector<std::unique_ptr<Guarded>> scratches_;
  // The values as backward finds them.
  std::vector<std::vector<float>> kept_;
};

}  // namespace

ChainData DrawChainData(const Subject& subject, int64_t rows) {
  ChainData data;
  uint32_t stream = 0;
  for (const layers::Shape& shape : subject.inputs)
    data.inputs.push_back(DrawNormal(static_cast<size_t>(rows * graph::CountOf(shape)), stream++));
  for (const layers::Weight& weight : subject.weights) {
    const double fan_in = static_cast<double>(std::max<int64_t>(1, weight.fan_in));
    data.weights.push_back(DrawNormal(static_cast<size_t>(graph::CountOf(weight.shape)), stream++,
                                      static_cast<float>(1 / std::sqrt(fan_in))));
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
