// SPDX-License-Identifier: Apache-2.0
// The inner product as its definition says, in double: slow, plain, and right wherever it runs.
#include "absl/strings/str_cat.h"
#include "engine/kernels/function_kernel.h"
#include "engine/kernels/inner_product_candidate.h"

namespace gradus::kernels {
namespace {

void Forward(const InnerProductShape& s, const float* src, const float* kernel, const float* bias,
             float* dst) {
  for (int64_t row = 0; row < s.rows; ++row) {
    for (int64_t unit = 0; unit < s.units; ++unit) {
      double sum = bias == nullptr ? 0.0 : static_cast<double>(bias[unit]);
      for (int64_t i = 0; i < s.inputs; ++i)
        sum += static_cast<double>(src[row * s.inputs + i]) *
               static_cast<double>(kernel[i * s.units + unit]);
      dst[row * s.units + unit] = static_cast<float>(sum);
    }
  }
}

void BackwardData(const InnerProductShape& s, const float* diff_dst, const float* kernel,
                  float* diff_src) {
  for (int64_t row = 0; row < s.rows; ++row) {
    for (int64_t i = 0; i < s.inputs; ++i) {
      double sum = 0;
      for (int64_t unit = 0; unit < s.units; ++unit) {
        sum += static_cast<double>(diff_dst[row * s.units + unit]) *
               static_cast<double>(kernel[i * s.units + unit]);
      }
      diff_src[row * s.inputs + i] = static_cast<float>(sum);
    }
  }
}

void BackwardWeights(const InnerProductShape& s, const float* src, const float* diff_dst,
                     float* diff_kernel) {
  for (int64_t i = 0; i < s.inputs; ++i) {
    for (int64_t unit = 0; unit < s.units; ++unit) {
      double sum = 0;
      for (int64_t row = 0; row < s.rows; ++row) {
        sum += static_cast<double>(src[row * s.inputs + i]) *
               static_cast<double>(diff_dst[row * s.units + unit]);
      }
      diff_kernel[i * s.units + unit] = static_cast<float>(sum);
    }
  }
}

void BackwardBias(const InnerProductShape& s, const float* diff_dst, float* diff_bias) {
  for (int64_t unit = 0; unit < s.units; ++unit) {
    double sum = 0;
    for (int64_t row = 0; row < s.rows; ++row)
      sum += static_cast<double>(diff_dst[row * s.units + unit]);
    diff_bias[unit] = static_cast<float>(sum);
  }
}

class ReferenceInnerProduct final : public CompiledOperation {
 public:
  explicit ReferenceInnerProduct(const InnerProductRequest& request) : request_(request) {
    const InnerProductShape& shape = request.shape;
    layouts_.push_back(PlainLayout(static_cast<size_t>(shape.inputs * shape.units)));
    if (request.bias) layouts_.push_back(PlainLayout(static_cast<size_t>(shape.units)));
  }

  Layouts layouts() const override { return layouts_; }

  absl::StatusOr<Kernels> Forward(const Operands& o) const override {
    Kernels kernels;
    const InnerProductShape s = request_.shape;
    const UnaryFunction post =
        request_.post == nullptr ? nullptr : Vector().*(request_.post->forward);
    const Cell bias = request_.bias ? o.weights[1] : nullptr;
    kernels.push_back(MakeKernel(
        Describe("forward"), [s, post, bias, src = o.src(), kernel = o.weights[0], dst = o.dst] {
          kernels::Forward(s, Floats(src), Floats(kernel), bias == nullptr ? nullptr : Floats(bias),
                           Floats(dst));
          if (post != nullptr) post(Floats(dst), static_cast<size_t>(s.rows * s.units));
        }));
    return kernels;
  }

  absl::StatusOr<Kernels> Backward(const Operands& o) const override {
    Kernels kernels;
    const InnerProductShape s = request_.shape;
    if (request_.post != nullptr)
      kernels.push_back(
          MakeEltwiseBackward(*request_.post, s.rows * s.units, 1, o.dst, o.diff_dst));
    if (o.diff_weights[0] != nullptr) {
      kernels.push_back(
          MakeKernel(Describe("backward_weights"),
                     [s, src = o.src(), diff_dst = o.diff_dst, diff = o.diff_weights[0]] {
                       BackwardWeights(s, Floats(src), Floats(diff_dst), Floats(diff));
                     }));
    }
    if (request_.bias && o.diff_weights[1] != nullptr) {
      kernels.push_back(MakeKernel(Describe("backward_bias"),
                                   [s, diff_dst = o.diff_dst, diff = o.diff_weights[1]] {
                                     BackwardBias(s, Floats(diff_dst), Floats(diff));
                                   }));
    }
    if (o.diff_src() != nullptr) {
      kernels.push_back(
          MakeKernel(Describe("backward_data"),
                     [s, kernel = o.weights[0], diff_dst = o.diff_dst, diff_src = o.diff_src()] {
                       BackwardData(s, Floats(diff_dst), Floats(kernel), Floats(diff_src));
                     }));
    }
    return kernels;
  }

 private:
  std::string Describe(absl::string_view pass) const {
    return absl::StrCat("inner_product_", pass, " reference ", DescribeInnerProduct(request_));
  }

  const InnerProductRequest request_;
  Layouts layouts_;
};

}  // namespace

absl::StatusOr<std::unique_ptr<CompiledOperation>> MakeReferenceInnerProduct(
    const InnerProductRequest& request) {
  if (!request.layouts.empty() && request.layouts[0]->name() != "plain") {
    return absl::FailedPreconditionError(
        absl::StrCat("the weights lie in ", request.layouts[0]->name()));
  }
  return std::make_unique<ReferenceInnerProduct>(request);
}

}  // namespace gradus::kernels
