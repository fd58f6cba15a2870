# SPDX-License-Identifier: Apache-2.0
"""One epoch of the seed network in PyTorch, rows in stored order, from given start weights.

    seed_epoch.py START.safetensors END.safetensors    prints the largest difference between END and PyTorch's weights
    seed_epoch.py START.safetensors --write FILE.npz   writes PyTorch's weights

START comes from a job with `fit.epochs: 0`, END from the same job with `fit.epochs: 1`, both with
`fit.shuffle: false` and the same seed, otherwise deploy/examples/fashion-a.yaml.
"""
import pathlib
import sys

import numpy
import torch

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1] / "support"))
from fashion import rows_of  # noqa: E402
from rig import read_safetensors  # noqa: E402

LAYERS = ["dense", "dense_1", "dense_2", "dense_3"]
LEAST_MOVE = 1e-2


def training_rows():
    x, y = rows_of({"range": [0, 55000], "labels": [1, 3, 4, 5, 6, 7, 8, 9], "scale": 0.00392156862745098})
    return torch.tensor(x.reshape(-1, 784)), torch.tensor(y)


def network(start):
    layers = []
    for name in LAYERS:
        kernel = start[f"{name}/kernel"]
        linear = torch.nn.Linear(*kernel.shape)
        linear.weight.data = torch.tensor(kernel.T.copy())
        linear.bias.data = torch.tensor(start[f"{name}/bias"].copy())
        layers += [linear, torch.nn.ReLU()]
    return torch.nn.Sequential(*layers[:-1])


def train_one_epoch(start):
    x, y = training_rows()
    net = network(start)
    optimizer = torch.optim.SGD(net.parameters(), lr=0.001)
    loss = torch.nn.CrossEntropyLoss()
    for first in range(0, len(x), 32):
        optimizer.zero_grad()
        loss(net(x[first:first + 32]), y[first:first + 32]).backward()
        optimizer.step()
    out = {}
    for name, linear in zip(LAYERS, net[::2]):
        out[f"{name}/kernel"] = linear.weight.detach().numpy().T
        out[f"{name}/bias"] = linear.bias.detach().numpy()
    return out


def main():
    torch.set_num_threads(1)
    start = read_safetensors(sys.argv[1])
    expected = train_one_epoch(start)
    if sys.argv[2] == "--write":
        numpy.savez(sys.argv[3], **expected)
        return
    found = read_safetensors(sys.argv[2])
    worst = moved = 0.0
    for name, value in expected.items():
        assert found[name].shape == value.shape, name
        worst = max(worst, float(abs(found[name] - value).max()))
        moved = max(moved, float(abs(value - start[name]).max()))
    assert moved > LEAST_MOVE, "the epoch did not train"
    print(worst)


if __name__ == "__main__":
    main()
