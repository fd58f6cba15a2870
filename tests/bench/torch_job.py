# SPDX-License-Identifier: Apache-2.0
"""Trains a job in PyTorch, as one would write it there, and prints the samples a second of its best epoch.

    torch_job.py SPEC.json THREADS EPOCHS

SPEC is the effective JobSpec in JSON. Layers, rows, batch size and optimizer are the job's; start values are PyTorch's, and the
rows lie ready in memory as f32.
"""
import argparse
import json
import pathlib
import sys
import time

import torch

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1] / "support"))
from fashion import rows_of  # noqa: E402


class ChannelsFirst(torch.nn.Module):
    def __init__(self, shape):
        super().__init__()
        self.shape = shape

    def forward(self, x):
        return x.view(-1, *self.shape).permute(0, 3, 1, 2).contiguous()


class LastStep(torch.nn.LSTM):
    def forward(self, x):
        return super().forward(x)[0][:, -1]


def dense(settings, shape):
    return torch.nn.Linear(shape[-1], int(settings["units"]))


def batch_normalization(settings, shape):
    # A share of the old here, of the new there.
    kind = torch.nn.BatchNorm2d if len(shape) == 3 else torch.nn.BatchNorm1d
    return kind(shape[0], eps=settings["epsilon"], momentum=1 - settings["momentum"])


def conv2d(settings, shape):
    return torch.nn.Conv2d(shape[0], int(settings["filters"]), [int(n) for n in settings["kernel_size"]])


# (settings, shape of a row as PyTorch has it) -> module.
LAYERS = {
    "flatten": lambda settings, shape: torch.nn.Flatten(),
    "reshape": lambda settings, shape: ChannelsFirst([int(n) for n in settings["target_shape"]]),
    "dense": dense,
    "batch_normalization": batch_normalization,
    "conv2d": conv2d,
    "max_pooling2d": lambda settings, shape: torch.nn.MaxPool2d([int(n) for n in settings["pool_size"]]),
    "dropout": lambda settings, shape: torch.nn.Dropout(settings["rate"], inplace=True),
    "lstm": lambda settings, shape: LastStep(shape[-1], int(settings["units"]), batch_first=True),
}


def network(model):
    x = torch.zeros(2, *map(int, model["input_shape"]))
    modules = []
    for layer in model["layers"]:
        word = next(key for key in layer if key in LAYERS)
        settings = layer[word]
        added = [LAYERS[word](settings, tuple(x.shape[1:]))]
        if word in ("dense", "conv2d") and "relu" in settings["activation"]:
            added.append(torch.nn.ReLU(inplace=True))
        for module in added:
            x = module(x)
        modules += added
    return torch.nn.Sequential(*modules)  # the last softmax is the loss's


def optimizer(spec, parameters):
    (word, settings), = spec.items()
    if word == "sgd":
        return torch.optim.SGD(parameters, settings["learning_rate"], momentum=settings["momentum"])
    if word == "adam":
        return torch.optim.Adam(parameters, settings["learning_rate"], eps=settings["epsilon"])
    raise ValueError(f"no {word} here")


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("spec")
    parser.add_argument("threads", type=int)
    parser.add_argument("epochs", type=int)
    args = parser.parse_args()
    spec = json.loads(pathlib.Path(args.spec).read_text())
    torch.set_num_threads(args.threads)
    torch.manual_seed(0)
    x, y = map(torch.tensor, rows_of(spec["data"]["train"]))
    net, size = network(spec["model"]), int(spec["fit"]["batch_size"])
    net = net.to(memory_format=torch.channels_last)  # the faster one for convolutions, and nothing to the others
    update, loss = optimizer(spec["optimizer"], net.parameters()), torch.nn.CrossEntropyLoss()
    best = 0
    for _ in range(args.epochs):
        start, order = time.perf_counter(), torch.randperm(len(x))
        for first in range(0, len(x), size):
            rows = order[first:first + size]
            update.zero_grad()
            loss(net(x[rows]), y[rows]).backward()
            update.step()
        best = max(best, len(x) / (time.perf_counter() - start))
    print(best)


if __name__ == "__main__":
    main()
