// SPDX-License-Identifier: Apache-2.0
// oneDNN's pools.
#include "engine/kernels/pooling.h"

#include <oneapi/dnnl/dnnl.hpp>

#include "absl/strings/str_cat.h"
#include "engine/base/status.h"
#include "engine/kernels/function_operation.h"
#include "engine/kernels/onednn_primitive.h"
#include "engine/kernels/parallel.h"

namespace gradus::kernels {
namespace {

using dnnl::memory;

// Both passes.
struct Passes {
  std::string details;
  int threads = 1;
  memory::desc src;
  memory::desc dst;
  dnnl::pooling_forward::primitive_desc forward;
  dnnl::pooling_backward::primitive_desc backward;
  // Max pools remember in it which value was the largest.
  memory::desc workspace;
};

Passes MakePasses(Pool pool, const std::array<ConvolutionAxis, 2>& axes, int64_t channels,
                  const Setting& setting) {
  const auto& [h, w] = axes;
  const dnnl::algorithm algorithm = pool == Pool::kMax
                                        ? dnnl::algorithm::pooling_max
                                        : dnnl::algorithm::pooling_avg_exclude_padding;
  const auto images = [&](int64_t height, int64_t width) {
    return memory::desc({setting.rows, channels, height, width}, memory::data_type::f32,
                        memory::format_tag::nhwc);
  };
  Passes p;
  p.details = absl::StrCat(setting.rows, "x", h.src, "x", w.src, "x", channels, " of ", h.kernel,
                           "x", w.kernel);
  p.threads = setting.threads;
  p.src = images(h.src, w.src);
  p.dst = images(h.dst, w.dst);
  const memory::dims strides = {h.stride, w.stride};
  const memory::dims kernel = {h.kernel, w.kernel};
  const memory::dims before = {h.before, w.before};
  const memory::dims after = {h.after, w.after};
  const dnnl::prop_kind kind =
      setting.training ? dnnl::prop_kind::forward_training : dnnl::prop_kind::forward_inference;
  p.forward = {{kind, algorithm, p.src, p.dst, strides, kernel, before, after},
               WithUserScratchpad(),
               CpuEngine()};
  if (!setting.training) return p;
  p.backward = {{algorithm, p.src, p.dst, strides, kernel, before, after},
                WithUserScratchpad(),
                CpuEngine(),
                p.forward};
  p.workspace = p.forward.workspace_desc();
  return p;
}

absl::StatusOr<Kernels> Forward(const Passes& p, const Operands& o) {
  std::vector<PrimitiveArgument> arguments = {{DNNL_ARG_SRC, p.src, o.src()},
                                              {DNNL_ARG_DST, p.dst, o.dst}};
  if (p.workspace.get_size() > 0)
    arguments.push_back({DNNL_ARG_WORKSPACE, p.workspace, o.workspace});
  Kernels kernels;
  RETURN_IF_ERROR(AppendPrimitive("pooling_forward", p.details, p.forward, p.threads, arguments,
                                  o.scratch, kernels));
  return kernels;
}

absl::StatusOr<Kernels> Backward(const Passes& p, const Operands& o) {
  Kernels kernels;
  if (o.diff_src() == nullptr) return kernels;
  std::vector<PrimitiveArgument> arguments = {{DNNL_ARG_DIFF_SRC, p.src, o.diff_src()},
                                              {DNNL_ARG_DIFF_DST, p.dst, o.diff_dst}};
  if (p.workspace.get_size() > 0)
    arguments.push_back({DNNL_ARG_WORKSPACE, p.workspace, o.workspace});
  RETURN_IF_ERROR(AppendPrimitive("pooling_backward", p.details, p.backward, p.threads, arguments,
                                  o.scratch, kernels));
  return kernels;
}

absl::StatusOr<CompiledParts> Compile(Pool pool, const std::array<ConvolutionAxis, 2>& axes,
                                      int64_t channels, const Setting& setting) {
  return CatchOnednn([&]() -> absl::StatusOr<CompiledParts> {
    UseThreads(setting.threads);
    const auto passes = std::make_shared<const Passes>(MakePasses(pool, axes, channels, setting));
    CompiledParts parts;
    parts.scratch_bytes = passes->forward.scratchpad_desc().get_size();
    if (setting.training) {
      parts.scratch_bytes =
          std::max(parts.scratch_bytes, passes->backward.scratchpad_desc().get_size());
    }
    parts.workspace_bytes = passes->workspace.get_size();
    parts.forward = [passes](const Operands& o) { return Forward(*passes, o); };
    parts.backward = [passes](const Operands& o) { return Backward(*passes, o); };
    return parts;
  });
}

}  // namespace

std::unique_ptr<const Operation> MakePooling(Pool pool, const std::array<ConvolutionAxis, 2>& axes,
                                             int64_t channels) {
  const std::string name = absl::StrCat(pool == Pool::kMax ? "max" : "mean", "_pooling ", channels);
  return MakeOperation({.name = name, .dst_values = axes[0].dst * axes[1].dst * channels},
                       [pool, axes, channels](const Setting& setting, const Layouts&) {
                         return Compile(pool, axes, channels, setting);
                       });
}

}  // namespace gradus::kernels
