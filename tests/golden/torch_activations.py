# SPDX-License-Identifier: Apache-2.0
"""Activations in PyTorch: (x, settings); of those with weights: (x, settings, weights)."""
import torch
from torch.nn import functional

from kinks import KINKS


def kinked(function, *points):
    def watched(x, settings):
        for point in points:
            KINKS.near(x.detach(), point)
        return function(x, settings)
    return watched


def gelu(x, settings):
    return functional.gelu(x, approximate="tanh" if settings.get("approximate") else "none")


def swish(x, settings, weights):
    if settings.get("trainable"):
        return x * torch.sigmoid(weights["beta"] * x)
    beta = settings.get("beta", 1)
    return functional.silu(x) if beta == 1 else x * torch.sigmoid(beta * x)


def relu(x, settings):
    threshold, most = settings.get("threshold", 0), settings.get("max_value", float("inf"))
    for point in (threshold, most):
        KINKS.near(x.detach(), point)
    return torch.where(x >= threshold, torch.relu(x).clamp(max=most), settings.get("negative_slope", 0) * (x - threshold))


def prelu(x, _settings, weights):
    KINKS.near(x.detach(), 0)
    return torch.where(x < 0, weights["alpha"] * x, x)


ACTIVATIONS = {
    "linear": lambda x, _: x,
    "relu": relu,
    "sigmoid": lambda x, _: torch.sigmoid(x),
    "tanh": lambda x, _: torch.tanh(x),
    "softmax": lambda x, _: torch.softmax(x, -1),
    "leaky_relu": kinked(lambda x, s: functional.leaky_relu(x, s.get("alpha", 0.3)), 0),
    "elu": kinked(lambda x, s: functional.elu(x, s.get("alpha", 1)), 0),
    "selu": kinked(lambda x, _: functional.selu(x), 0),
    "gelu": gelu,
    "mish": lambda x, _: functional.mish(x),
    # PyTorch's is x / 6 + 0.5.
    "hard_sigmoid": kinked(lambda x, _: (0.2 * x + 0.5).clamp(0, 1), -2.5, 2.5),
    "softplus": lambda x, _: functional.softplus(x, threshold=1e9),
    "softsign": lambda x, _: functional.softsign(x),
    "exponential": lambda x, _: torch.exp(x),
}
WEIGHTED = {
    "swish": (lambda settings, _shape: {"beta": (1,)} if settings.get("trainable") else {}, swish),
    "prelu": (lambda _settings, shape: {"alpha": shape}, prelu),
}


def activation_weights(activation, shape):
    """Shapes by name; `activation` as a job has it: {word: settings}."""
    word, settings = next(iter(activation.items()))
    return WEIGHTED[word][0](settings, shape) if word in WEIGHTED else {}


def activate(x, activation, weights):
    word, settings = next(iter(activation.items()))
    return WEIGHTED[word][1](x, settings, weights) if word in WEIGHTED else ACTIVATIONS[word](x, settings)
