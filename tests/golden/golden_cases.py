# SPDX-License-Identifier: Apache-2.0
"""The networks of make_golden.py. CASES[name]: input shape, layers, loss, its settings, optimizer, its settings."""
from torch_losses import BINARY, CATEGORICAL, SPARSE, SQUARED


def layer(word, name=None, inputs=None, **settings):
    """As a job has it; `activation` may be a word."""
    if isinstance(settings.get("activation"), str):
        settings["activation"] = {settings["activation"]: {}}
    around = {"name": name, "inputs": inputs}
    return {word: settings, **{key: value for key, value in around.items() if value is not None}}


def dense(units, activation="linear", **settings):
    return layer("dense", units=units, activation=activation, **settings)


def conv2d(filters, kernel_size, **settings):
    return layer("conv2d", filters=filters, kernel_size=kernel_size, **settings)


def conv1d(filters, kernel_size, **settings):
    return layer("conv1d", filters=filters, kernel_size=kernel_size, **settings)


def two_ways(word, units, merge_mode="CONCAT", **settings):
    return layer("bidirectional", layer=layer(word, units=units, **settings), merge_mode=merge_mode)


FLATTEN, NORMALIZE = layer("flatten"), layer("batch_normalization", momentum=0.8)
LOGITS, SMOOTH, RATE = {"from_logits": True}, {"label_smoothing": 0.2}, {"learning_rate": 0.05}

DENSE = {
    "relu_softmax_sparse": ([12], [dense(9, "relu"), dense(5, "softmax")], SPARSE, {}, "sgd", {"learning_rate": 0.1}),
    "tanh_logits_sparse": ([9], [dense(8, "tanh"), dense(4)], SPARSE, LOGITS, "sgd", {**RATE, "momentum": 0.9}),
    "softmax_softmax_categorical": ([10], [dense(6, "softmax"), dense(4, "softmax")], CATEGORICAL, {}, "sgd",
                                    {"learning_rate": 0.3, "momentum": 0.8, "nesterov": True}),
    "sigmoid_probabilities_categorical": ([7], [dense(5, "tanh"), dense(3, "sigmoid")], CATEGORICAL, SMOOTH, "sgd", RATE),
    "flatten_tanh_sigmoid_binary": ([3, 4], [FLATTEN, dense(8, "tanh"), dense(3, "sigmoid")], BINARY, SMOOTH, "sgd",
                                    {"learning_rate": 0.2, "momentum": 0.9}),
    "relu_logits_binary": ([8], [dense(17, "relu", use_bias=False), dense(1)], BINARY, LOGITS, "sgd",
                           {"learning_rate": 0.1, "momentum": 0.5, "nesterov": True}),
    "sigmoid_linear_squared": ([6], [dense(7, "sigmoid"), dense(4)], SQUARED, {}, "sgd",
                               {"learning_rate": 0.1, "momentum": 0.9, "nesterov": True}),
    "relu_relu_tanh_squared": ([7], [dense(33, "relu"), dense(9, "relu"), dense(2, "tanh")], SQUARED, {}, "sgd",
                               {"learning_rate": 0.05, "momentum": 0.9}),
    "dense_along_last_axis": ([4, 5], [dense(6, "tanh"), FLATTEN, dense(3)], SPARSE, LOGITS, "sgd", RATE),
}

