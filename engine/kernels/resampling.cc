// SPDX-License-Identifier: Apache-2.0
// oneDNN's resampling.
#include "engine/kernels/resampling.h"

#include <algorithm>
#include <oneapi/dnnl/dnnl.hpp>

#include "absl/strings/str_cat.h"
#include "engine/base/status.h"
#include "engine/kernels/function_operation.h"
#include "engine/kernels/onednn_primitive.h"

namespace gradus::kernels {
namespace {

using dnnl::memory;

struct Passes {
  std::string details;
  int threads = 1;
  memory::desc src;
  memory::desc dst;
  dnnl::resampling_forward::primitive_desc forward;
  dnnl::resampling_backward::primitive_desc backward;
};

Passes MakePasses(const Resampling& r, const Setting& setting) {
  const auto images = [&](int64_t height, int64_t width) {
    return memory::desc({setting.rows, r.channels, height, width}, memory::data_type::f32,
                        memory::format_tag::nhwc);
  };
  const dnnl::algorithm algorithm =
      r.linear ? dnnl::algorithm::resampling_linear : dnnl::algorithm::resampling_nearest;
  Passes p;
  p.details = absl::StrCat(setting.rows, "x", r.height, "x", r.width, "x", r.channels, " times ",
                           r.height_factor, "x", r.width_factor);
  p.threads = setting.threads;
  p.src = images(r.height, r.width);
  p.dst = images(r.height * r.height_factor, r.width * r.width_factor);
  p.forward = {
      {setting.training ? dnnl::prop_kind::forward_training : dnnl::prop_kind::forward_inference,
       algorithm, p.src, p.dst},
      WithUserScratchpad(),
      CpuEngine()};
  if (setting.training)
    p.backward = {{algorithm, p.src, p.dst}, WithUserScratchpad(), CpuEngine(), p.forward};
  return p;
}

absl::StatusOr<CompiledParts> Compile(const Resampling& resampling, const Setting& setting) {
  return CatchOnednn([&]() -> absl::StatusOr<CompiledParts> {
    UseThreads(setting.threads);
    const auto p = std::make_shared<const Passes>(MakePasses(resampling, setting));
    CompiledParts parts;
    parts.scratch_bytes = p->forward.scratchpad_desc().get_size();
    if (setting.training)
      parts.scratch_bytes = std::max(parts.scratch_bytes, p->backward.scratchpad_desc().get_size());
    parts.forward = [p](const Operands& o) -> absl::StatusOr<Kernels> {
      Kernels kernels;
      RETURN_IF_ERROR(AppendPrimitive(
          "resampling_forward", p->details, p->forward, p->threads,
          {{DNNL_ARG_SRC, p->src, o.src()}, {DNNL_ARG_DST, p->dst, o.dst}}, o.scratch, kernels));
      return kernels;
    };
    parts.backward = [p](const Operands& o) -> absl::StatusOr<Kernels> {
      Kernels kernels;
      if (o.diff_src() == nullptr) return kernels;
      RETURN_IF_ERROR(AppendPrimitive(
          "resampling_backward", p->details, p->backward, p->threads,
          {{DNNL_ARG_DIFF_SRC, p->src, o.diff_src()}, {DNNL_ARG_DIFF_DST, p->dst, o.diff_dst}},
          o.scratch, kernels));
      return kernels;
    };
    return parts;
  });
}

}  // namespace

std::unique_ptr<const Operation> MakeResampling(const Resampling& resampling) {
  return MakeOperation(
      {.name = absl::StrCat("resampling ", resampling.height_factor, "x", resampling.width_factor),
       .dst_values = resampling.height * resampling.height_factor * resampling.width *
                     resampling.width_factor * resampling.channels},
      [resampling](const Setting& setting, const Layouts&) {
        return Compile(resampling, setting);
      });
}

}  // namespace gradus::kernels
