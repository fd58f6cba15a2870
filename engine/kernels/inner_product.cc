// SPDX-License-Identifier: Apache-2.0
// The inner product as an operation: chooses among the candidates.
#include "engine/kernels/inner_product.h"

#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "engine/kernels/inner_product_candidate.h"

namespace gradus::kernels {
namespace {

// In the order in which they are tried; the last accepts everything but another's layout.
constexpr InnerProductCandidate kCandidates[] = {
    {"vector", MakeVectorInnerProduct},
    {"onednn", MakeOnednnInnerProduct},
    {"reference", MakeReferenceInnerProduct},
};

class InnerProduct final : public Operation {
 public:
  InnerProduct(int64_t inputs, int64_t units, bool bias, int64_t positions, const Eltwise* post)
      : inputs_(inputs), units_(units), bias_(bias), positions_(positions), post_(post) {}

  std::string name() const override {
    return absl::StrCat("inner_product ", inputs_, "x", units_,
                        post_ == nullptr ? "" : absl::StrCat(" +", post_->name));
  }
  int64_t dst_values() const override { return positions_ * units_; }
  bool backward_reads_src(bool diff_weights) const override { return diff_weights; }
  bool backward_reads_dst() const override { return post_ != nullptr; }
  std::vector<std::string> candidates() const override {
    std::vector<std::string> names;
    for (const InnerProductCandidate& candidate : kCandidates) names.emplace_back(candidate.name);
    return names;
  }

  std::unique_ptr<const Operation> Absorb(const Operation& next) const override {
    const Eltwise* function = EltwiseOf(next);
    if (post_ != nullptr || function == nullptr) return nullptr;
    return std::make_unique<InnerProduct>(inputs_, units_, bias_, positions_, function);
  }

  absl::StatusOr<std::unique_ptr<CompiledOperation>> Compile(
      const Setting& setting, const Layouts& layouts) const override {
    const InnerProductRequest request{
        {setting.rows * positions_, inputs_, units_}, bias_, post_, setting, layouts};
    std::vector<std::string> refusals;
    for (const InnerProductCandidate& candidate : kCandidates) {
      if (!setting.candidate.empty() && setting.candidate != candidate.name) continue;
      absl::StatusOr<std::unique_ptr<CompiledOperation>> made = candidate.make(request);
      if (made.ok()) {
        (*made)->set_refusals(std::move(refusals));
        return made;
      }
      refusals.push_back(absl::StrCat(candidate.name, ": ", made.status().message()));
    }
    return absl::InternalError(absl::StrCat("no kernel for ", DescribeInnerProduct(request), ": ",
                                            absl::StrJoin(refusals, "; ")));
  }

 private:
  const int64_t inputs_;
  const int64_t units_;
  const bool bias_;
  const int64_t positions_;
  const Eltwise* const post_;
};

}  // namespace

std::string DescribeInnerProduct(const InnerProductRequest& request) {
  return absl::StrCat(request.shape.rows, "x", request.shape.inputs, "x", request.shape.units,
                      request.bias ? " +bias" : "",
                      request.post == nullptr ? "" : absl::StrCat(" +", request.post->name));
}

std::unique_ptr<const Operation> MakeInnerProduct(int64_t inputs, int64_t units, bool bias,
                                                  int64_t positions) {
  return std::make_unique<InnerProduct>(inputs, units, bias, positions, nullptr);
}

}  // namespace gradus::kernels
