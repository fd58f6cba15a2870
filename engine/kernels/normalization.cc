// SPDX-License-Identifier: Apache-2.0
// oneDNN's normalizations. On vectors a batch normalization is one on images of 1 by 1: the same
// memory under the description that oneDNN is fast on.
#include "engine/kernels/normalization.h"

#include <algorithm>
#include <oneapi/dnnl/dnnl.hpp>

#include "absl/strings/str_cat.h"
#include "engine/base/status.h"
#include "engine/kernels/function_operation.h"
#include "engine/kernels/onednn_primitive.h"
#include "engine/kernels/parallel.h"
#include "engine/kernels/part.h"
#include "engine/kernels/sequence.h"

namespace gradus::kernels {
namespace {

using dnnl::memory;
using dnnl::normalization_flags;

struct OverBatch {
  using Forward = dnnl::batch_normalization_forward;
  using Backward = dnnl::batch_normalization_backward;
  static constexpr const char* kName = "batch_normalization";
  static memory::desc Data(int64_t vectors, int64_t channels) {
    return memory::desc({vectors, channels, 1, 1}, memory::data_type::f32,
                        memory::format_tag::nhwc);
  }
};
struct OverVector {
  using Forward = dnnl::layer_normalization_forward;
  using Backward = dnnl::layer_normalization_backward;
  static constexpr const char* kName = "layer_normalization";
  static memory::desc Data(int64_t vectors, int64_t channels) {
    return memory::desc({vectors, channels}, memory::data_type::f32, memory::format_tag::ab);
  }
};

template <typename Family>
class Compiled {
 public:
  // `gathered`: mean and variance are given instead of computed.
  Compiled(const NormalizationShape& shape, const Setting& setting, bool gathered)
      : shape_(shape),
        setting_(setting),
        gathered_(gathered),
        data_(Family::Data(setting.rows * shape.positions, shape.channels)),
        channels_({shape.channels}, memory::data_type::f32, memory::format_tag::a) {
    normalization_flags flags = normalization_flags::none;
    if (gathered) flags |= normalization_flags::use_global_stats;
    if (shape.scale) flags |= normalization_flags::use_scale;
    if (shape.shift) flags |= normalization_flags::use_shift;
    forward_ = {
        {setting.training ? dnnl::prop_kind::forward_training : dnnl::prop_kind::forward_inference,
         data_, shape.epsilon, flags},
        WithUserScratchpad(),
        CpuEngine()};
    if (!setting.training) return;
    const bool weights = shape.scale || shape.shift;
    backward_ = {{weights ? dnnl::prop_kind::backward : dnnl::prop_kind::backward_data, data_,
                  data_, shape.epsilon, flags},
                 WithUserScratchpad(),
                 CpuEngine(),
                 forward_};
  }

  size_t scratch_bytes() const {
    const size_t bytes = WholeLines(forward_.scratchpad_desc().get_size());
    if (!setting_.training) return bytes;
    // Gradients that oneDNN computes and nobody wants come behind its own.
    return std::max(bytes, UnwantedAt(2));
  }
  // Mean and variance, where they are computed.
  size_t workspace_bytes() const {
    return setting_.training && !gathered_ ? WholeLines(StatisticBytes()) + StatisticBytes() : 0;
  }

  absl::StatusOr<Kernels> Forward(const Operands& o) const {
    Kernels kernels;
    std::vector<PrimitiveArgument> arguments = {{DNNL_ARG_SRC, data_, o.src()},
                                                {DNNL_ARG_DST, data_, o.dst}};
    AddWeights(o, arguments);
    const auto [mean, variance] = Statistics(o, kernels);
    if (mean != nullptr) {
      arguments.push_back({DNNL_ARG_MEAN, StatisticDesc(), mean});
      arguments.push_back({DNNL_ARG_VARIANCE, StatisticDesc(), variance});
    }
    RETURN_IF_ERROR(AppendPrimitive(absl::StrCat(Family::kName, "_forward"), Details(), forward_,
                                    setting_.threads, arguments, o.scratch, kernels));
    AddGathering(o, mean, variance, kernels);
    return kernels;
  }

  absl::StatusOr<Kernels> Backward(const Operands& o) const {
    Kernels kernels;
    const auto [mean, variance] = Statistics(o, kernels);
    // In place where nobody wants the source's gradient.
    const Cell diff_src = o.diff_src() != nullptr ? o.diff_src() : o.diff_dst;
    std::vector<PrimitiveArgument> arguments = {{DNNL_ARG_SRC, data_, o.src()},
                                                {DNNL_ARG_MEAN, StatisticDesc(), mean},
                                                {DNNL_ARG_VARIANCE, StatisticDesc(), variance},
                                                {DNNL_ARG_DIFF_DST, data_, o.diff_dst},
                                                {DNNL_ARG_DIFF_SRC, data_, diff_src}};
    AddWeights(o, arguments);
    Kernels pass;
    if (shape_.scale)
      arguments.push_back({DNNL_ARG_DIFF_SCALE, channels_, GradientOf(o, 0, 0, pass)});
    if (shape_.shift)
      arguments.push_back({DNNL_ARG_DIFF_SHIFT, channels_, GradientOf(o, ShiftAt(), 1, pass)});
    RETURN_IF_ERROR(AppendPrimitive(absl::StrCat(Family::kName, "_backward"), Details(), backward_,
                                    setting_.threads, arguments, o.scratch, pass));
    AppendSequence(std::move(pass), kernels);
    return kernels;
  }

