# SPDX-License-Identifier: Apache-2.0
"""ONNX's nodes of layers and losses as golden cases: NODES[operator](attributes, inputs, outputs) gives pairs of a word for the
file's name and a Case. ONNX has channels first; here they are last."""
import dataclasses
import math

import numpy

from torch_losses import SPARSE, SQUARED


@dataclasses.dataclass
class Case:
    """What golden_test.cc reads. `x` has the rows first."""
    layers: list
    x: numpy.ndarray
    tensors: dict
    loss: dict = dataclasses.field(default_factory=lambda: {SQUARED: {}})
    optimizer: dict = dataclasses.field(default_factory=lambda: {"sgd": {}})
    optimizer_steps: int = 0


def outputs_of(layers, x, weights, y):
    return Case(layers, x, {**{f"start/{name}": value for name, value in weights.items()}, "forward": y})


def last(x):
    return numpy.moveaxis(x, 1, -1)


def check(attributes, *known):
    assert set(attributes) <= set(known), f"says {set(attributes) - set(known)}, which nobody here knows"


def edges(attributes, sizes, kernel, strides, rates):
    """(before, after) for each axis, with what rounding up adds."""
    pads, automatic = attributes.get("pads", [0] * 2 * len(sizes)), attributes.get("auto_pad", b"NOTSET")
    for axis, (size, length, stride, rate) in enumerate(zip(sizes, kernel, strides, rates)):
        reach = (length - 1) * rate + 1
        if automatic in (b"SAME_UPPER", b"SAME_LOWER"):
            total = max((math.ceil(size / stride) - 1) * stride + reach - size, 0)
            less, more = total // 2, total - total // 2
            yield (less, more) if automatic == b"SAME_UPPER" else (more, less)
            continue
        assert automatic in (b"NOTSET", b"VALID")
        before, after = pads[axis], pads[axis + len(sizes)]
        beyond = -(size + before + after - reach) % stride if attributes.get("ceil_mode") else 0
        yield before, after + beyond


def padded(layer, word, wanted, same):
    """The layer with its padding, behind one that enlarges where neither word says it."""
    if wanted == [(0, 0)] * len(wanted):
        return [{word: layer}]
    if wanted == same:
        return [{word: {**layer, "padding": "SAME"}}]
    return [{"zero_padding2d": {"padding": [width for edge in wanted for width in edge]}}, {word: layer}]


def same_edges(sizes, kernel, strides, rates):
    return list(edges({"auto_pad": b"SAME_UPPER"}, sizes, kernel, strides, rates))


def conv(attributes, inputs, y):
    check(attributes, "auto_pad", "pads", "strides", "dilations", "group", "kernel_shape")
    x, kernel = inputs[0], inputs[1]
    strides, rates = attributes.get("strides", [1, 1]), attributes.get("dilations", [1, 1])
    layer = {"filters": kernel.shape[0], "kernel_size": list(kernel.shape[2:]), "strides": strides, "dilation_rate": rates,
             "groups": attributes.get("group", 1), "use_bias": len(inputs) > 2}
    around = x.shape[2:], kernel.shape[2:], strides, rates
    weights = {"conv2d/kernel": kernel.transpose(2, 3, 1, 0), **({"conv2d/bias": inputs[2]} if len(inputs) > 2 else {})}
    yield "", outputs_of(padded(layer, "conv2d", list(edges(attributes, *around)), same_edges(*around)), last(x), weights,
                         last(y[0]))


def conv_transpose(attributes, inputs, y):
    """Of sequences as of images of height 1. What is too much or too little lies at the end, or where `pads` say."""
    check(attributes, "auto_pad", "pads", "strides", "dilations", "kernel_shape", "output_padding", "output_shape")
    x, kernel, y = inputs[0], inputs[1], y[0]
    if x.ndim == 3:
        x, kernel, y = x[:, :, None], kernel[:, :, None], y[:, :, None]
    strides, rates = attributes.get("strides", [1, 1]), attributes.get("dilations", [1, 1])
    layer = {"filters": kernel.shape[1], "kernel_size": list(kernel.shape[2:]), "strides": strides, "dilation_rate": rates,
             "use_bias": False}
    layers = [{"conv2d_transpose": layer}]
    if attributes.get("auto_pad") == b"SAME_UPPER":
        layer["padding"] = "SAME"
    else:
        before = attributes.get("pads", [0, 0])[:2]
        sizes = [(size - 1) * stride + (length - 1) * rate + 1
                 for size, length, stride, rate in zip(x.shape[2:], kernel.shape[2:], strides, rates)]
        after = [size - cut - found for size, cut, found in zip(sizes, before, y.shape[2:])]
        layers.append({"cropping2d": {"cropping": [before[0], max(after[0], 0), before[1], max(after[1], 0)]}})
        layers.append({"zero_padding2d": {"padding": [0, max(-after[0], 0), 0, max(-after[1], 0)]}})
    yield "", outputs_of(layers, last(x), {"conv2d_transpose/kernel": kernel.transpose(2, 3, 1, 0)}, last(y))


