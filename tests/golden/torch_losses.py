# SPDX-License-Identifier: Apache-2.0
"""Losses in PyTorch, as Gradus defines them, and targets for them."""
import math

import numpy
from torch.nn import functional

from kinks import KINKS

LEAST = 1e-7  # probabilities are cut to [LEAST, 1 - LEAST]
SPARSE, CATEGORICAL = "sparse_categorical_crossentropy", "categorical_crossentropy"
BINARY, SQUARED = "binary_crossentropy", "mean_squared_error"


def cut(p):
    return p.clamp(LEAST, 1 - LEAST)


def log_probabilities(p, settings):
    return functional.log_softmax(p, -1) if settings.get("from_logits") else cut(p).log()


def mean(function):
    """Of a function of each output; a row's loss is their mean."""
    return lambda p, y, settings: function(p.flatten(1), y.flatten(1), settings).mean(-1)


def near(values, *points):
    for point in points:
        KINKS.near(values.detach(), point)
    return values


def cross(p, y, settings):
    if settings.get("from_logits"):
        return functional.binary_cross_entropy_with_logits(p, y, reduction="none")
    return functional.binary_cross_entropy(cut(p), y, reduction="none")


def binary(p, y, settings):
    smoothing = settings.get("label_smoothing", 0)
    return cross(p, (1 - smoothing) * y + smoothing / 2, settings)


def categorical(p, y, settings):
    smoothing = settings.get("label_smoothing", 0)
    return -(((1 - smoothing) * y + smoothing / y.shape[-1]) * log_probabilities(p, settings)).sum(-1)


def focal(p, y, settings):
    """Of targets 0 and 1: how sure it is of what is right makes it lighter."""
    right = p.sigmoid() if settings.get("from_logits") else cut(p)
    right = y * right + (1 - y) * (1 - right)
    alpha = settings.get("alpha", 0.25)
    return (y * alpha + (1 - y) * (1 - alpha)) * (1 - right) ** settings.get("gamma", 2) * cross(p, y, settings)


def huber(p, y, settings):
    delta = settings.get("delta", 1)
    return functional.huber_loss(near(p - y, -delta, delta) + y, y, reduction="none", delta=delta)


def hinge(p, y, _settings):
    return near(1 - (y + (y == 0) * -1) * p, 0).clamp(min=0)


def log_cosh(p, y, _settings):
    distance = (p - y).abs()
    return distance + functional.softplus(-2 * distance) - math.log(2)


def contrastive(p, y, settings):
    p, y = p.flatten(), y.flatten()
    return y * p ** 2 + (1 - y) * near(settings.get("margin", 1) - p, 0).clamp(min=0) ** 2


def triplet(p, _y, settings):
    anchor, positive, negative = p.chunk(3, -1)
    more = ((anchor - positive) ** 2).sum(-1) - ((anchor - negative) ** 2).sum(-1)
    return near(more + settings.get("margin", 0.2), 0).clamp(min=0)


# Losses of each row: (prediction, target, settings).
LOSSES = {
    SPARSE: lambda p, y, s: functional.nll_loss(log_probabilities(p, s), y.long(), reduction="none"),
    CATEGORICAL: categorical,
    BINARY: mean(binary),
    SQUARED: mean(lambda p, y, _: functional.mse_loss(p, y, reduction="none")),
    "mean_absolute_error": mean(lambda p, y, _: functional.l1_loss(near(p - y, 0) + y, y, reduction="none")),
    "mean_absolute_percentage_error": mean(lambda p, y, _: 100 * near(p - y, 0).abs() / y.abs().clamp(min=LEAST)),
    "mean_squared_logarithmic_error": mean(lambda p, y, _: (near(p, LEAST).clamp(min=LEAST).log1p()
                                                            - y.clamp(min=LEAST).log1p()) ** 2),
    "huber": mean(huber),
    "log_cosh": mean(log_cosh),
    "hinge": mean(hinge),
    "squared_hinge": mean(lambda p, y, s: hinge(p, y, s) ** 2),
    "kl_divergence": lambda p, y, _: functional.kl_div(cut(p).log(), y, reduction="none").sum(-1),
    "poisson": mean(lambda p, y, _: functional.poisson_nll_loss(p, y, log_input=False, eps=LEAST, reduction="none")),
    "cosine_similarity": lambda p, y, _: -functional.cosine_similarity(p, y, eps=1e-6),
    "focal": mean(focal),
    "contrastive": contrastive,
    "triplet": triplet,
}


def numbers(rows, shape, random):
    return random.normal(0, 1, (rows, *shape))


def zeros_and_ones(rows, shape, random):
    return random.integers(0, 2, (rows, *shape))


def distributions(rows, shape, random):
    return random.dirichlet(numpy.ones(shape[-1]), rows)


# Where they are not any numbers.
TARGETS = {
    CATEGORICAL: distributions, "kl_divergence": distributions,
    BINARY: zeros_and_ones, "focal": zeros_and_ones, "contrastive": zeros_and_ones,
    "hinge": lambda rows, shape, random: random.integers(-1, 2, (rows, *shape)),
    "squared_hinge": lambda rows, shape, random: random.integers(-1, 2, (rows, *shape)),
    "poisson": lambda rows, shape, random: random.poisson(2, (rows, *shape)),
    "mean_squared_logarithmic_error": lambda rows, shape, random: random.gamma(1, 1, (rows, *shape)),
    "triplet": lambda rows, shape, random: numbers(rows, (1,), random),
}


def targets(loss, rows, shape, random):
    """Of this loss, for outputs of this shape."""
    if loss == SPARSE:
        return random.integers(0, shape[-1], rows).astype(numpy.int32)
    return TARGETS.get(loss, numbers)(rows, shape, random).astype(numpy.float32)
