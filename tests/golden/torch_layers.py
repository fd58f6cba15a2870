# SPDX-License-Identifier: Apache-2.0
"""Layers in PyTorch, on tensors whose last axis are the channels and with weights of Keras's shapes.

LAYERS has for each kind the shapes of its weights (settings, input shapes without the batch) and its function (settings,
weights, inputs, training).
"""
import functools

import torch
from torch.nn import functional

import torch_windows as windows
from kinks import KINKS
import torch_recurrent as recurrent
from torch_activations import activate, activation_weights

MOMENTUM, EPSILON = 0.99, 1e-3


def finish(settings, weights, x):
    return activate(x + weights.get("bias", 0), settings.get("activation", {"linear": {}}), weights)


def dense_weights(settings, shape):
    return {"kernel": (shape[-1], settings["units"]), **bias(settings, settings["units"]),
            **activation_weights(settings.get("activation", {"linear": {}}), (*shape[:-1], settings["units"]))}


def bias(settings, count):
    return {"bias": (count,)} if settings.get("use_bias", True) else {}


def dense(settings, weights, x, _training):
    return finish(settings, weights, x @ weights["kernel"])


def conv_weights(dimensions):
    def shapes(settings, shape):
        kernel = windows.each(settings["kernel_size"], dimensions)
        return {"kernel": (*kernel, shape[-1] // settings.get("groups", 1), settings["filters"]),
                **bias(settings, settings["filters"])}
    return shapes


def conv(settings, weights, x, _training):
    return finish(settings, weights, windows.convolve(settings, weights["kernel"], x))


def depthwise_weights(settings, shape):
    multiplier = settings.get("depth_multiplier", 1)
    return {"depthwise_kernel": (*windows.each(settings["kernel_size"], 2), shape[-1], multiplier),
            **bias(settings, shape[-1] * multiplier)}


def depthwise(settings, weights, x, _training):
    return finish(settings, weights, windows.convolve_channels(settings, weights["depthwise_kernel"], x))


def separable_weights(settings, shape):
    kernel = depthwise_weights(settings, shape)["depthwise_kernel"]
    return {"depthwise_kernel": kernel, "pointwise_kernel": (1, 1, kernel[-2] * kernel[-1], settings["filters"]),
            **bias(settings, settings["filters"])}


def separable(settings, weights, x, _training):
    x = windows.convolve_channels(settings, weights["depthwise_kernel"], x)
    return finish(settings, weights, windows.convolve({}, weights["pointwise_kernel"], x))


def transpose_weights(settings, shape):
    return {"kernel": (*windows.each(settings["kernel_size"], 2), settings["filters"], shape[-1]),
            **bias(settings, settings["filters"])}


def transpose(settings, weights, x, _training):
    return finish(settings, weights, windows.convolve_back(settings, weights["kernel"], x))


def scale_and_center(settings, shape):
    return {name: (shape[-1],) for name, key in (("gamma", "scale"), ("beta", "center")) if settings.get(key, True)}


def batch_normalization(settings, weights, x, training):
    if training:
        over = tuple(range(x.dim() - 1))
        mean, variance = x.mean(over), x.var(over, unbiased=False)
        kept = settings.get("momentum", MOMENTUM)
        for name, value in (("moving_mean", mean), ("moving_variance", variance)):
            weights[name].data.mul_(kept).add_(value.detach() * (1 - kept))
    else:
        mean, variance = weights["moving_mean"], weights["moving_variance"]
    x = (x - mean) / (variance + settings.get("epsilon", EPSILON)).sqrt()
    return x * weights.get("gamma", 1) + weights.get("beta", 0)


def layer_normalization(settings, weights, x, _training):
    return functional.layer_norm(x, x.shape[-1:], weights.get("gamma"), weights.get("beta"), settings.get("epsilon", EPSILON))


def extreme(sign):
    def layer(_settings, _weights, *inputs):
        stacked = sign * torch.stack(inputs[:-1], -1)
        KINKS.choice(stacked.detach())
        return sign * stacked.max(-1).values
    return layer


def merge(function):
    return lambda _settings, _weights, *inputs: functools.reduce(function, inputs[:-1])


def dot(settings, _weights, a, b, _training):
    first, second = windows.each(settings["axes"], 2)
    if settings.get("normalize"):
        a, b = functional.normalize(a, dim=first), functional.normalize(b, dim=second)
    found = torch.stack([torch.tensordot(row, other, ([first - 1], [second - 1])) for row, other in zip(a, b)])
    return found if found.dim() > 1 else found[:, None]


def weightless(function):
    return (lambda _settings, *_shapes: {}), function


LAYERS = {
    "dense": (dense_weights, dense),
    "conv1d": (conv_weights(1), conv),
    "conv2d": (conv_weights(2), conv),
    "depthwise_conv2d": (depthwise_weights, depthwise),
    "separable_conv2d": (separable_weights, separable),
    "conv2d_transpose": (transpose_weights, transpose),
    "batch_normalization": (lambda s, shape: {**scale_and_center(s, shape), "moving_mean": shape[-1:],
                                              "moving_variance": shape[-1:]}, batch_normalization),
    "layer_normalization": (scale_and_center, layer_normalization),
    "flatten": weightless(lambda _s, _w, x, _t: x.flatten(1)),
    "activation": (activation_weights, lambda s, own, x, _t: activate(x, s, own)),
    "normalization": (lambda _s, shape: {"mean": shape[-1:], "variance": shape[-1:]},
                      lambda _s, own, x, _t: (x - own["mean"]) / own["variance"].sqrt()),
    "reshape": weightless(lambda s, _w, x, _t: x.reshape(len(x), *s["target_shape"])),
    "permute": weightless(lambda s, _w, x, _t: x.permute(0, *s["dims"])),
    "rescaling": weightless(lambda s, _w, x, _t: x * s["scale"] + s.get("offset", 0)),
    "zero_padding2d": weightless(lambda s, _w, x, _t: windows.enlarge(x, s.get("padding", 1))),
    "cropping2d": weightless(lambda s, _w, x, _t: windows.crop(x, s.get("cropping", 0))),
    "up_sampling2d": weightless(lambda s, _w, x, _t: windows.up_sample(s, x)),
    "add": weightless(merge(torch.add)),
    "subtract": weightless(merge(torch.sub)),
    "multiply": weightless(merge(torch.mul)),
    "average": weightless(lambda _s, _w, *inputs: sum(inputs[:-1]) / len(inputs[:-1])),
    "maximum": weightless(extreme(1)),
    "minimum": weightless(extreme(-1)),
    "concatenate": weightless(lambda s, _w, *inputs: torch.cat(inputs[:-1], s.get("axis", -1))),
    "dot": weightless(dot),
    **{word: weightless(function) for word, function in windows.POOLS.items()},
    **recurrent.LAYERS,
}
