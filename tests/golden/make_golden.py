# SPDX-License-Identifier: Apache-2.0
"""Golden values out of PyTorch: small networks, trained for ten steps in double precision.

    make_golden.py FOLDER           writes FOLDER/NAME.safetensors for each of golden_cases.py
    make_golden.py --check FOLDER   tells whether the files there are what PyTorch gives; exit status 1 if not

golden_test.cc says what is in a file. Where PyTorch means another formula than Keras, Keras's is written out.
"""
import itertools
import json
import pathlib
import sys

import numpy
import torch

import golden_coverage
import kinks
from golden_cases import CASES
from golden_file import file_of, read
from torch_losses import LOSSES, targets
from torch_network import Network
from torch_optimizers import Optimizer, differences_to_torch

ROWS = 12
BATCHES = [(0, 6), (6, 6), (3, 1), (2, 6), (5, 3), (6, 6), (1, 6), (4, 6), (7, 5), (0, 6)]
AGREEMENT = 1e-6
# Of a tensor's largest magnitude: nothing may come nearer to where a rounded run would go another way.
LEAST_MARGIN = 1e-5
MOST_BYTES, MOST_BYTES_TOGETHER = 20000, 400000


def single(value):
    return value.detach().numpy().astype(numpy.float32)


def inputs(first, shape, random):
    """Whole numbers where they name rows of a table."""
    size = (ROWS, *shape)
    numbers = random.integers(0, first["embedding"]["input_dim"], size) if "embedding" in first else random.normal(0, 1, size)
    return numbers.astype(numpy.float32)


class Run:
    """One case, trained on random rows."""

    def __init__(self, random, shape, layers, loss, loss_settings, optimizer, settings):
        self.network = Network(shape, layers, random)
        self.x = inputs(layers[0], shape, random)
        self.y = targets(loss, ROWS, self.network.output_shape, random)
        self.job = {"model": {"input_shape": shape, "layers": layers}, "loss": {loss: loss_settings},
                    "optimizer": {optimizer: settings}}
        self.losses = lambda p, y: LOSSES[loss](p, y, loss_settings)
        self.optimizer = Optimizer(optimizer, settings, [value for _, value in self.network.trained()])

    def forward(self, first, count, training):
        rows = slice(first, first + count)
        prediction = self.network(torch.tensor(self.x[rows]).double(), training)
        return prediction, self.losses(prediction, torch.tensor(self.y[rows]).double())

    def tensors(self):
        found = {"x": self.x, "y": self.y, "batches": numpy.array(BATCHES, numpy.int32)}
        found.update({f"start/{name}": single(value) for name, value in self.network.named()})
        prediction, losses = self.forward(0, ROWS, False)
        found["forward"], found["losses"] = single(prediction), single(losses)
        names = [name for name, _ in self.network.trained()]
        sums = []
        for step, batch in enumerate(BATCHES):
            losses = self.forward(*batch, True)[1]
            sums.append(losses.sum().item())
            gradients = torch.autograd.grad(losses.mean(), self.optimizer.weights)
            if step == 0:
                found.update({f"gradient/{name}": single(value) for name, value in zip(names, gradients)})
            self.optimizer.step(gradients)
        found["loss"] = numpy.array(sums, numpy.float32)
        found.update({f"end/{name}": single(value) for name, value in self.network.named()})
        return found


def run(name, case):
    """The first random rows and weights that keep away from kinks."""
    for attempt in itertools.count():
        kinks.watch()
        random = numpy.random.default_rng([*name.encode(), attempt])
        ran = Run(random, *case)
        tensors = ran.tensors()
        assert all(numpy.isfinite(value).all() for value in tensors.values()), f"{name} does not train"
        if kinks.KINKS.margin > LEAST_MARGIN:
            return {"job": json.dumps(ran.job, separators=(",", ":"))}, tensors


def differences(folder):
    yield from differences_to_torch()
    yield from golden_coverage.differences([[layers, {loss: {}}, {optimizer: {}}]
                                            for _, layers, loss, _, optimizer, _ in CASES.values()])
    files = list(folder.glob("*.safetensors"))
    if sum(path.stat().st_size for path in files) > MOST_BYTES_TOGETHER:
        yield "the files are too large together"
    for path in files:
        if path.stem not in CASES:
            yield f"{path.name} is no case"
        if path.stat().st_size > MOST_BYTES:
            yield f"{path.name} is too large"
    for name, case in CASES.items():
        path = folder / f"{name}.safetensors"
        if not path.exists():
            yield f"{path.name} is missing"
            continue
        metadata, tensors = run(name, case)
        found_metadata, found = read(path)
        if metadata != found_metadata or tensors.keys() != found.keys():
            yield f"{path.name} is of another case"
            continue
        for tensor, value in tensors.items():
            if value.shape != found[tensor].shape or not abs(value - found[tensor]).max() <= AGREEMENT * abs(value).max():
                yield f"{path.name}: {tensor} differs"


def main(*arguments):
    torch.set_num_threads(1)
    folder = pathlib.Path(arguments[-1])
    if arguments[0] == "--check":
        found = list(differences(folder))
        print("\n".join(found) or f"{len(CASES)} files are what PyTorch {torch.__version__} gives")
        return 1 if found else 0
    for name, case in CASES.items():
        (folder / f"{name}.safetensors").write_bytes(file_of(*run(name, case)))
    return 0


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:]))
