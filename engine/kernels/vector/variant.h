// SPDX-License-Identifier: Apache-2.0
// What the sources of one variant share: the functions that its table is made of.
#pragma once

#include "engine/kernels/vector/functions.h"

namespace gradus::kernels::GRADUS_ISA {

void InnerProductForward(const InnerProductShape& shape, const float* src, const float* kernel,
                         const float* bias, float* dst, UnaryFunction post);
void InnerProductBackwardData(const InnerProductShape& shape, const float* diff_dst,
                              const float* kernel, float* diff_src);
void InnerProductBackwardWeights(const InnerProductShape& shape, const float* src,
                                 const float* diff_dst, float* diff_kernel);
void InnerProductBackwardInputs(const InnerProductShape& shape, int64_t begin, int64_t end,
                                const float* src, const float* diff_dst, float* diff_kernel);
void InnerProductBackwardBias(const InnerProductShape& shape, const float* diff_dst,
                              float* diff_bias);

extern const ActivationTable kActivations;
extern const RecurrenceTable kRecurrence;

void RampForward(const float* x, float* y, const Ramp& ramp, size_t count);
void RampBackward(const float* x, const float* diff_dst, float* diff_src, const Ramp& ramp,
                  size_t count);
void SlopesForward(const float* x, const float* slopes, float* y, size_t count);
void SlopesBackward(const float* x, const float* slopes, const float* diff_dst, float* diff_src,
                    size_t count);
void SlopesGather(const float* x, const float* diff_dst, float* sums, size_t count);

void Relu(float* x, size_t count);
void Sigmoid(float* x, size_t count);
void Tanh(float* x, size_t count);
void ReluBackward(const float* y, float* diff, size_t count);
void SigmoidBackward(const float* y, float* diff, size_t count);
void TanhBackward(const float* y, float* diff, size_t count);

void Softmax(const float* src, float* dst, int64_t rows, int64_t width);
void SoftmaxBackward(const float* y, float* diff, int64_t rows, int64_t width);

double SoftmaxCrossEntropyClass(const float* logits, const int32_t* labels, float scale,
                                float* diff, int64_t rows, int64_t width);
double SoftmaxCrossEntropy(const float* logits, const float* targets, TargetMap map, float scale,
                           float* diff, int64_t rows, int64_t width);
double SigmoidCrossEntropy(const float* logits, const float* targets, TargetMap map, float scale,
                           float* diff, size_t count);
double SquaredError(const float* predictions, const float* targets, float scale, float* diff,
                    size_t count);

void AddTo(float* dst, const float* src, size_t count);
void Sum(float* dst, const float* a, const float* b, size_t count);
void Sgd(float* weights, const float* gradients, float rate, size_t count);
void SgdMomentum(float* weights, const float* gradients, float* velocity, float rate,
                 float momentum, bool nesterov, size_t count);
void Rmsprop(float* weights, const float* gradients, float* mean2, float* mean, float* velocity,
             const RmspropSettings& s, size_t count);
void Adagrad(float* weights, const float* gradients, float* sum2, float rate, float epsilon,
             size_t count);
void Adadelta(float* weights, const float* gradients, float* gradient2, float* change2, float rate,
              float rho, float epsilon, size_t count);
void Adam(float* weights, const float* gradients, float* m, float* v, float* largest,
          const AdamSettings& s, size_t count);
void Adamax(float* weights, const float* gradients, float* m, float* u, const AdamSettings& s,
            size_t count);
void Nadam(float* weights, const float* gradients, float* m, float* v, const AdamSettings& s,
           float rate_m, float rate_g, size_t count);
void Lion(float* weights, const float* gradients, float* m, float rate, float beta_1, float beta_2,
          size_t count);
double SumOfSquares(const float* x, size_t count);
double Penalty(const float* x, float l1, float l2, size_t count);
void Penalize(const float* x, float* diff, float l1, float l2, size_t count);
void Average(float* mean, const float* x, float momentum, size_t count);
void Scale(float* x, float factor, size_t count);
void Clip(float* x, float most, size_t count);
void ConvertU8(const uint8_t* src, float* dst, float scale, float offset, size_t count);

void Subtract(float* dst, const float* src, size_t count);
void Multiply(float* dst, const float* src, size_t count);
void Raise(float* dst, const float* src, size_t count);
void Lower(float* dst, const float* src, size_t count);
void Claim(const float* y, const float* src, float* diff, float* diff_src, size_t count);
void Rescale(float* x, float scale, float offset, size_t count);

void Choose(const uint32_t* words, uint32_t last, float low, float high, float* dst, size_t count);
void Uniform(const uint32_t* words, float low, float high, float* dst, size_t count);
void Normal(const uint32_t* words, float* dst, size_t count);

}  // namespace gradus::kernels::GRADUS_ISA