CONVOLUTIONS = {
    "conv1d_same_stride": ([11, 3], [conv1d(5, 4, padding="SAME", strides=2, activation="relu"),
                                     conv1d(4, 3, activation="tanh"), FLATTEN, dense(3)], SPARSE, LOGITS, "sgd", RATE),
    "conv1d_causal_dilated": ([10, 4], [conv1d(6, 3, padding="CAUSAL", dilation_rate=2, groups=2, activation="tanh"),
                                        conv1d(3, 2, padding="CAUSAL"), layer("global_average_pooling1d")], SPARSE, LOGITS,
                              "sgd", {**RATE, "momentum": 0.9}),
    "conv2d_valid_stride": ([6, 5, 2], [conv2d(5, [3, 2], strides=[2, 1], activation="relu"),
                                        conv2d(4, 2, activation="tanh"), FLATTEN, dense(3)], SPARSE, LOGITS, "sgd", RATE),
    "conv2d_same_stride": ([6, 5, 2], [conv2d(7, [3, 4], strides=2, padding="SAME", activation="relu"),
                                       conv2d(3, 3, padding="SAME"), FLATTEN, dense(2)], SQUARED, {}, "sgd", RATE),
    "conv2d_dilated": ([7, 7, 1], [conv2d(4, [3, 2], dilation_rate=[2, 3], activation="tanh"),
                                   conv2d(5, 3, dilation_rate=2, padding="SAME"), FLATTEN, dense(2)], SQUARED, {}, "sgd", RATE),
    "conv2d_groups": ([4, 4, 6], [conv2d(9, 2, groups=3, activation="tanh"),
                                  conv2d(6, 3, groups=3, strides=2, padding="SAME", use_bias=False),
                                  layer("global_average_pooling2d")], CATEGORICAL, LOGITS, "sgd", {**RATE, "momentum": 0.9}),
    "depthwise_conv2d": ([6, 5, 3], [layer("depthwise_conv2d", kernel_size=3, depth_multiplier=2, padding="SAME",
                                           activation="tanh"),
                                     layer("depthwise_conv2d", kernel_size=[2, 3], strides=2), FLATTEN, dense(2)], SQUARED, {},
                         "sgd", RATE),
    "separable_conv2d": ([6, 6, 3], [layer("separable_conv2d", filters=5, kernel_size=3, strides=2, depth_multiplier=2,
                                           padding="SAME", activation="relu"),
                                     layer("separable_conv2d", filters=4, kernel_size=2, use_bias=False), FLATTEN, dense(3)],
                         SPARSE, LOGITS, "sgd", RATE),
    "conv2d_transpose_valid": ([2, 3, 2], [layer("conv2d_transpose", filters=4, kernel_size=[3, 2], strides=[2, 1],
                                                 activation="tanh"),
                                           layer("conv2d_transpose", filters=1, kernel_size=2, dilation_rate=2)], SQUARED, {},
                               "sgd", RATE),
    "conv2d_transpose_same": ([3, 4, 2], [layer("conv2d_transpose", filters=3, kernel_size=[3, 4], strides=2, padding="SAME",
                                                activation="relu"), conv2d(1, 3, padding="SAME")], SQUARED, {}, "sgd", RATE),
}

POOLS = {
    "max_pooling2d": ([7, 6, 2], [conv2d(4, 2, activation="tanh"), layer("max_pooling2d"),
                                  layer("max_pooling2d", pool_size=[2, 3], strides=1, padding="SAME"), FLATTEN, dense(3)],
                      SPARSE, LOGITS, "sgd", RATE),
    "average_pooling2d": ([7, 6, 2], [conv2d(4, 2, activation="tanh"),
                                      layer("average_pooling2d", pool_size=3, strides=2, padding="SAME"),
                                      layer("average_pooling2d", pool_size=[2, 1]), FLATTEN, dense(3)], SPARSE, LOGITS, "sgd",
                          RATE),
    "pooling1d": ([12, 2], [conv1d(4, 3, activation="tanh"), layer("max_pooling1d", pool_size=3, strides=2, padding="SAME"),
                            layer("average_pooling1d", pool_size=3, strides=1, padding="SAME"),
                            layer("global_max_pooling1d"), dense(3)], SPARSE, LOGITS, "sgd", RATE),
    "global_max_pooling2d": ([5, 5, 2], [conv2d(6, 3), layer("global_max_pooling2d", keepdims=True), conv2d(3, 1),
                                         layer("global_average_pooling2d", keepdims=True), FLATTEN], SPARSE, LOGITS, "sgd", RATE),
    "edges_and_up_sampling": ([4, 3, 2], [layer("zero_padding2d", padding=[1, 0, 2, 1]), conv2d(3, 2, activation="tanh"),
                                          layer("up_sampling2d", size=[2, 3]), layer("cropping2d", cropping=[1, 2, 0, 3]),
                                          layer("up_sampling2d", interpolation="BILINEAR"),
                                          layer("average_pooling2d", pool_size=3), FLATTEN, dense(2)], SQUARED, {}, "sgd", RATE),
}

