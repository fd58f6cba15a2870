// SPDX-License-Identifier: Apache-2.0
// A oneDNN primitive with its arguments bound, and weights in a layout of oneDNN's choice. For
// sources of this folder alone: it shows oneDNN's types.
#pragma once

#include <memory>
#include <oneapi/dnnl/dnnl.hpp>
#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "engine/kernels/kernel.h"
#include "engine/kernels/weight_layout.h"

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

}  // namespace gradus::kernels
