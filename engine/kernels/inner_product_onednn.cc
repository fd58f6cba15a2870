// SPDX-License-Identifier: Apache-2.0
// oneDNN's inner product: the weights lie as its forward primitive likes them, and all three passes
// use them so.
#include <algorithm>
#include <oneapi/dnnl/dnnl.hpp>

#include "absl/strings/str_cat.h"
#include "engine/base/status.h"
#include "engine/kernels/inner_product_candidate.h"
#include "engine/kernels/onednn_primitive.h"
#include "engine/kernels/parallel.h"

namespace gradus::kernels {
namespace {

using dnnl::memory;
using ForwardDesc = dnnl::inner_product_forward::primitive_desc;
using BackwardDataDesc = dnnl::inner_product_backward_data::primitive_desc;
using BackwardWeightsDesc = dnnl::inner_product_backward_weights::primitive_desc;

memory::desc Matrix(int64_t a, int64_t b, memory::format_tag tag) {
  return memory::desc({a, b}, memory::data_type::f32, tag);
}

// Formats and descriptors of the three passes.
struct Passes {
  memory::desc src;
  memory::desc dst;
  memory::desc bias;
  // oneDNN's order (units, inputs) of the published (inputs, units).
  memory::desc published;
  ForwardDesc forward;
  BackwardDataDesc backward_data;
  BackwardWeightsDesc backward_weights;
};

Passes MakePasses(const InnerProductRequest& request) {
  const InnerProductShape& s = request.shape;
  Passes p;
  p.src = Matrix(s.rows, s.inputs, memory::format_tag::ab);
  p.dst = Matrix(s.rows, s.units, memory::format_tag::ab);
  p.bias = memory::desc({s.units}, memory::data_type::f32, memory::format_tag::a);
  p.published = Matrix(s.units, s.inputs, memory::format_tag::ba);
  const memory::desc* fixed = request.layouts.empty() ? nullptr : OnednnFormat(*request.layouts[0]);
  const memory::desc kernel =
      fixed == nullptr ? Matrix(s.units, s.inputs, memory::format_tag::any) : *fixed;

  const dnnl::primitive_attr plain = WithUserScratchpad();
  dnnl::primitive_attr with_post = WithUserScratchpad();
  if (request.post != nullptr) {
    dnnl::post_ops post;
    post.append_eltwise(1.0F, static_cast<dnnl::algorithm>(request.post->onednn_algorithm), 0.0F,
                        0.0F);
    with_post.set_post_ops(post);
  }
  const dnnl::prop_kind kind = request.setting.training ? dnnl::prop_kind::forward_training
                                                        : dnnl::prop_kind::forward_inference;
  const auto desc = request.bias
                        ? dnnl::inner_product_forward::desc(kind, p.src, kernel, p.bias, p.dst)
                        : dnnl::inner_product_forward::desc(kind, p.src, kernel, p.dst);
  p.forward = ForwardDesc(desc, with_post, CpuEngine());
  if (!request.setting.training) return p;

  const memory::desc chosen = p.forward.weights_desc();
  p.backward_data = BackwardDataDesc({p.src, chosen, p.dst}, plain, CpuEngine(), p.forward);
  const auto weights =
      request.bias ? dnnl::inner_product_backward_weights::desc(p.src, chosen, p.bias, p.dst)
                   : dnnl::inner_product_backward_weights::desc(p.src, chosen, p.dst);
  p.backward_weights = BackwardWeightsDesc(weights, plain, CpuEngine(), p.forward);
  return p;
}

class OnednnInnerProduct final : public CompiledOperation {
 public:
  OnednnInnerProduct(const InnerProductRequest& request, const Passes& passes)
      : request_(request), passes_(passes) {
    layouts_.push_back(MakeOnednnLayout(passes_.published, passes_.forward.weights_desc()));
    if (request.bias) layouts_.push_back(PlainLayout(static_cast<size_t>(request.shape.units)));
    if (!request.layouts.empty()) layouts_ = request.layouts;
  }

  Layouts layouts() const override { return layouts_; }

  size_t scratch_bytes() const override {
    size_t bytes = passes_.forward.scratchpad_desc().get_size();
    if (!request_.setting.training) return bytes;
    bytes = std::max(bytes, passes_.backward_data.scratchpad_desc().get_size());
    return std::max(bytes, passes_.backward_weights.scratchpad_desc().get_size());
  }

  absl::StatusOr<Kernels> Forward(const Operands& o) const override {
    std::vector<PrimitiveArgument> arguments = {
        {DNNL_ARG_SRC, passes_.src, o.src()},
        {DNNL_ARG_WEIGHTS, passes_.forward.weights_desc(), o.weights[0]},
        {DNNL_ARG_DST, passes_.dst, o.dst}};
    if (request_.bias) arguments.push_back({DNNL_ARG_BIAS, passes_.bias, o.weights[1]});
    Kernels kernels;
    const std::string details = DescribeInnerProduct(request_);
    const int threads = request_.setting.threads;
    RETURN_IF_ERROR(AppendPrimitive("inner_product_forward", details, passes_.forward, threads,
                                    arguments, o.scratch, kernels));
    return kernels;
  }

  absl::StatusOr<Kernels> Backward(const Operands& o) const override {
    Kernels kernels;
    const std::string details = DescribeInnerProduct(request_);
    const int threads = request_.setting.threads;
    const InnerProductShape& s = request_.shape;
    if (request_.post != nullptr) {
      kernels.push_back(MakeEltwiseBackward(*request_.post, s.rows * s.units,
                                            request_.setting.threads, o.dst, o.diff_dst));
    }
    if (o.diff_weights[0] != nullptr) {
      std::vector<PrimitiveArgument> arguments = {
          {DNNL_ARG_SRC, passes_.src, o.src()},
          {DNNL_ARG_DIFF_WEIGHTS, passes_.backward_weights.diff_weights_desc(), o.diff_weights[0]},
          {DNNL_ARG_DIFF_DST, passes_.dst, o.diff_dst}};
      if (request_.bias) arguments.push_back({DNNL_ARG_DIFF_BIAS, passes_.bias, o.diff_weights[1]});
      RETURN_IF_ERROR(AppendPrimitive("inner_product_backward_weights", details,
                                      passes_.backward_weights, threads, arguments, o.scratch,
                                      kernels));
    }
    if (o.diff_src() != nullptr) {
      RETURN_IF_ERROR(
          AppendPrimitive("inner_product_backward_data", details, passes_.backward_data, threads,
                          {{DNNL_ARG_DIFF_SRC, passes_.src, o.diff_src()},
                           {DNNL_ARG_WEIGHTS, passes_.backward_data.weights_desc(), o.weights[0]},
                           {DNNL_ARG_DIFF_DST, passes_.dst, o.diff_dst}},
                          o.scratch, kernels));
    }
    return kernels;
  }

 private:
  const InnerProductRequest request_;
  const Passes passes_;
  Layouts layouts_;
};

}  // namespace

absl::StatusOr<std::unique_ptr<CompiledOperation>> MakeOnednnInnerProduct(
    const InnerProductRequest& request) {
  if (!request.layouts.empty() && OnednnFormat(*request.layouts[0]) == nullptr) {
    return absl::FailedPreconditionError(
        absl::StrCat("the weights lie in ", request.layouts[0]->name()));
  }
  return CatchOnednn([&]() -> absl::StatusOr<std::unique_ptr<CompiledOperation>> {
    UseThreads(request.setting.threads);
    return std::make_unique<OnednnInnerProduct>(request, MakePasses(request));
  });
}

}  // namespace gradus::kernels