NORMALIZATIONS = {
    "batch_normalization_dense": ([8], [dense(9, use_bias=False), NORMALIZE, layer("activation", tanh={}), dense(3)], SPARSE,
                                  LOGITS, "sgd", {**RATE, "momentum": 0.9}),
    # Edges keep the second normalization from undoing what beta of the first does.
    "batch_normalization_conv2d": ([5, 4, 3], [conv2d(5, 2, use_bias=False), layer("batch_normalization", momentum=0.5,
                                                                                  epsilon=0.01), layer("activation", relu={}),
                                               conv2d(4, 3, padding="SAME", use_bias=False),
                                               layer("batch_normalization", scale=False), layer("activation", tanh={}),
                                               FLATTEN, dense(3)], SPARSE, LOGITS, "sgd", RATE),
    "normalization": ([6], [layer("normalization"), dense(3, use_bias=False)], SPARSE, LOGITS, "sgd", RATE),
    "layer_normalization": ([5, 6], [layer("layer_normalization"), dense(7, "tanh"),
                                     layer("layer_normalization", epsilon=0.1, center=False), FLATTEN, dense(3)], SPARSE,
                            LOGITS, "sgd", RATE),
}

MERGES = {
    "residual_conv2d": ([5, 4, 4], [conv2d(4, 3, padding="SAME", activation="tanh", name="a"),
                                    conv2d(4, 3, padding="SAME", name="b", use_bias=False), NORMALIZE,
                                    layer("add", inputs=["batch_normalization", "input", "a"]), layer("activation", relu={}),
                                    layer("global_average_pooling2d"), dense(3)], SPARSE, LOGITS, "sgd", RATE),
    "merges": ([6], [layer("dense", name="a", units=5, activation="tanh"),
                     layer("dense", name="b", inputs=["input"], units=5, activation="sigmoid"),
                     layer("dense", name="c", inputs=["input"], units=5),
                     layer("subtract", inputs=["a", "b"]), layer("multiply", inputs=["a", "b", "c"]),
                     layer("average", inputs=["a", "subtract", "c"]), layer("maximum", inputs=["a", "b", "c"]),
                     layer("minimum", inputs=["average", "c"]),
                     layer("concatenate", inputs=["multiply", "maximum", "minimum", "input"]), dense(3)], SPARSE, LOGITS, "sgd",
               RATE),
    "shared_and_dot": ([4, 3], [layer("dense", name="a", units=5, activation="tanh"),
                                layer("permute", dims=[2, 1], inputs=["input"]),
                                layer("reshape", target_shape=[4, 3]), layer("rescaling", scale=0.5, offset=0.25),
                                {"name": "again", "shares": "a"},
                                layer("dot", name="products", inputs=["a", "again"], axes=[2]),
                                layer("dot", name="cosines", inputs=["a", "again"], axes=[1, 1], normalize=True),
                                layer("flatten", name="p", inputs=["products"]), layer("flatten", name="q", inputs=["cosines"]),
                                layer("concatenate", inputs=["p", "q"]), dense(3)], SPARSE, LOGITS, "sgd", RATE),
    "concatenated_channels": ([6, 5, 2], [conv2d(3, 3, padding="SAME", activation="tanh"), layer("concatenate", name="c",
                                                                                                 inputs=["conv2d", "input"]),
                                          layer("max_pooling2d"), layer("average_pooling2d", inputs=["c"]),
                                          layer("concatenate", axis=1, inputs=["max_pooling2d", "average_pooling2d"]), FLATTEN,
                                          dense(2)], SQUARED, {}, "sgd", RATE),
}

