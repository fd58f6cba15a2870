// SPDX-License-Identifier: Apache-2.0
// What layers with windows have in common.
#include "engine/layers/convolving.h"

#include <algorithm>
#include <limits>

#include "engine/base/status.h"

namespace gradus::layers {
namespace {

using kernels::ConvolutionAxis;
using kernels::ConvolutionShape;

// Calls use(kernel position, source position) for the values of window `at` that lie inside.
template <typename Function>
void ForEachInside(const ConvolutionAxis& axis, int64_t at, Function use) {
  for (int64_t k = 0; k < axis.kernel; ++k) {
    const int64_t src = at * axis.stride + k * axis.dilation - axis.before;
    if (src >= 0 && src < axis.src) use(k, src);
  }
}

size_t At(int64_t index) { return static_cast<size_t>(index); }

}  // namespace

Windows WindowsOf(std::span<const int64_t> size, std::span<const int64_t> stride,
                  std::span<const int64_t> dilation) {
  Windows windows;
  for (size_t i = 0; i < windows.size(); ++i) windows[i] = {size[i], stride[i], dilation[i]};
  return windows;
}

Image ImageOf(const Shape& shape) {
  if (shape.size() == 2) return {1, shape[0], shape[1]};
  return {shape[0], shape[1], shape[2]};
}

absl::StatusOr<std::array<ConvolutionAxis, 2>> AxesOf(const Image& image, const Windows& windows,
                                                      v1::Padding padding) {
  std::array<ConvolutionAxis, 2> axes;
  for (size_t i = 0; i < axes.size(); ++i) {
    const int64_t extent = i == 0 ? image.height : image.width;
    const Window& w = windows[i];
    ASSIGN_OR_RETURN(const Span span, SpanOf(extent, w, padding));
    axes[i] = {.src = extent,
               .dst = span.count,
               .kernel = w.size,
               .stride = w.stride,
               .dilation = w.dilation,
               .before = span.before,
               // What the last window does not reach is not there for oneDNN.
               .after = (span.count - 1) * w.stride + (w.size - 1) * w.dilation + 1 - extent -
                        span.before};
  }
  return axes;
}

std::array<ConvolutionAxis, 2> TransposedAxesOf(const Image& image, const Windows& windows,
                                                v1::Padding padding) {
  std::array<ConvolutionAxis, 2> axes;
  for (size_t i = 0; i < axes.size(); ++i) {
    const int64_t extent = i == 0 ? image.height : image.width;
    const Window& w = windows[i];
    const Span span = TransposedSpanOf(extent, w, padding);
    axes[i] = {.src = extent,
               .dst = span.count,
               .kernel = w.size,
               .stride = w.stride,
               .dilation = w.dilation,
               .before = span.before,
               .after = span.after};
  }
  return axes;
}

void FillInitializer(v1::Initializer* initializer, void (*fallback)(v1::Initializer&)) {
  if (initializer->kind_case() == v1::Initializer::KIND_NOT_SET) fallback(*initializer);
}
void Glorot(v1::Initializer& initializer) { initializer.mutable_glorot_uniform(); }
void AllZeros(v1::Initializer& initializer) { initializer.mutable_zeros(); }
void AllOnes(v1::Initializer& initializer) { initializer.mutable_ones(); }

std::vector<double> ConvolutionReference(const ConvolutionShape& shape, std::span<const double> x,
                                         std::span<const double> kernel,
                                         std::span<const double> bias) {
  const ConvolutionAxis& h = shape.axes[0];
  const ConvolutionAxis& w = shape.axes[1];
  const int64_t channels = shape.channels / shape.groups;
  const int64_t filters = shape.filters / shape.groups;
  std::vector<double> y;
  for (int64_t row = 0; row < h.dst; ++row) {
    for (int64_t column = 0; column < w.dst; ++column) {
      for (int64_t filter = 0; filter < shape.filters; ++filter) {
        double sum = bias.empty() ? 0 : bias[At(filter)];
        const int64_t first = filter / filters * channels;
        ForEachInside(h, row, [&](int64_t kh, int64_t sh) {
          ForEachInside(w, column, [&](int64_t kw, int64_t sw) {
            for (int64_t c = 0; c < channels; ++c) {
              sum += x[At((sh * w.src + sw) * shape.channels + first + c)] *
                     kernel[At(((kh * w.kernel + kw) * channels + c) * shape.filters + filter)];
            }
          });
        });
        y.push_back(sum);
      }
    }
  }
  return y;
}

std::vector<double> TransposedReference(const ConvolutionShape& shape, std::span<const double> x,
                                        std::span<const double> kernel,
                                        std::span<const double> bias) {
  const ConvolutionAxis& h = shape.axes[0];
  const ConvolutionAxis& w = shape.axes[1];
  std::vector<double> y(At(h.dst * w.dst * shape.filters));
  for (size_t i = 0; i < y.size() && !bias.empty(); ++i) y[i] = bias[i % bias.size()];
  // Each source position gives its window in the output what the kernel says.
  const auto spread = [](const ConvolutionAxis& axis, int64_t src, auto use) {
    for (int64_t k = 0; k < axis.kernel; ++k) {
      const int64_t dst = src * axis.stride + k * axis.dilation - axis.before;
      if (dst >= 0 && dst < axis.dst) use(k, dst);
    }
  };
  for (int64_t row = 0; row < h.src; ++row) {
    for (int64_t column = 0; column < w.src; ++column) {
      spread(h, row, [&](int64_t kh, int64_t dh) {
        spread(w, column, [&](int64_t kw, int64_t dw) {
          for (int64_t filter = 0; filter < shape.filters; ++filter) {
            for (int64_t c = 0; c < shape.channels; ++c) {
              y[At((dh * w.dst + dw) * shape.filters + filter)] +=
                  x[At((row * w.src + column) * shape.channels + c)] *
                  kernel[At(((kh * w.kernel + kw) * shape.filters + filter) * shape.channels + c)];
            }
          }
        });
      });
    }
  }
  return y;
}

std::vector<double> PoolReference(const std::array<ConvolutionAxis, 2>& axes, int64_t channels,
                                  bool max, std::span<const double> x) {
  const ConvolutionAxis& h = axes[0];
  const ConvolutionAxis& w = axes[1];
  std::vector<double> y;
  for (int64_t row = 0; row < h.dst; ++row) {
    for (int64_t column = 0; column < w.dst; ++column) {
      for (int64_t c = 0; c < channels; ++c) {
        double largest = -std::numeric_limits<double>::infinity();
        double sum = 0;
        int64_t count = 0;
        ForEachInside(h, row, [&](int64_t, int64_t sh) {
          ForEachInside(w, column, [&](int64_t, int64_t sw) {
            const double value = x[At((sh * w.src + sw) * channels + c)];
            largest = std::max(largest, value);
            sum += value;
            ++count;
          });
        });
        y.push_back(max ? largest : sum / static_cast<double>(count));
      }
    }
  }
  return y;
}

}  // namespace gradus::layers