 private:
  size_t ShiftAt() const { return shape_.scale ? 1 : 0; }
  size_t MeanAt() const { return ShiftAt() + (shape_.shift ? 1 : 0); }
  // Where in the scratch memory the first or the second unwanted gradient lies.
  size_t UnwantedAt(size_t index) const {
    return WholeLines(backward_.scratchpad_desc().get_size()) +
           index * WholeLines(channels_.get_size());
  }
  // oneDNN has no backward pass without them where there are weights.
  Cell GradientOf(const Operands& o, size_t weight, size_t unwanted, Kernels& pass) const {
    return o.diff_weights[weight] != nullptr ? o.diff_weights[weight]
                                             : AppendPart(o.scratch, UnwantedAt(unwanted), pass);
  }
  memory::desc StatisticDesc() const { return forward_.mean_desc(); }
  size_t StatisticBytes() const { return StatisticDesc().get_size(); }
  std::string Details() const {
    return absl::StrCat(setting_.rows, "x", shape_.positions, "x", shape_.channels,
                        gathered_ ? " gathered" : "");
  }

  void AddWeights(const Operands& o, std::vector<PrimitiveArgument>& arguments) const {
    if (shape_.scale) arguments.push_back({DNNL_ARG_SCALE, channels_, o.weights[0]});
    if (shape_.shift) arguments.push_back({DNNL_ARG_SHIFT, channels_, o.weights[ShiftAt()]});
  }

  // Where mean and variance lie; null where an evaluation computes them for itself.
  std::pair<Cell, Cell> Statistics(const Operands& o, Kernels& kernels) const {
    if (gathered_) return {o.weights[MeanAt()], o.weights[MeanAt() + 1]};
    if (!setting_.training) return {nullptr, nullptr};
    return {o.workspace, AppendPart(o.workspace, WholeLines(StatisticBytes()), kernels)};
  }

  // Tells what the batch says of the statistics.
  void AddGathering(const Operands& o, Cell mean, Cell variance, Kernels& kernels) const {
    if (gathered_ || o.diff_weights.size() <= MeanAt()) return;
    const Cell to_mean = o.diff_weights[MeanAt()];
    const Cell to_variance = o.diff_weights[MeanAt() + 1];
    if (to_mean == nullptr) return;
    kernels.push_back(MakeKernel(
        absl::StrCat("gather_statistics ", shape_.channels),
        [mean, variance, to_mean, to_variance, share = o.share, channels = shape_.channels] {
          for (int64_t i = 0; i < channels; ++i) {
            Floats(to_mean)[i] = share * Floats(mean)[i];
            Floats(to_variance)[i] = share * Floats(variance)[i];
          }
        }));
  }

  const NormalizationShape shape_;
  const Setting setting_;
  const bool gathered_;
  const memory::desc data_;
  const memory::desc channels_;
  typename Family::Forward::primitive_desc forward_;
  typename Family::Backward::primitive_desc backward_;
};

template <typename Family>
std::unique_ptr<const Operation> Make(const NormalizationShape& shape, bool statistics) {
  const auto compile = [shape, statistics](const Setting& setting,
                                           const Layouts&) -> absl::StatusOr<CompiledParts> {
    return CatchOnednn([&]() -> absl::StatusOr<CompiledParts> {
      UseThreads(setting.threads);
      const bool gathered = statistics && (!setting.training || setting.frozen);
      const auto compiled = std::make_shared<const Compiled<Family>>(shape, setting, gathered);
      CompiledParts parts;
      const int weights = (shape.scale ? 1 : 0) + (shape.shift ? 1 : 0) + (statistics ? 2 : 0);
      parts.layouts.assign(static_cast<size_t>(weights),
                           PlainLayout(static_cast<size_t>(shape.channels)));
      parts.scratch_bytes = compiled->scratch_bytes();
      parts.workspace_bytes = compiled->workspace_bytes();
      parts.forward = [compiled](const Operands& o) { return compiled->Forward(o); };
      parts.backward = [compiled](const Operands& o) { return compiled->Backward(o); };
      return parts;
    });
  };
  return MakeOperation({.name = absl::StrCat(Family::kName, " ", shape.channels),
                        .dst_values = shape.positions * shape.channels,
                        .reads_src = ReadsSrc::kAlways},
                       compile);
}

}  // namespace

std::unique_ptr<const Operation> MakeBatchNormalization(const NormalizationShape& shape) {
  return Make<OverBatch>(shape, true);
}

std::unique_ptr<const Operation> MakeLayerNormalization(const NormalizationShape& shape) {
  return Make<OverVector>(shape, false);
}

}  // namespace gradus::kernels