RECURRENT = {
    "simple_rnn": ([4, 3], [layer("simple_rnn", units=4, return_sequences=True),
                            layer("simple_rnn", units=3, go_backwards=True, use_bias=False)], SPARSE, LOGITS, "sgd", RATE),
    "lstm": ([4, 3], [layer("lstm", units=3, return_sequences=True, go_backwards=True),
                      layer("lstm", units=3, use_bias=False)], SPARSE, LOGITS, "sgd", RATE),
    "gru": ([4, 3], [layer("gru", units=3, return_sequences=True), layer("gru", units=3, go_backwards=True, use_bias=False)],
            SPARSE, LOGITS, "sgd", RATE),
    "gru_reset_before": ([4, 3], [layer("gru", units=4, reset_after=False, return_sequences=True, go_backwards=True),
                                  layer("gru", units=2, reset_after=False)], SPARSE, LOGITS, "sgd", RATE),
    "bidirectional_concatenated": ([4, 2], [two_ways("lstm", 2, return_sequences=True), layer("global_average_pooling1d")],
                                   SPARSE, LOGITS, "sgd", RATE),
    "bidirectional_multiplied": ([4, 2], [two_ways("gru", 2, "MUL", go_backwards=True)], SPARSE, LOGITS, "sgd", RATE),
    "bidirectional_added": ([4, 2], [two_ways("simple_rnn", 2, "SUM", return_sequences=True),
                                     two_ways("simple_rnn", 2, "AVE")], SPARSE, LOGITS, "sgd", RATE),
    "embedding": ([5], [layer("embedding", input_dim=6, output_dim=4), layer("global_average_pooling1d")], SPARSE, LOGITS, "sgd",
                  {**RATE, "momentum": 0.9}),
}

LOSSES = {
    f"loss_{name}": ([4], [dense(units, activation, use_bias=False)], word, settings, "sgd", RATE)
    for name, units, activation, word, settings in [
        ("mean_absolute_error", 2, "linear", "mean_absolute_error", {}),
        ("mean_absolute_percentage_error", 2, "linear", "mean_absolute_percentage_error", {}),
        ("mean_squared_logarithmic_error", 2, "softplus", "mean_squared_logarithmic_error", {}),
        ("huber", 2, "linear", "huber", {"delta": 0.7}),
        ("log_cosh", 2, "linear", "log_cosh", {}),
        ("hinge", 2, "linear", "hinge", {}),
        ("squared_hinge", 2, "linear", "squared_hinge", {}),
        ("kl_divergence", 3, "softmax", "kl_divergence", {}),
        ("poisson", 2, "exponential", "poisson", {}),
        ("cosine_similarity", 3, "linear", "cosine_similarity", {}),
        ("focal", 2, "sigmoid", "focal", {"gamma": 1.5, "alpha": 0.4}),
        ("contrastive", 1, "softplus", "contrastive", {"margin": 0.9}),
        ("triplet", 6, "linear", "triplet", {"margin": 0.5}),
    ]
}

# Each in a dense layer and as a layer of its own.
ACTIVATIONS = {
    f"activation_{name}": ([5], [dense(5, {word: settings}), dense(4, "tanh"), layer("activation", **{word: settings}),
                                 dense(2)], SPARSE, LOGITS, "sgd", {"learning_rate": 0.02})
    for name, word, settings in [
        ("leaky_relu", "leaky_relu", {}), ("leaky_relu_alpha", "leaky_relu", {"alpha": 0.1}), ("elu", "elu", {}),
        ("elu_alpha", "elu", {"alpha": 0.5}), ("selu", "selu", {}), ("gelu", "gelu", {}),
        ("gelu_approximate", "gelu", {"approximate": True}), ("swish", "swish", {}), ("swish_beta", "swish", {"beta": 1.5}),
        ("mish", "mish", {}), ("hard_sigmoid", "hard_sigmoid", {}), ("softplus", "softplus", {}), ("softsign", "softsign", {}),
        ("exponential", "exponential", {}),
    ]
}
ACTIVATIONS["activation_prelu"] = (
    [6], [dense(5, "prelu"), layer("activation", prelu={}), dense(3)], SPARSE, LOGITS, "sgd", RATE)
