# SPDX-License-Identifier: Apache-2.0
"""Convolutions, pools and edges in PyTorch, on tensors whose last axis are the channels."""
import torch
from torch.nn import functional

from kinks import KINKS

CONVOLVE = {1: functional.conv1d, 2: functional.conv2d}


def each(value, count):
    """One number for each axis, or as many as there are axes."""
    value = value if isinstance(value, list) else [value]
    return tuple(value) * count if len(value) == 1 else tuple(value)


def channels_first(x):
    return x.movedim(-1, 1)


def channels_last(x):
    return x.movedim(1, -1)


def padding(settings, sizes, kernel):
    """(before, after) for each axis."""
    word = settings.get("padding", "VALID")
    strides, rates = each(settings.get("strides", 1), len(sizes)), each(settings.get("dilation_rate", 1), len(sizes))
    for size, length, stride, rate in zip(sizes, kernel, strides, rates):
        reach = (length - 1) * rate
        total = max((-(-size // stride) - 1) * stride + reach + 1 - size, 0)
        yield {"VALID": (0, 0), "SAME": (total // 2, total - total // 2), "CAUSAL": (reach, 0)}[word]


def pad(x, edges, value=0.0):
    """x with channels first; PyTorch wants the last axis's edges first."""
    return functional.pad(x, [width for edge in reversed(list(edges)) for width in edge], value=value)


def convolve(settings, kernel, x, groups=None):
    x, dimensions = channels_first(x), kernel.dim() - 2
    x = pad(x, padding(settings, x.shape[2:], kernel.shape[:-2]))
    y = CONVOLVE[dimensions](x, kernel.movedim((-1, -2), (0, 1)), stride=each(settings.get("strides", 1), dimensions),
                             dilation=each(settings.get("dilation_rate", 1), dimensions),
                             groups=groups or settings.get("groups", 1))
    return channels_last(y)


def convolve_channels(settings, kernel, x):
    *sizes, channels, multiplier = kernel.shape
    return convolve(settings, kernel.reshape(*sizes, 1, channels * multiplier), x, groups=channels)


def convolve_back(settings, kernel, x):
    strides, rates = each(settings.get("strides", 1), 2), each(settings.get("dilation_rate", 1), 2)
    y = functional.conv_transpose2d(channels_first(x), kernel.movedim((-1, -2), (0, 1)), stride=strides, dilation=rates)
    if settings.get("padding", "VALID") == "SAME":
        for axis, stride in enumerate(strides):
            size = x.shape[1 + axis] * stride
            y = y.narrow(2 + axis, (y.shape[2 + axis] - size) // 2, size)
    return channels_last(y)


def view_windows(settings, x, dimensions, value):
    """The windows of a pool, flat, as the last axis; channels first."""
    sizes = each(settings.get("pool_size", 2), dimensions)
    strides = each(settings.get("strides", list(sizes)), dimensions)
    x = channels_first(x)
    x = pad(x, padding({**settings, "strides": list(strides)}, x.shape[2:], sizes), value)
    for axis, (size, stride) in enumerate(zip(sizes, strides)):
        x = x.unfold(2 + axis, size, stride)
    return x.flatten(-dimensions)


def max_pool(dimensions):
    def layer(settings, _weights, x, _training):
        seen = view_windows(settings, x, dimensions, -float("inf"))
        KINKS.choice(seen.detach())
        return channels_last(seen.max(-1).values)
    return layer


def average_pool(dimensions):
    def layer(settings, _weights, x, _training):
        sums = view_windows(settings, x, dimensions, 0).sum(-1)
        return channels_last(sums / view_windows(settings, torch.ones_like(x), dimensions, 0).sum(-1))
    return layer


def global_pool(function):
    def layer(settings, _weights, x, _training):
        y = function(channels_first(x).flatten(2))
        return y.reshape(len(x), *[1] * (x.dim() - 2), -1) if settings.get("keepdims") else y
    return layer


def largest(values):
    KINKS.choice(values.detach())
    return values.max(-1).values


POOLS = {
    "max_pooling1d": max_pool(1), "max_pooling2d": max_pool(2),
    "average_pooling1d": average_pool(1), "average_pooling2d": average_pool(2),
    "global_max_pooling1d": global_pool(largest), "global_max_pooling2d": global_pool(largest),
    "global_average_pooling1d": global_pool(lambda x: x.mean(-1)), "global_average_pooling2d": global_pool(lambda x: x.mean(-1)),
}


def edges(widths):
    """Of height and width: one number, one an axis, or all four."""
    if isinstance(widths, list) and len(widths) == 4:
        return [tuple(widths[:2]), tuple(widths[2:])]
    return [(width, width) for width in each(widths, 2)]


def enlarge(x, widths):
    return channels_last(pad(channels_first(x), edges(widths)))


def crop(x, widths):
    return channels_last(pad(channels_first(x), [(-before, -after) for before, after in edges(widths)]))


def up_sample(settings, x):
    mode = settings.get("interpolation", "NEAREST").lower()
    exact = {"align_corners": False} if mode == "bilinear" else {}
    return channels_last(functional.interpolate(channels_first(x), scale_factor=each(settings.get("size", 2), 2), mode=mode,
                                                **exact))
