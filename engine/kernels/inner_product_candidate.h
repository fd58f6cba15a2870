// SPDX-License-Identifier: Apache-2.0
// The ways to compute an inner product, best first: each accepts a request or says why not.
#pragma once

#include <memory>

#include "absl/status/statusor.h"
#include "engine/kernels/eltwise.h"
#include "engine/kernels/operation.h"
#include "engine/kernels/vector/functions.h"

namespace gradus::kernels {

struct InnerProductRequest {
  InnerProductShape shape;
  bool bias = false;
  // Done to the result; null for none.
  const Eltwise* post = nullptr;
  Setting setting;
  // Empty, or a layout a weight that must be used.
  Layouts layouts;
};

struct InnerProductCandidate {
  const char* name;
  // A message without path is the reason of a refusal.
  absl::StatusOr<std::unique_ptr<CompiledOperation>> (*make)(const InnerProductRequest& request);
};

absl::StatusOr<std::unique_ptr<CompiledOperation>> MakeVectorInnerProduct(
    const InnerProductRequest& request);
absl::StatusOr<std::unique_ptr<CompiledOperation>> MakeOnednnInnerProduct(
    const InnerProductRequest& request);
absl::StatusOr<std::unique_ptr<CompiledOperation>> MakeReferenceInnerProduct(
    const InnerProductRequest& request);

// "16x784x100 +bias +relu".
std::string DescribeInnerProduct(const InnerProductRequest& request);

}  // namespace gradus::kernels
