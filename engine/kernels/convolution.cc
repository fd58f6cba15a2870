// SPDX-License-Identifier: Apache-2.0
// oneDNN's convolutions: the kernel lies as the forward primitive likes it; passes that like it
// otherwise get it reordered through scratch memory.
#include "engine/kernels/convolution.h"

#include <algorithm>
#include <oneapi/dnnl/dnnl.hpp>

#include "absl/strings/str_cat.h"
#include "engine/base/status.h"
#include "engine/kernels/eltwise.h"
#include "engine/kernels/onednn_primitive.h"
#include "engine/kernels/parallel.h"
#include "engine/kernels/part.h"
#include "engine/kernels/sequence.h"

namespace gradus::kernels {
namespace {

using dnnl::memory;

// oneDNN's two families of the same shape.
struct Direct {
  using Forward = dnnl::convolution_forward;
  using BackwardData = dnnl::convolution_backward_data;
  using BackwardWeights = dnnl::convolution_backward_weights;
  static constexpr dnnl::algorithm kAlgorithm = dnnl::algorithm::convolution_direct;
  static constexpr const char* kName = "convolution";
};
struct Transposed {
  using Forward = dnnl::deconvolution_forward;
  using BackwardData = dnnl::deconvolution_backward_data;
  using BackwardWeights = dnnl::deconvolution_backward_weights;
  static constexpr dnnl::algorithm kAlgorithm = dnnl::algorithm::deconvolution_direct;
  static constexpr const char* kName = "transposed_convolution";
};

struct Request {
  ConvolutionShape shape;
  bool bias = false;
  const Eltwise* post = nullptr;
  Setting setting;
};

std::string Describe(const Request& request) {
  const auto& [h, w] = request.shape.axes;
  return absl::StrCat(request.setting.rows, "x", h.src, "x", w.src, "x", request.shape.channels,
                      " -> ", h.dst, "x", w.dst, "x", request.shape.filters, " of ", h.kernel, "x",
                      w.kernel, request.bias ? " +bias" : "",
                      request.post == nullptr ? "" : absl::StrCat(" +", request.post->name));
}

memory::desc Images(int64_t rows, int64_t channels, int64_t height, int64_t width) {
  return memory::desc({rows, channels, height, width}, memory::data_type::f32,
                      memory::format_tag::nhwc);
}

// oneDNN's order of the kernel's axes is [group,] filter, channel, height, width.
memory::dims KernelDims(const ConvolutionShape& s) {
  memory::dims dims = {s.filters / s.groups, s.channels / s.groups, s.axes[0].kernel,
                       s.axes[1].kernel};
  if (s.groups > 1) dims.insert(dims.begin(), s.groups);
  return dims;
}

memory::desc PublishedKernel(const ConvolutionShape& s, bool transposed) {
  const int64_t channels = s.channels / s.groups;
  const int64_t row = s.axes[1].kernel * channels * s.filters;
  memory::dims strides = {1, s.filters, row, channels * s.filters};
  if (transposed) strides = {channels, 1, row, channels * s.filters};
  if (s.groups > 1) strides.insert(strides.begin(), s.filters / s.groups);
  return memory::desc(KernelDims(s), memory::data_type::f32, strides);
}

// What all three passes are described by.
struct Geometry {
  memory::desc src;
  memory::desc dst;
  memory::desc bias;
  memory::desc any_kernel;
  memory::dims strides;
  memory::dims dilations;
  memory::dims before;
  memory::dims after;
};

Geometry GeometryOf(const Request& request) {
  const ConvolutionShape& s = request.shape;
  Geometry g;
  g.src = Images(request.setting.rows, s.channels, s.axes[0].src, s.axes[1].src);
  g.dst = Images(request.setting.rows, s.filters, s.axes[0].dst, s.axes[1].dst);
  g.bias = memory::desc({s.filters}, memory::data_type::f32, memory::format_tag::a);
  g.any_kernel = memory::desc(KernelDims(s), memory::data_type::f32, memory::format_tag::any);
  for (const ConvolutionAxis& axis : s.axes) {
    g.strides.push_back(axis.stride);
    g.dilations.push_back(axis.dilation - 1);
    g.before.push_back(axis.before);
    g.after.push_back(axis.after);
  }
  return g;
}

template <typename Family>
class Compiled final : public CompiledOperation {
 public:
  using ForwardDesc = typename Family::Forward::primitive_desc;
  using DataDesc = typename Family::BackwardData::primitive_desc;
  using WeightsDesc = typename Family::BackwardWeights::primitive_desc;

