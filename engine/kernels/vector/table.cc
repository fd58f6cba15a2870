// SPDX-License-Identifier: Apache-2.0
// The table of one variant.
#include "engine/kernels/vector/simd.h"
#include "engine/kernels/vector/variant.h"

#define GRADUS_TEXT_(x) #x
#define GRADUS_TEXT(x) GRADUS_TEXT_(x)

namespace gradus::kernels::GRADUS_ISA {

extern const VectorFunctions kFunctions;
constinit const VectorFunctions kFunctions = {
    .isa = GRADUS_TEXT(GRADUS_ISA),
    .lanes = kLanes,
    .inner_product_forward = InnerProductForward,
    .inner_product_backward_data = InnerProductBackwardData,
    .inner_product_backward_weights = InnerProductBackwardWeights,
    .inner_product_backward_inputs = InnerProductBackwardInputs,
    .inner_product_backward_bias = InnerProductBackwardBias,
    .activations = &kActivations,
    .ramp = RampForward,
    .ramp_backward = RampBackward,
    .slopes = SlopesForward,
    .slopes_backward = SlopesBackward,
    .slopes_gather = SlopesGather,
    .recurrence = &kRecurrence,
    .relu = Relu,
    .sigmoid = Sigmoid,
    .tanh = Tanh,
    .relu_backward = ReluBackward,
    .sigmoid_backward = SigmoidBackward,
    .tanh_backward = TanhBackward,
    .softmax = Softmax,
    .softmax_backward = SoftmaxBackward,
    .softmax_cross_entropy_class = SoftmaxCrossEntropyClass,
    .softmax_cross_entropy = SoftmaxCrossEntropy,
    .sigmoid_cross_entropy = SigmoidCrossEntropy,
    .squared_error = SquaredError,
    .add = AddTo,
    .sum = Sum,
    .sgd = Sgd,
    .sgd_momentum = SgdMomentum,
    .rmsprop = Rmsprop,
    .adagrad = Adagrad,
    .adadelta = Adadelta,
    .adam = Adam,
    .adamax = Adamax,
    .nadam = Nadam,
    .lion = Lion,
    .sum_of_squares = SumOfSquares,
    .penalty = Penalty,
    .penalize = Penalize,
    .average = Average,
    .scale = Scale,
    .clip = Clip,
    .convert_u8 = ConvertU8,
    .subtract = Subtract,
    .multiply = Multiply,
    .raise = Raise,
    .lower = Lower,
    .claim = Claim,
    .rescale = Rescale,
    .choose = Choose,
    .uniform = Uniform,
    .normal = Normal,
};

}  // namespace gradus::kernels::GRADUS_ISA