ACTIVATIONS["activation_relu_settings"] = (
    [6], [dense(5, {"relu": {"max_value": 0.8, "negative_slope": 0.1, "threshold": 0.2}}), dense(3)], SPARSE, LOGITS, "sgd", RATE)
ACTIVATIONS["activation_swish_trainable"] = (
    [6], [dense(5, {"swish": {"trainable": True, "beta": 1.5}}), dense(3)], SPARSE, LOGITS, "sgd", RATE)

OPTIMIZERS = {
    f"optimizer_{name}": ([6], [dense(7, "tanh"), dense(4)], SPARSE, LOGITS, word, settings)
    for name, word, settings in [
        ("sgd_decay_clipnorm", "sgd", {**RATE, "momentum": 0.9, "weight_decay": 0.1, "clipnorm": 0.2}),
        ("rmsprop", "rmsprop", {"learning_rate": 0.01}),
        ("rmsprop_momentum_clipvalue", "rmsprop", {"learning_rate": 0.01, "rho": 0.8, "momentum": 0.9, "clipvalue": 0.05}),
        ("rmsprop_centered", "rmsprop", {"learning_rate": 0.01, "centered": True, "momentum": 0.5, "epsilon": 0.001,
                                         "global_clipnorm": 0.5}),
        ("adagrad", "adagrad", RATE),
        ("adagrad_accumulator", "adagrad", {**RATE, "initial_accumulator_value": 0.001, "epsilon": 0.0001, "clipnorm": 0.2}),
        ("adadelta", "adadelta", {"learning_rate": 1}),
        ("adadelta_rho_decay", "adadelta", {"learning_rate": 0.5, "rho": 0.8, "epsilon": 0.001, "weight_decay": 0.02}),
        ("adam", "adam", {"learning_rate": 0.01}),
        ("adam_betas_global_clipnorm", "adam", {"learning_rate": 0.02, "beta_1": 0.7, "beta_2": 0.95, "epsilon": 0.001,
                                                "global_clipnorm": 0.3}),
        ("amsgrad", "adam", {"learning_rate": 0.01, "beta_2": 0.9, "amsgrad": True}),
        ("adamax", "adamax", {"learning_rate": 0.02}),
        ("adamax_clipvalue", "adamax", {"learning_rate": 0.02, "beta_1": 0.8, "beta_2": 0.9, "clipvalue": 0.05}),
        ("nadam", "nadam", {"learning_rate": 0.01}),
        ("nadam_decay", "nadam", {"learning_rate": 0.01, "beta_1": 0.8, "beta_2": 0.95, "weight_decay": 0.05}),
        ("adamw", "adamw", {"learning_rate": 0.01}),
        ("adamw_amsgrad", "adamw", {"learning_rate": 0.02, "weight_decay": 0.1, "beta_2": 0.9, "amsgrad": True,
                                    "global_clipnorm": 0.5}),
        ("lion", "lion", {"learning_rate": 0.003}),
        ("lion_decay", "lion", {"learning_rate": 0.003, "beta_1": 0.8, "beta_2": 0.95, "weight_decay": 0.5}),
    ]
}
OPTIMIZERS["optimizer_adam_conv2d_normalized"] = (
    [5, 4, 2], [conv2d(4, 2, use_bias=False), NORMALIZE, layer("activation", swish={}), FLATTEN, dense(3)], SPARSE, LOGITS, "adam",
    {"learning_rate": 0.01, "clipnorm": 0.5})

CASES = {**DENSE, **CONVOLUTIONS, **POOLS, **NORMALIZATIONS, **MERGES, **RECURRENT, **LOSSES, **ACTIVATIONS, **OPTIMIZERS}