  // REQUIRES: oneDNN's exceptions are caught. `layouts` as in Operation::Compile.
  Compiled(const Request& request, const memory::desc& published, const Layouts& layouts)
      : request_(request), geometry_(GeometryOf(request)), layouts_(layouts) {
    const Geometry& g = geometry_;
    dnnl::primitive_attr attributes = WithUserScratchpad();
    if (request.post != nullptr) {
      dnnl::post_ops post;
      post.append_eltwise(1.0F, static_cast<dnnl::algorithm>(request.post->onednn_algorithm), 0.0F,
                          0.0F);
      attributes.set_post_ops(post);
    }
    const dnnl::prop_kind kind = request.setting.training ? dnnl::prop_kind::forward_training
                                                          : dnnl::prop_kind::forward_inference;
    const auto forward =
        request.bias
            ? typename Family::Forward::desc(kind, Family::kAlgorithm, g.src, g.any_kernel, g.bias,
                                             g.dst, g.strides, g.dilations, g.before, g.after)
            : typename Family::Forward::desc(kind, Family::kAlgorithm, g.src, g.any_kernel, g.dst,
                                             g.strides, g.dilations, g.before, g.after);
    forward_ = ForwardDesc(forward, attributes, CpuEngine());
    if (layouts_.empty()) {
      layouts_.push_back(MakeOnednnLayout(published, forward_.weights_desc()));
      if (request.bias) layouts_.push_back(PlainLayout(static_cast<size_t>(request.shape.filters)));
    }
    if (request.setting.training) MakeBackward();
  }

  Layouts layouts() const override { return layouts_; }
  size_t scratch_bytes() const override {
    size_t bytes = ScratchOf(forward_.scratchpad_desc(), forward_.weights_desc());
    if (!request_.setting.training) return bytes;
    bytes = std::max(bytes, ScratchOf(data_.scratchpad_desc(), data_.weights_desc()));
    return std::max(bytes, ScratchOf(weights_.scratchpad_desc(), weights_.diff_weights_desc()));
  }

  absl::StatusOr<Kernels> Forward(const Operands& o) const override {
    Kernels kernels;
    Kernels pass;
    ASSIGN_OR_RETURN(const Cell kernel, KernelFor(forward_, forward_.weights_desc(), o, pass));
    std::vector<PrimitiveArgument> arguments = {{DNNL_ARG_SRC, geometry_.src, o.src()},
                                                {DNNL_ARG_WEIGHTS, forward_.weights_desc(), kernel},
                                                {DNNL_ARG_DST, geometry_.dst, o.dst}};
    if (request_.bias) arguments.push_back({DNNL_ARG_BIAS, geometry_.bias, o.weights[1]});
    RETURN_IF_ERROR(Append("_forward", forward_, arguments, o, pass));
    AppendSequence(std::move(pass), kernels);
    return kernels;
  }

  absl::StatusOr<Kernels> Backward(const Operands& o) const override {
    Kernels kernels;
    if (request_.post != nullptr) {
      kernels.push_back(MakeEltwiseBackward(
          *request_.post, static_cast<int64_t>(geometry_.dst.get_size() / sizeof(float)),
          request_.setting.threads, o.dst, o.diff_dst));
    }
    if (o.diff_weights[0] != nullptr) RETURN_IF_ERROR(BackwardWeights(o, kernels));
    if (o.diff_src() != nullptr) {
      Kernels pass;
      ASSIGN_OR_RETURN(const Cell kernel, KernelFor(data_, data_.weights_desc(), o, pass));
      RETURN_IF_ERROR(Append("_backward_data", data_,
                             {{DNNL_ARG_DIFF_SRC, geometry_.src, o.diff_src()},
                              {DNNL_ARG_WEIGHTS, data_.weights_desc(), kernel},
                              {DNNL_ARG_DIFF_DST, geometry_.dst, o.diff_dst}},
                             o, pass));
      AppendSequence(std::move(pass), kernels);
    }
    return kernels;
  }

 private:
  void MakeBackward() {
    const Geometry& g = geometry_;
    const dnnl::primitive_attr plain = WithUserScratchpad();
    data_ = DataDesc(
        {Family::kAlgorithm, g.src, g.any_kernel, g.dst, g.strides, g.dilations, g.before, g.after},
        plain, CpuEngine(), forward_);
    const auto weights =
        request_.bias
            ? typename Family::BackwardWeights::desc(Family::kAlgorithm, g.src, g.any_kernel,
                                                     g.bias, g.dst, g.strides, g.dilations,
                                                     g.before, g.after)
            : typename Family::BackwardWeights::desc(Family::kAlgorithm, g.src, g.any_kernel, g.dst,
                                                     g.strides, g.dilations, g.before, g.after);
    weights_ = WeightsDesc(weights, plain, CpuEngine(), forward_);
  }

  const memory::desc& arena() const { return *OnednnFormat(*layouts_[0]); }

  // The primitive's own scratch memory, behind it the kernel in the order that it likes.
  size_t ScratchOf(const memory::desc& scratchpad, const memory::desc& kernel) const {
    const size_t own = WholeLines(scratchpad.get_size());
    return kernel == arena() ? own : own + kernel.get_size();
  }

