// SPDX-License-Identifier: Apache-2.0
// Bound oneDNN primitives. The C call is used for running them: the C++ one builds a map each time.
#include "engine/kernels/onednn.h"

#include <array>
#include <cstring>

#include "absl/strings/str_cat.h"
#include "engine/kernels/onednn_primitive.h"
#include "engine/kernels/parallel.h"

namespace gradus::kernels {
namespace {

static_assert(kOnednnRelu == dnnl_eltwise_relu && kOnednnTanh == dnnl_eltwise_tanh &&
              kOnednnLogistic == dnnl_eltwise_logistic);

class BoundPrimitive final : public Kernel {
 public:
  BoundPrimitive(std::string description, dnnl::primitive primitive, int threads,
                 const std::vector<PrimitiveArgument>& arguments)
      : description_(std::move(description)),
        primitive_(std::move(primitive)),
        stream_(CpuEngine()),
        threads_(threads) {
    for (const PrimitiveArgument& argument : arguments) {
      cells_.push_back(argument.cell);
      memories_.emplace_back(argument.format, CpuEngine(), nullptr);
      arguments_.push_back({argument.place, memories_.back().get()});
    }
  }

  absl::Status Run() override {
    UseThreads(threads_);
    for (size_t i = 0; i < cells_.size(); ++i) {
      if (dnnl_memory_set_data_handle(arguments_[i].memory, *cells_[i]) != dnnl_success)
        return Failed();
    }
    const dnnl_status_t status = dnnl_primitive_execute(
        primitive_.get(), stream_.get(), static_cast<int>(arguments_.size()), arguments_.data());
    return status == dnnl_success ? absl::OkStatus() : Failed();
  }
  std::string Describe() const override { return description_; }

 private:
  absl::Status Failed() const {
    return absl::InternalError(absl::StrCat("oneDNN refused to run ", description_));
  }

  const std::string description_;
  const dnnl::primitive primitive_;
  dnnl::stream stream_;
  const int threads_;
  std::vector<Cell> cells_;
  std::vector<dnnl::memory> memories_;
  std::vector<dnnl_exec_arg_t> arguments_;
};

class OnednnLayout final : public WeightLayout {
 public:
  OnednnLayout(const dnnl::memory::desc& published, const dnnl::memory::desc& format)
      : published_(published), format_(format) {}
  const dnnl::memory::desc& format() const { return format_; }

  size_t floats() const override { return format_.get_size() / sizeof(float); }
  void FromPublic(const float* src, float* dst) const override {
    std::memset(dst, 0, format_.get_size());
    Reorder(published_, src, format_, dst);
  }
  void ToPublic(const float* src, float* dst) const override {
    Reorder(format_, src, published_, dst);
  }

  // "onednn:" and the blocks and strides: "onednn:16b64a".
  std::string name() const override {
    const dnnl_blocking_desc_t& blocking = format_.data.format_desc.blocking;
    std::string name = "onednn:";
    for (int i = 0; i < blocking.inner_nblks; ++i) {
      const char axis = static_cast<char>('a' + blocking.inner_idxs[i]);
      absl::StrAppend(&name, blocking.inner_blks[i], absl::string_view(&axis, 1));
    }
    for (int i = 0; i < format_.data.ndims; ++i) absl::StrAppend(&name, "_", blocking.strides[i]);
    return name;
  }

 private:
  static void Reorder(const dnnl::memory::desc& from, const float* src,
                      const dnnl::memory::desc& to, float* dst) {
    dnnl::stream stream(CpuEngine());
    dnnl::memory source(from, CpuEngine(), const_cast<float*>(src));
    dnnl::memory target(to, CpuEngine(), dst);
    dnnl::reorder(source, target).execute(stream, source, target);
    stream.wait();
  }

  const dnnl::memory::desc published_;
  const dnnl::memory::desc format_;
};

}  // namespace

std::string OnednnVersion() {
  const dnnl_version_t* version = dnnl_version();
  return absl::StrCat(version->major, ".", version->minor, ".", version->patch);
}

const dnnl::engine& CpuEngine() {
  static const dnnl::engine engine(dnnl::engine::kind::cpu, 0);
  return engine;
}

absl::StatusOr<std::unique_ptr<Kernel>> BindPrimitive(
    std::string description, dnnl::primitive primitive, int threads,
    const std::vector<PrimitiveArgument>& arguments) {
  try {
    return std::make_unique<BoundPrimitive>(std::move(description), std::move(primitive), threads,
                                            arguments);
  } catch (const dnnl::error& error) {
    return OnednnStatus(error);
  }
}

std::shared_ptr<const WeightLayout> MakeOnednnLayout(const dnnl::memory::desc& published,
                                                     const dnnl::memory::desc& format) {
  return std::make_shared<OnednnLayout>(published, format);
}

const dnnl::memory::desc* OnednnFormat(const WeightLayout& layout) {
  const auto* onednn = dynamic_cast<const OnednnLayout*>(&layout);
  return onednn == nullptr ? nullptr : &onednn->format();
}

dnnl::primitive_attr WithUserScratchpad() {
  dnnl::primitive_attr attributes;
  attributes.set_scratchpad_mode(dnnl::scratchpad_mode::user);
  return attributes;
}

absl::Status OnednnStatus(const dnnl::error& error) {
  if (error.status == dnnl_out_of_memory)
    return absl::ResourceExhaustedError("oneDNN: out of memory");
  if (error.status == dnnl_unimplemented)
    return absl::UnimplementedError("no implementation for these sizes");
  return absl::InternalError(absl::StrCat("oneDNN: ", error.message));
}

}  // namespace gradus::kernels