def pool(word):
    def node(attributes, inputs, y):
        check(attributes, "auto_pad", "pads", "strides", "kernel_shape", "ceil_mode", "count_include_pad", "storage_order")
        x, y, kernel = inputs[0].astype(numpy.float32), y[0].astype(numpy.float32), attributes["kernel_shape"]
        strides = attributes.get("strides", [1] * len(kernel))
        around = x.shape[2:], kernel, strides, [1] * len(kernel)
        wanted, same = list(edges(attributes, *around)), same_edges(*around)
        if attributes.get("count_include_pad"):
            same = None  # ours are not counted; those of a layer before are
        elif wanted not in (same, [(0, 0)] * len(kernel)):
            assert word == "max_pooling", "edges that are not counted, and lie elsewhere than ours"
            # A maximum moves with its values: these are moved above the zeros at the edges.
            x, y = x - x.min(), y - x.min()
        window = {"pool_size": kernel, "strides": strides}
        if len(kernel) == 1:
            window = {name: numbers[0] for name, numbers in window.items()}
        layers = padded(window, f"{word}{len(kernel)}d", wanted, same)
        yield "", outputs_of(layers, last(x), {}, last(y))
    return node


def global_pool(word):
    def node(attributes, inputs, y):
        check(attributes)
        yield "", outputs_of([{f"{word}2d": {"keepdims": True}}], last(inputs[0]), {}, last(y[0]))
    return node


def batch_normalization(attributes, inputs, y):
    check(attributes, "epsilon", "momentum", "training_mode")
    x, weights = inputs[0], dict(zip(("gamma", "beta", "moving_mean", "moving_variance"), inputs[1:]))
    layer = {"epsilon": attributes.get("epsilon", 1e-5), "momentum": attributes.get("momentum", 0.9)}
    start = {f"batch_normalization/{name}": value for name, value in weights.items()}
    if attributes.get("training_mode"):
        yield "", normalize_in_training(layer, last(x), weights, start, last(y[0]), *y[1:])
    else:
        yield "", outputs_of([{"batch_normalization": layer}], last(x), start, last(y[0]))


def normalize_in_training(layer, x, weights, start, y, mean, variance):
    """All in one row, so that the gradient of the bias behind it has the outputs themselves."""
    row, count = y.reshape(-1), y.size
    start = {**start, "dense/kernel": numpy.eye(count), "dense/bias": numpy.zeros(count)}
    back = 2 / count * y.reshape(-1, y.shape[-1])
    gradients = {"batch_normalization/gamma": (back * (y.reshape(back.shape) - weights["beta"]) / weights["gamma"]).sum(0),
                 "batch_normalization/beta": back.sum(0), "dense/kernel": numpy.outer(row, 2 / count * row),
                 "dense/bias": 2 / count * row}
    end = {**start, "batch_normalization/moving_mean": mean, "batch_normalization/moving_variance": variance}
    tensors = {"y": numpy.zeros((1, count)), "batches": numpy.array([[0, 1]], numpy.int32)}
    for prefix, values in (("start", start), ("gradient", gradients), ("end", end)):
        tensors.update({f"{prefix}/{name}": value for name, value in values.items()})
    return Case([{"batch_normalization": layer}, {"flatten": {}}, {"dense": {"units": count}}], x.reshape(1, -1, *x.shape[2:]),
                tensors, optimizer={"sgd": {"learning_rate": 0}})


def layer_normalization(attributes, inputs, y):
    """What is normalized together becomes the last axis."""
    check(attributes, "axis", "epsilon")
    x, gamma, beta = inputs
    width = int(numpy.prod(x.shape[attributes.get("axis", -1):]))
    yield "", outputs_of([{"layer_normalization": {"epsilon": attributes.get("epsilon", 1e-5)}}], x.reshape(-1, width),
                         {"layer_normalization/gamma": gamma.reshape(-1), "layer_normalization/beta": beta.reshape(-1)}, y[0])


