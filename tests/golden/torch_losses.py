# SPDX-License-Identifier: Apache-2.0
"""Losses in PyTorch, as Gradus defines them, and targets for them."""
import numpy
from torch.nn import functional

LEAST = 1e-7  # probabilities are cut to [LEAST, 1 - LEAST]
SPARSE, CATEGORICAL = "sparse_categorical_crossentropy", "categorical_crossentropy"
BINARY, SQUARED = "binary_crossentropy", "mean_squared_error"


def cut(p):
    return p.clamp(LEAST, 1 - LEAST)


def log_probabilities(p, from_logits):
    return functional.log_softmax(p, -1) if from_logits else cut(p).log()


def binary(p, y, logits):
    if logits:
        return functional.binary_cross_entropy_with_logits(p, y, reduction="none").mean(-1)
    return functional.binary_cross_entropy(cut(p), y, reduction="none").mean(-1)


# Losses of each row: (prediction, target, from_logits).
LOSSES = {
    SPARSE: lambda p, y, logits: functional.nll_loss(log_probabilities(p, logits), y.long(), reduction="none"),
    CATEGORICAL: lambda p, y, logits: -(y * log_probabilities(p, logits)).sum(-1),
    BINARY: binary,
    SQUARED: lambda p, y, logits: functional.mse_loss(p.flatten(1), y.flatten(1), reduction="none").mean(-1),
}


def targets(loss, rows, shape, random):
    """Of this loss, for outputs of this shape."""
    if loss == SPARSE:
        return random.integers(0, shape[-1], rows).astype(numpy.int32)
    if loss == CATEGORICAL:
        return random.dirichlet(numpy.ones(shape[-1]), rows).astype(numpy.float32)
    if loss == BINARY:
        return random.integers(0, 2, (rows, *shape)).astype(numpy.float32)
    return random.normal(0, 1, (rows, *shape)).astype(numpy.float32)
