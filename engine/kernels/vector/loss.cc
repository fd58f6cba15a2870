// SPDX-License-Identifier: Apache-2.0
// Softmax, and the losses that are computed from logits.
#include "engine/kernels/vector/math.h"
#include "engine/kernels/vector/variant.h"

namespace gradus::kernels::GRADUS_ISA {
namespace {

// A NaN anywhere in the row makes the result one, through the exponentials.
float Largest(const float* x, int64_t count) {
  float largest = x[0];
  for (int64_t i = 1; i < count; ++i) largest = x[i] > largest ? x[i] : largest;
  return largest;
}

// exps[i] = exp(x[i] - largest), and their sum.
float ExpRow(const float* x, float largest, float* exps, int64_t count) {
  for (int64_t i = 0; i < count; ++i) exps[i] = Exp(x[i] - largest);
  return SumOf<float>(count, [exps](int64_t i) { return exps[i]; });
}

float SumOfExps(const float* x, float largest, int64_t count) {
  return SumOf<float>(count, [x, largest](int64_t i) { return Exp(x[i] - largest); });
}

}  // namespace

void Softmax(const float* src, float* dst, int64_t rows, int64_t width) {
  for (int64_t row = 0; row < rows; ++row) {
    float* to = dst + row * width;
    const float factor =
        1.0F / ExpRow(src + row * width, Largest(src + row * width, width), to, width);
    for (int64_t i = 0; i < width; ++i) to[i] *= factor;
  }
}

void SoftmaxBackward(const float* y, float* diff, int64_t rows, int64_t width) {
  for (int64_t row = 0; row < rows; ++row) {
    const float* p = y + row * width;
    float* d = diff + row * width;
    const float mean = SumOf<float>(width, [p, d](int64_t i) { return p[i] * d[i]; });
    for (int64_t i = 0; i < width; ++i) d[i] = p[i] * (d[i] - mean);
  }
}

double SoftmaxCrossEntropyClass(const float* logits, const int32_t* labels, float scale,
                                float* diff, int64_t rows, int64_t width) {
  double loss = 0;
  for (int64_t row = 0; row < rows; ++row) {
    const float* x = logits + row * width;
    const int64_t label = labels[row];
    const bool known = label >= 0 && label < width;
    const float largest = Largest(x, width);
    float sum = 0;
    if (diff == nullptr) {
      sum = SumOfExps(x, largest, width);
    } else {
      float* d = diff + row * width;
      sum = ExpRow(x, largest, d, width);
      const float factor = scale / sum;
      for (int64_t i = 0; i < width; ++i) d[i] *= factor;
      if (known) d[label] -= scale;
    }
    const float picked = known ? x[label] : __builtin_nanf("");
    loss += __builtin_log(static_cast<double>(sum)) +
            (static_cast<double>(largest) - static_cast<double>(picked));
  }
  return loss;
}

double SoftmaxCrossEntropy(const float* logits, const float* targets, TargetMap map, float scale,
                           float* diff, int64_t rows, int64_t width) {
  double loss = 0;
  for (int64_t row = 0; row < rows; ++row) {
    const float* x = logits + row * width;
    const auto y = [given = targets + row * width, map](int64_t i) {
      return map.keep * given[i] + map.offset;
    };
    const float largest = Largest(x, width);
    const float sum = diff == nullptr ? SumOfExps(x, largest, width)
                                      : ExpRow(x, largest, diff + row * width, width);
    const float weight = SumOf<float>(width, y);
    if (diff != nullptr) {
      float* d = diff + row * width;
      const float factor = weight / sum;
      for (int64_t i = 0; i < width; ++i) d[i] = scale * (d[i] * factor - y(i));
    }
    const double log_sum = __builtin_log(static_cast<double>(sum)) + static_cast<double>(largest);
    loss += log_sum * static_cast<double>(weight) - SumOf<double>(width, [x, y](int64_t i) {
              return static_cast<double>(x[i]) * static_cast<double>(y(i));
            });
  }
  return loss;
}

double SigmoidCrossEntropy(const float* logits, const float* targets, TargetMap map, float scale,
                           float* diff, size_t count) {
  const auto y = [targets, map](int64_t i) { return map.keep * targets[i] + map.offset; };
  if (diff != nullptr) {
    for (int64_t i = 0; i < static_cast<int64_t>(count); ++i)
      diff[i] = scale * (SigmoidOf(logits[i]) - y(i));
  }
  // log(1 + exp(x)) - x y, written so that no exponential grows.
  return SumOf<double>(static_cast<int64_t>(count), [logits, y](int64_t i) {
    const float x = logits[i];
    const float magnitude = x < 0 ? -x : x;
    const float positive = x < 0 ? 0 : x;
    return static_cast<double>((positive - x * y(i)) + LogOneToTwo(1.0F + Exp(-magnitude)));
  });
}

double SquaredError(const float* predictions, const float* targets, float scale, float* diff,
                    size_t count) {
  if (diff != nullptr) {
    for (size_t i = 0; i < count; ++i) diff[i] = 2.0F * scale * (predictions[i] - targets[i]);
  }
  return SumOf<double>(static_cast<int64_t>(count), [predictions, targets](int64_t i) {
    const double error = static_cast<double>(predictions[i]) - static_cast<double>(targets[i]);
    return error * error;
  });
}

}  // namespace gradus::kernels::GRADUS_ISA
