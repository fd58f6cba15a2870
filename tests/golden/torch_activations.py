# SPDX-License-Identifier: Apache-2.0
"""Activations in PyTorch: (x, settings)."""
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


def swish(x, settings):
    beta = settings.get("beta", 1)
    return functional.silu(x) if beta == 1 else x * torch.sigmoid(beta * x)


ACTIVATIONS = {
    "linear": lambda x, _: x,
    "relu": kinked(lambda x, _: torch.relu(x), 0),
    "sigmoid": lambda x, _: torch.sigmoid(x),
    "tanh": lambda x, _: torch.tanh(x),
    "softmax": lambda x, _: torch.softmax(x, -1),
    "leaky_relu": kinked(lambda x, s: functional.leaky_relu(x, s.get("alpha", 0.3)), 0),
    "elu": kinked(lambda x, s: functional.elu(x, s.get("alpha", 1)), 0),
    "selu": kinked(lambda x, _: functional.selu(x), 0),
    "gelu": gelu,
    "swish": swish,
    "mish": lambda x, _: functional.mish(x),
    # PyTorch's is x / 6 + 0.5.
    "hard_sigmoid": kinked(lambda x, _: (0.2 * x + 0.5).clamp(0, 1), -2.5, 2.5),
    "softplus": lambda x, _: functional.softplus(x, threshold=1e9),
    "softsign": lambda x, _: functional.softsign(x),
    "exponential": lambda x, _: torch.exp(x),
}


def activate(x, activation):
    """`activation` as a job has it: {word: settings}."""
    word, settings = next(iter(activation.items()))
    return ACTIVATIONS[word](x, settings)
