// SPDX-License-Identifier: Apache-2.0
// Our own inner product: one core, the kernel in panels. Made for the small layers where a
// library's overhead and packing cost more than the work.
#include <algorithm>

#include "absl/strings/str_cat.h"
#include "engine/kernels/function_kernel.h"
#include "engine/kernels/inner_product_candidate.h"
#include "engine/kernels/panel_layout.h"

namespace gradus::kernels {
namespace {

// Multiplications below which waking a team of threads costs more than one core needs for all of
// them (measured: tests/bench).
constexpr int64_t kAloneBelow = 1 << 20;

class VectorInnerProduct final : public CompiledOperation {
 public:
  explicit VectorInnerProduct(const InnerProductRequest& request) : request_(request) {
    layouts_.push_back(MakePanelLayout(request.shape.inputs, {request.shape.units}));
    if (request.bias) layouts_.push_back(PlainLayout(static_cast<size_t>(request.shape.units)));
    if (!request.layouts.empty()) layouts_ = request.layouts;
  }

  Layouts layouts() const override { return layouts_; }

  absl::StatusOr<Kernels> Forward(const Operands& o) const override {
    Kernels kernels;
    const InnerProductShape shape = request_.shape;
    const UnaryFunction post =
        request_.post == nullptr ? nullptr : Vector().*(request_.post->forward);
    const Cell bias = request_.bias ? o.weights[1] : nullptr;
    kernels.push_back(MakeKernel(Describe("forward"), [shape, post, bias, src = o.src(),
                                                       kernel = o.weights[0], dst = o.dst] {
      Vector().inner_product_forward(shape, Floats(src), Floats(kernel),
                                     bias == nullptr ? nullptr : Floats(bias), Floats(dst), post);
    }));
    return kernels;
  }

  absl::StatusOr<Kernels> Backward(const Operands& o) const override {
    Kernels kernels;
    const InnerProductShape shape = request_.shape;
    if (request_.post != nullptr)
      kernels.push_back(
          MakeEltwiseBackward(*request_.post, shape.rows * shape.units, 1, o.dst, o.diff_dst));
    if (o.diff_weights[0] != nullptr) {
      kernels.push_back(MakeKernel(Describe("backward_weights"), [shape, src = o.src(),
                                                                  diff_dst = o.diff_dst,
                                                                  diff = o.diff_weights[0]] {
        Vector().inner_product_backward_weights(shape, Floats(src), Floats(diff_dst), Floats(diff));
      }));
    }
    if (request_.bias && o.diff_weights[1] != nullptr) {
      kernels.push_back(MakeKernel(
          Describe("backward_bias"), [shape, diff_dst = o.diff_dst, diff = o.diff_weights[1]] {
            Vector().inner_product_backward_bias(shape, Floats(diff_dst), Floats(diff));
          }));
    }
    if (o.diff_src() != nullptr) {
      kernels.push_back(MakeKernel(
          Describe("backward_data"),
          [shape, kernel = o.weights[0], diff_dst = o.diff_dst, diff_src = o.diff_src()] {
            Vector().inner_product_backward_data(shape, Floats(diff_dst), Floats(kernel),
                                                 Floats(diff_src));
          }));
    }
    return kernels;
  }

 private:
  std::string Describe(absl::string_view pass) const {
    return absl::StrCat("inner_product_", pass, " vector:", Vector().isa, " ",
                        DescribeInnerProduct(request_));
  }

  const InnerProductRequest request_;
  Layouts layouts_;
};

}  // namespace

absl::StatusOr<std::unique_ptr<CompiledOperation>> MakeVectorInnerProduct(
    const InnerProductRequest& request) {
  const InnerProductShape& shape = request.shape;
  if (!request.layouts.empty()) {
    if (!LiesInPanels(*request.layouts[0])) {
      return absl::FailedPreconditionError(
          absl::StrCat("the weights lie in ", request.layouts[0]->name()));
    }
  } else if (request.setting.threads > 1 && shape.rows * shape.inputs * shape.units > kAloneBelow) {
    return absl::FailedPreconditionError(
        absl::StrCat("works on one core, ", request.setting.threads, " are there"));
  }
  return std::make_unique<VectorInnerProduct>(request);
}

}  // namespace gradus::kernels
