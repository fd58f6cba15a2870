// SPDX-License-Identifier: Apache-2.0
// A oneDNN primitive with its arguments bound, and weights in a layout of oneDNN's choice. For
// sources of this folder alone: it shows oneDNN's types.
#pragma once

#include <memory>
#include <oneapi/dnnl/dnnl.hpp>
#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/string_view.h"
#include "engine/base/status.h"
#include "engine/kernels/operation.h"
#include "engine/kernels/parallel.h"

namespace gradus::kernels {

// The one CPU engine.
const dnnl::engine& CpuEngine();

// An argument: its place in the call, its format, and where its pointer is kept.
struct PrimitiveArgument {
  int place;
  dnnl::memory::desc format;
  Cell cell;
};

// Threads: as many as `threads`, which must be what the primitive was made with.
absl::StatusOr<std::unique_ptr<Kernel>> BindPrimitive(
    std::string description, dnnl::primitive primitive, int threads,
    const std::vector<PrimitiveArgument>& arguments);

// A weight of public format `published` that lies as `format` says.
std::shared_ptr<const WeightLayout> MakeOnednnLayout(const dnnl::memory::desc& published,
                                                     const dnnl::memory::desc& format);
// The format of such a layout, or null for others.
const dnnl::memory::desc* OnednnFormat(const WeightLayout& layout);

// The status of an exception that oneDNN threw.
absl::Status OnednnStatus(const dnnl::error& error);

// What `function` returns, or the status of what oneDNN throws in it.
template <typename Function>
auto CatchOnednn(Function function) -> decltype(function()) {
  try {
    return function();
  } catch (const dnnl::error& error) {
    return OnednnStatus(error);
  }
}

// The attribute that every primitive here is made with: scratch memory comes from the plan.
dnnl::primitive_attr WithUserScratchpad();

// Makes a primitive with its scratch memory at the end of `arguments`, bound and described as
// "NAME onednn:IMPLEMENTATION DETAILS".
template <typename PrimitiveDesc>
absl::Status AppendPrimitive(absl::string_view name, absl::string_view details,
                             const PrimitiveDesc& desc, int threads,
                             std::vector<PrimitiveArgument> arguments, Cell scratch,
                             Kernels& kernels) {
  return CatchOnednn([&]() -> absl::Status {
    UseThreads(threads);
    if (desc.scratchpad_desc().get_size() > 0)
      arguments.push_back({DNNL_ARG_SCRATCHPAD, desc.scratchpad_desc(), scratch});
    ASSIGN_OR_RETURN(
        std::unique_ptr<Kernel> kernel,
        BindPrimitive(absl::StrCat(name, " onednn:", desc.impl_info_str(), " ", details),
                      dnnl::primitive(desc), threads, arguments));
    kernels.push_back(std::move(kernel));
    return absl::OkStatus();
  });
}

}  // namespace gradus::kernels
