// SPDX-License-Identifier: Apache-2.0
// The kernels that oneDNN lacks or does badly, once for each instruction set, behind one table of
// functions.
#pragma once

#include <cstddef>
#include <cstdint>

namespace gradus::kernels {

// An inner product's sizes.
struct InnerProductShape {
  int64_t rows = 0;
  int64_t inputs = 0;
  int64_t units = 0;
};

// Targets that are not taken as they are: keep * y + offset.
struct TargetMap {
  float keep = 1;
  float offset = 0;
};

// Works on each element by itself, in place.
using UnaryFunction = void (*)(float* x, size_t count);
// diff becomes the gradient before the function, where y is what the function gave.
using UnaryBackwardFunction = void (*)(const float* y, float* diff, size_t count);

// What is the same for all elements of an optimizer's pass.
struct RmspropSettings {
  float rate = 0;
  float rho = 0;
  float momentum = 0;
  float epsilon = 0;
};
struct AdamSettings {
  // The learning rate, corrected for what m and v lack in the first steps.
  float rate = 0;
  float beta_1 = 0;
  float beta_2 = 0;
  // 1 - beta_2, which is small.
  float rest_2 = 0;
  float epsilon = 0;
  // Of v alone: 1 / (1 - beta_2^t).
  float correction = 1;
};

// A function of each element: y of x, and diff_src from diff_dst and x.
struct ActivationFunctions {
  void (*forward)(const float* x, float* y, float setting, size_t count);
  void (*backward)(const float* x, const float* diff_dst, float* diff_src, float setting,
                   size_t count);
  // Sum of diff_dst times y's derivative by the setting; null where nobody trains it.
  double (*by_setting)(const float* x, const float* diff_dst, float setting, size_t count);
};
// `most` from there on, x from `threshold` on, below it slope * (x - threshold).
struct Ramp {
  float most = 0;
  float slope = 0;
  float threshold = 0;
};
struct ActivationTable {
  ActivationFunctions leaky_relu;
  ActivationFunctions elu;
  ActivationFunctions selu;
  ActivationFunctions hard_sigmoid;
  ActivationFunctions softplus;
  ActivationFunctions softsign;
  ActivationFunctions exponential;
  ActivationFunctions swish;
  ActivationFunctions mish;
  ActivationFunctions gelu;
  ActivationFunctions gelu_tanh;
};

// What is done to each element of a recurrence; null for nothing.
struct RecurrenceFunctions {
  UnaryFunction activation = nullptr;
  UnaryBackwardFunction activation_backward = nullptr;
  UnaryFunction gates = nullptr;
  UnaryBackwardFunction gates_backward = nullptr;
};

// One step of recurrences, on `rows` of `units`; gates lie side by side in each row. The products
// are there already. Backward turns dh, the gradient of the new h, into what the old h gets other
// than through products, and gates and products into their gradients.
struct RecurrenceTable {
  // gates (i, f, g, o) before their functions, and after them. `c_after`: activation(c).
  void (*lstm_forward)(const RecurrenceFunctions& f, int64_t rows, int64_t units, float* gates,
                       const float* c_before, float* c, float* c_after, float* h);
  // dc likewise. `room`, here and below: 5 * units floats.
  void (*lstm_backward)(const RecurrenceFunctions& f, int64_t rows, int64_t units, float* gates,
                        const float* c_before, const float* c_after, float* dh, float* dc,
                        float* room);
  // gates (z, r, g); `products` (z, r, g) of h, g's of which r multiplies.
  void (*gru_after_forward)(const RecurrenceFunctions& f, int64_t rows, int64_t units, float* gates,
                            const float* products, const float* h_before, float* h);
  void (*gru_after_backward)(const RecurrenceFunctions& f, int64_t rows, int64_t units,
                             float* gates, float* products, const float* h_before, float* dh,
                             float* room);
  // gates (z, r): reset = r * h.
  void (*gru_reset_forward)(const RecurrenceFunctions& f, int64_t rows, int64_t units, float* gates,
                            const float* h_before, float* reset);
  // Behind the product of reset, g of its own.
  void (*gru_mix_forward)(const RecurrenceFunctions& f, int64_t rows, int64_t units,
                          const float* gates, float* g, const float* h_before, float* h);
  // Backward in the other order: first g becomes its gradient, z's is left in `dz`; then, with the
  // gradient of reset, gates becomes its own.
  void (*gru_mix_backward)(const RecurrenceFunctions& f, int64_t rows, int64_t units,
                           const float* gates, float* g, const float* h_before, float* dh,
                           float* dz, float* room);
  void (*gru_reset_backward)(const RecurrenceFunctions& f, int64_t rows, int64_t units,
                             float* gates, const float* h_before, const float* dreset,
                             const float* dz, float* dh, float* room);
};

// Every function adds in an order that depends on sizes alone. Pointers are 4-byte aligned and do
// not overlap. The sums of losses come in double, over the rows in order.
//   Threads  any; no state.
struct VectorFunctions {
  // "avx512", "avx2" or "sse42": results are the same bits within one.
  const char* isa;
  // Floats in a vector. Panels are three vectors wide.
  int lanes;