def softmax(attributes, inputs, y):
    check(attributes, "axis")
    axis = attributes.get("axis", -1)
    yield "", element(lambda _: [{"activation": {"softmax": {}}}], {}, numpy.moveaxis(inputs[0], axis, -1),
                      numpy.moveaxis(y[0], axis, -1))


def element(layers, attributes, x, y):
    return outputs_of(layers(attributes), x if x.ndim > 1 else x.reshape(-1, 1), {}, y)


def activation(word, **defaults):
    """Its settings have ONNX's names."""
    def node(attributes, inputs, y):
        check(attributes, *defaults)
        yield "", element(lambda found: [{"activation": {word: {**defaults, **found}}}], attributes, inputs[0], y[0])
    return node


def selu(attributes, inputs, y):
    """With constants of its own an elu, rescaled."""
    check(attributes, "alpha", "gamma")
    own = [{"activation": {"elu": {"alpha": attributes.get("alpha")}}}, {"rescaling": {"scale": attributes.get("gamma")}}]
    yield "", element(lambda found: own if found else [{"activation": {"selu": {}}}], attributes, inputs[0], y[0])


def hard_sigmoid(attributes, inputs, y):
    """Ours has ONNX's defaults; others are another scale of x."""
    check(attributes, "alpha", "beta")
    scale = {"scale": attributes.get("alpha", 0.2) / 0.2, "offset": (attributes.get("beta", 0.5) - 0.5) / 0.2}
    yield "", element(lambda _: [{"rescaling": scale}, {"activation": {"hard_sigmoid": {}}}], {}, inputs[0], y[0])


def classified(attributes, inputs, z):
    """Scores and classes as rows, without those of the ignored class, and the expected sums."""
    check(attributes, "reduction", "ignore_index")
    scores, labels = last(inputs[0]).reshape(-1, inputs[0].shape[1]), inputs[1].reshape(-1)
    kept = labels != attributes.get("ignore_index", numpy.iinfo(numpy.int64).min)
    rows = {b"none": lambda: z.reshape(-1)[kept], b"sum": lambda: z.reshape(1), b"mean": lambda: z.reshape(1) * kept.sum()}
    return scores[kept], labels[kept].astype(numpy.int32), rows[attributes.get("reduction", b"mean")]()


def softmax_cross_entropy(attributes, inputs, y):
    scores, labels, sums = classified(attributes, inputs, y[0])
    yield "", Case([{"activation": {"linear": {}}}], scores, {"y": labels, "losses": sums}, {SPARSE: {"from_logits": True}})
    if len(y) > 1:
        yield "_probabilities", element(lambda _: [{"activation": {"softmax": {}}}], {}, last(inputs[0]), numpy.exp(last(y[1])))


def negative_log_likelihood(attributes, inputs, y):
    """Its inputs are no logarithms of probabilities before they are lowered, which raises each loss as much."""
    scores, labels, sums = classified(attributes, inputs, y[0])
    lowered = scores.max() + 0.5
    sums = sums + lowered * len(labels) / len(sums)
    yield "", Case([{"activation": {"linear": {}}}], numpy.exp(scores - lowered), {"y": labels, "losses": sums}, {SPARSE: {}})


NODES = {
    "Conv": conv, "ConvTranspose": conv_transpose, "BatchNormalization": batch_normalization,
    "LayerNormalization": layer_normalization, "MaxPool": pool("max_pooling"), "AveragePool": pool("average_pooling"),
    "GlobalMaxPool": global_pool("global_max_pooling"), "GlobalAveragePool": global_pool("global_average_pooling"),
    "Softmax": softmax, "SoftmaxCrossEntropyLoss": softmax_cross_entropy, "NegativeLogLikelihoodLoss": negative_log_likelihood,
    "Relu": activation("relu"), "LeakyRelu": activation("leaky_relu", alpha=0.01), "Elu": activation("elu", alpha=1.0),
    "Selu": selu, "Sigmoid": activation("sigmoid"), "Tanh": activation("tanh"), "HardSigmoid": hard_sigmoid,
    "Softplus": activation("softplus"), "Softsign": activation("softsign"), "Exp": activation("exponential"),
    "Mish": activation("mish"),
}