  absl::Status Reorder(const memory::desc& from, Cell src, const memory::desc& to, Cell dst,
                       Kernels& kernels) const {
    return CatchOnednn([&]() -> absl::Status {
      UseThreads(request_.setting.threads);
      const dnnl::reorder::primitive_desc desc(CpuEngine(), from, CpuEngine(), to);
      ASSIGN_OR_RETURN(auto kernel,
                       BindPrimitive(absl::StrCat("reorder onednn:", desc.impl_info_str(), " ",
                                                  from.get_size() / sizeof(float)),
                                     dnnl::reorder(desc), request_.setting.threads,
                                     {{DNNL_ARG_FROM, from, src}, {DNNL_ARG_TO, to, dst}}));
      kernels.push_back(std::move(kernel));
      return absl::OkStatus();
    });
  }

  template <typename Desc>
  absl::StatusOr<Cell> KernelFor(const Desc& desc, const memory::desc& liked, const Operands& o,
                                 Kernels& kernels) const {
    if (liked == arena()) return o.weights[0];
    const Cell part = AppendPart(o.scratch, WholeLines(desc.scratchpad_desc().get_size()), kernels);
    RETURN_IF_ERROR(Reorder(arena(), o.weights[0], liked, part, kernels));
    return part;
  }

  absl::Status BackwardWeights(const Operands& o, Kernels& kernels) const {
    Kernels pass;
    const memory::desc liked = weights_.diff_weights_desc();
    const bool same = liked == arena();
    const Cell kernel =
        same ? o.diff_weights[0]
             : AppendPart(o.scratch, WholeLines(weights_.scratchpad_desc().get_size()), pass);
    std::vector<PrimitiveArgument> arguments = {{DNNL_ARG_SRC, geometry_.src, o.src()},
                                                {DNNL_ARG_DIFF_WEIGHTS, liked, kernel},
                                                {DNNL_ARG_DIFF_DST, geometry_.dst, o.diff_dst}};
    if (request_.bias) arguments.push_back({DNNL_ARG_DIFF_BIAS, geometry_.bias, o.diff_weights[1]});
    RETURN_IF_ERROR(Append("_backward_weights", weights_, arguments, o, pass));
    if (!same) RETURN_IF_ERROR(Reorder(liked, kernel, arena(), o.diff_weights[0], pass));
    AppendSequence(std::move(pass), kernels);
    return absl::OkStatus();
  }

  template <typename Desc>
  absl::Status Append(const char* pass, const Desc& desc,
                      const std::vector<PrimitiveArgument>& arguments, const Operands& o,
                      Kernels& kernels) const {
    return AppendPrimitive(absl::StrCat(Family::kName, pass), Describe(request_), desc,
                           request_.setting.threads, arguments, o.scratch, kernels);
  }

  const Request request_;
  const Geometry geometry_;
  Layouts layouts_;
  ForwardDesc forward_;
  DataDesc data_;
  WeightsDesc weights_;
};

template <typename Family>
class Convolution final : public Operation {
 public:
  Convolution(const ConvolutionShape& shape, bool bias, const Eltwise* post)
      : shape_(shape), bias_(bias), post_(post) {}

  std::string name() const override {
    return absl::StrCat(Family::kName, " ", shape_.channels, "x", shape_.filters,
                        post_ == nullptr ? "" : absl::StrCat(" +", post_->name));
  }
  int64_t dst_values() const override {
    return shape_.axes[0].dst * shape_.axes[1].dst * shape_.filters;
  }
  bool backward_reads_src(bool diff_weights) const override { return diff_weights; }
  bool backward_reads_dst() const override { return post_ != nullptr; }
  std::unique_ptr<const Operation> Absorb(const Operation& next) const override {
    const Eltwise* function = EltwiseOf(next);
    if (post_ != nullptr || function == nullptr) return nullptr;
    return std::make_unique<Convolution>(shape_, bias_, function);
  }
  absl::StatusOr<std::unique_ptr<CompiledOperation>> Compile(
      const Setting& setting, const Layouts& layouts) const override {
    if (!layouts.empty() && OnednnFormat(*layouts[0]) == nullptr)
      return absl::FailedPreconditionError(absl::StrCat("the weights lie in ", layouts[0]->name()));
    constexpr bool kTransposed = std::is_same_v<Family, Transposed>;
    return CatchOnednn([&]() -> absl::StatusOr<std::unique_ptr<CompiledOperation>> {
      UseThreads(setting.threads);
      return std::make_unique<Compiled<Family>>(Request{shape_, bias_, post_, setting},
                                                PublishedKernel(shape_, kTransposed), layouts);
    });
  }

 private:
  const ConvolutionShape shape_;
  const bool bias_;
  const Eltwise* const post_;
};

}  // namespace

std::unique_ptr<const Operation> MakeConvolution(const ConvolutionShape& shape, bool bias) {
  return std::make_unique<Convolution<Direct>>(shape, bias, nullptr);
}

std::unique_ptr<const Operation> MakeTransposedConvolution(const ConvolutionShape& shape,
                                                           bool bias) {
  return std::make_unique<Convolution<Transposed>>(shape, bias, nullptr);
}

}  // namespace gradus::kernels