  // dst = post(src * kernel + bias). The kernel lies in panels (panels.h); bias and post may be
  // null.
  void (*inner_product_forward)(const InnerProductShape& shape, const float* src,
                                const float* kernel, const float* bias, float* dst,
                                UnaryFunction post);
  // diff_src = diff_dst * kernel^T.
  void (*inner_product_backward_data)(const InnerProductShape& shape, const float* diff_dst,
                                      const float* kernel, float* diff_src);
  // diff_kernel = src^T * diff_dst in panels, padding zero. 64 bytes behind diff_dst are read, and
  // do not matter.
  void (*inner_product_backward_weights)(const InnerProductShape& shape, const float* src,
                                         const float* diff_dst, float* diff_kernel);
  // The part of it that belongs to inputs [begin, end): parts have the bits of the whole.
  void (*inner_product_backward_inputs)(const InnerProductShape& shape, int64_t begin, int64_t end,
                                        const float* src, const float* diff_dst,
                                        float* diff_kernel);
  // diff_bias = sum of diff_dst over the rows.
  void (*inner_product_backward_bias)(const InnerProductShape& shape, const float* diff_dst,
                                      float* diff_bias);

  // Those whose gradient is computed from x.
  const ActivationTable* activations;
  void (*ramp)(const float* x, float* y, const Ramp& ramp, size_t count);
  void (*ramp_backward)(const float* x, const float* diff_dst, float* diff_src, const Ramp& ramp,
                        size_t count);
  // y = x, below 0 times its slope.
  void (*slopes)(const float* x, const float* slopes, float* y, size_t count);
  void (*slopes_backward)(const float* x, const float* slopes, const float* diff_dst,
                          float* diff_src, size_t count);
  // Adds each slope's gradient to its sum.
  void (*slopes_gather)(const float* x, const float* diff_dst, float* sums, size_t count);
  const RecurrenceTable* recurrence;
  // Those whose gradient is computed from y, so that they can be part of the kernel before them.
  UnaryFunction relu;
  UnaryFunction sigmoid;
  UnaryFunction tanh;
  UnaryBackwardFunction relu_backward;
  UnaryBackwardFunction sigmoid_backward;
  UnaryBackwardFunction tanh_backward;

  // Along rows of `width`.
  void (*softmax)(const float* src, float* dst, int64_t rows, int64_t width);
  // diff_dst becomes diff_src in place, where y is what softmax gave.
  void (*softmax_backward)(const float* y, float* diff, int64_t rows, int64_t width);

  // Sum of -log softmax(logits)[label]; diff = scale * (softmax - one_hot), if not null. A label
  // outside the width gives NaN.
  double (*softmax_cross_entropy_class)(const float* logits, const int32_t* labels, float scale,
                                        float* diff, int64_t rows, int64_t width);
  // Sum of -y log softmax(logits), y as `map` makes it; diff = scale * (softmax * sum(y) - y).
  double (*softmax_cross_entropy)(const float* logits, const float* targets, TargetMap map,
                                  float scale, float* diff, int64_t rows, int64_t width);
  // Sum of -(y log s + (1 - y) log(1 - s)) with s = sigmoid(logits), y as `map` makes it;
  // diff = scale * (s - y).
  double (*sigmoid_cross_entropy)(const float* logits, const float* targets, TargetMap map,
                                  float scale, float* diff, size_t count);
  // Sum of (p - y)^2; diff = 2 * scale * (p - y).
  double (*squared_error)(const float* predictions, const float* targets, float scale, float* diff,
                          size_t count);

