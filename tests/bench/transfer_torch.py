# SPDX-License-Identifier: Apache-2.0
"""The transfer experiment of deploy/examples in PyTorch: fashion-a, fashion-b and fashion-b-on-a, on one thread.

    transfer_torch.py [--seeds 0-19] [--starts DIR] > FILE.json

Prints the test accuracies, their means and standard errors in the form of `transfer-report --json`;
`transfer-report --pytorch FILE.json` sets them beside those of a server. Rows, start values' distributions, batches and
rates are the jobs'; the draws are PyTorch's own, but for start weights that `transfer-report --starts DIR` has fetched.
"""
import argparse
import json
import math
import pathlib
import runpy
import sys

import torch

ROOT = pathlib.Path(__file__).resolve().parents[2]
sys.path.insert(0, str(ROOT / "tests/support"))
from fashion import rows_of  # noqa: E402
from rig import read_safetensors  # noqa: E402

SCALE = 0.00392156862745098
A = {"labels": [1, 3, 4, 5, 6, 7, 8, 9], "scale": SCALE}
B = {"labels": [2, 0], "scale": SCALE}
RATE = 0.001
BATCH = 32
# Standard deviation of a standard normal that is cut at two standard deviations.
CUT_DEVIATION = 0.87962566103423978


def rows(view):
    x, y = rows_of(view)
    return torch.tensor(x.reshape(len(x), -1)), torch.tensor(y)


def hidden_layers():
    layers = []
    for inputs in (784, 100, 100):
        layer = torch.nn.Linear(inputs, 100)
        # he_normal: the cut normal is widened, so that its variance is 2 / fan_in.
        deviation = math.sqrt(2 / inputs) / CUT_DEVIATION
        torch.nn.init.trunc_normal_(layer.weight, std=deviation, a=-2 * deviation, b=2 * deviation)
        torch.nn.init.zeros_(layer.bias)
        layers += [layer, torch.nn.ReLU()]
    return torch.nn.Sequential(*layers)


def last_layer(units):
    layer = torch.nn.Linear(100, units)
    torch.nn.init.xavier_uniform_(layer.weight)
    torch.nn.init.zeros_(layer.bias)
    return layer


def loss_of(logits, y):
    if logits.shape[1] == 1:
        return torch.nn.functional.binary_cross_entropy_with_logits(logits[:, 0], y.float())
    return torch.nn.functional.cross_entropy(logits, y)


def train(net, x, y, epochs):
    parameters = [p for p in net.parameters() if p.requires_grad]
    optimizer = torch.optim.SGD(parameters, lr=RATE)
    for _ in range(epochs):
        for batch in torch.randperm(len(x)).split(BATCH):
            optimizer.zero_grad(set_to_none=True)
            loss_of(net(x[batch]), y[batch]).backward()
            optimizer.step()


def accuracy(net, x, y):
    with torch.no_grad():
        logits = net(x)
    found = (logits[:, 0] > 0).long() if logits.shape[1] == 1 else logits.argmax(1)
    return (found == y).double().mean().item()


def load(net, folder):
    """Start weights of a Gradus job; a dense kernel is (inputs, units) there."""
    tensors = read_safetensors(folder / "weights.safetensors")
    layers = [layer for layer in net.modules() if isinstance(layer, torch.nn.Linear)]
    with torch.no_grad():
        for layer, name in zip(layers, ("dense", "dense_1", "dense_2", "dense_3")):
            layer.weight.copy_(torch.tensor(tensors[f"{name}/kernel"].T.copy()))
            layer.bias.copy_(torch.tensor(tensors[f"{name}/bias"].copy()))


def from_scratch(seed, units, train_rows, test_rows, start):
    torch.manual_seed(seed)
    net = torch.nn.Sequential(hidden_layers(), last_layer(units))
    if start:
        load(net, start)
    train(net, *train_rows, 20)
    return net, accuracy(net, *test_rows)


def on_base(seed, base, train_rows, test_rows, start):
    torch.manual_seed(seed)
    hidden = hidden_layers()
    net = torch.nn.Sequential(hidden, last_layer(1))
    if start:
        load(net, start)
    hidden.load_state_dict(base.state_dict())
    hidden.requires_grad_(False)
    train(net, *train_rows, 4)
    hidden.requires_grad_(True)
    train(net, *train_rows, 16)
    return accuracy(net, *test_rows)


def main():
    report = runpy.run_path(str(ROOT / "deploy/examples/transfer-report"))
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--seeds", type=report["seeds"], default="0-19")
    parser.add_argument("--starts", metavar="DIR", type=pathlib.Path)
    args = parser.parse_args()
    torch.set_num_threads(1)
    first = {"split": "train", "range": [0, 55000]}
    train_a, train_b = rows({**A, **first}), rows({**B, **first, "take": 200})
    test_a, test_b = (rows({**view, "split": "test"}) for view in (A, B))
    found = {name: {} for name in report["EXPERIMENTS"]}
    for seed in args.seeds:
        start = {name: args.starts and args.starts / f"{name}-{seed}" for name in found}
        net, found["fashion-a"][seed] = from_scratch(seed, 8, train_a, test_a, start["fashion-a"])
        _, found["fashion-b"][seed] = from_scratch(seed, 1, train_b, test_b, start["fashion-b"])
        found["fashion-b-on-a"][seed] = on_base(seed, net[0], train_b, test_b, start["fashion-b-on-a"])
        print(f"seed {seed}:", *(f"{name} {values[seed]:.4f}" for name, values in found.items()), file=sys.stderr, flush=True)
    figures = report["figures"](found)
    for figure in (*figures["experiments"].values(), figures["gain"]):
        figure["paired"] = args.starts is not None
    print(json.dumps(figures))


if __name__ == "__main__":
    main()