  // dst += src.
  void (*add)(float* dst, const float* src, size_t count);
  // dst = a + b.
  void (*sum)(float* dst, const float* a, const float* b, size_t count);
  // weights -= rate * gradients.
  void (*sgd)(float* weights, const float* gradients, float rate, size_t count);
  // v = momentum * v - rate * g; w += v, or w += momentum * v - rate * g with nesterov.
  void (*sgd_momentum)(float* weights, const float* gradients, float* velocity, float rate,
                       float momentum, bool nesterov, size_t count);
  // The optimizers' formulas are in their messages; tensors that a setting does without are null.
  void (*rmsprop)(float* weights, const float* gradients, float* mean2, float* mean,
                  float* velocity, const RmspropSettings& settings, size_t count);
  void (*adagrad)(float* weights, const float* gradients, float* sum2, float rate, float epsilon,
                  size_t count);
  void (*adadelta)(float* weights, const float* gradients, float* gradient2, float* change2,
                   float rate, float rho, float epsilon, size_t count);
  void (*adam)(float* weights, const float* gradients, float* m, float* v, float* largest,
               const AdamSettings& settings, size_t count);
  void (*adamax)(float* weights, const float* gradients, float* m, float* u,
                 const AdamSettings& settings, size_t count);
  // w -= (rate_m * m + rate_g * g) / (sqrt(v * correction) + epsilon).
  void (*nadam)(float* weights, const float* gradients, float* m, float* v,
                const AdamSettings& settings, float rate_m, float rate_g, size_t count);
  void (*lion)(float* weights, const float* gradients, float* m, float rate, float beta_1,
               float beta_2, size_t count);
  // Sum of x^2.
  double (*sum_of_squares)(const float* x, size_t count);
  // l1 * sum |x| + l2 * sum x^2.
  double (*penalty)(const float* x, float l1, float l2, size_t count);
  // Adds its gradient: diff += l1 * sign(x) + 2 * l2 * x.
  void (*penalize)(const float* x, float* diff, float l1, float l2, size_t count);
  // mean = momentum * mean + (1 - momentum) * x.
  void (*average)(float* mean, const float* x, float momentum, size_t count);
  // x *= factor.
  void (*scale)(float* x, float factor, size_t count);
  // x is cut to -most ... most.
  void (*clip)(float* x, float most, size_t count);
  // dst = src * scale + offset.
  void (*convert_u8)(const uint8_t* src, float* dst, float scale, float offset, size_t count);

  // dst -= src.
  void (*subtract)(float* dst, const float* src, size_t count);
  // dst *= src.
  void (*multiply)(float* dst, const float* src, size_t count);
  // dst becomes the larger of dst and src, or the smaller one; NaN where one of them is.
  void (*raise)(float* dst, const float* src, size_t count);
  void (*lower)(float* dst, const float* src, size_t count);
  // Where src is y, or NaN, diff moves to diff_src; elsewhere diff_src is 0.
  void (*claim)(const float* y, const float* src, float* diff, float* diff_src, size_t count);
  // x becomes x * scale + offset.
  void (*rescale)(float* x, float scale, float offset, size_t count);
  // dst = `low` where the word is at most `last`, else `high`.
  void (*choose)(const uint32_t* words, uint32_t last, float low, float high, float* dst,
                 size_t count);
  // A number from low to high of each word's upper 24 bits.
  void (*uniform)(const uint32_t* words, float low, float high, float* dst, size_t count);
  // A standard normal number of each word's upper 24 bits, at most 5.5 in size.
  void (*normal)(const uint32_t* words, float* dst, size_t count);
};

// The best table for this machine; ONEDNN_MAX_CPU_ISA (SSE41, AVX2, ...) lowers it as it lowers
// oneDNN.
const VectorFunctions& Vector();
// The table of that name, or null where this machine cannot run it.
const VectorFunctions* VectorOf(const char* isa);

}  // namespace gradus::kernels
