# SPDX-License-Identifier: Apache-2.0
"""Training speed of the seed job, here and in PyTorch, in turn on the same machine.

    seed_vs_pytorch.py BIN_DIR [--rounds 3] [--epochs 5]

Prints samples a second of both (PyTorch: the better of 1 and 2 threads) and their ratio, medians of the rounds.
Ours is Job.samples_per_second of deploy/examples/fashion-a.yaml, sent through a server; PyTorch trains the same network
on rows that lie ready in memory as f32.
"""
import argparse
import os
import pathlib
import statistics
import subprocess
import sys

ROOT = pathlib.Path(__file__).resolve().parents[2]
sys.path.insert(0, str(ROOT / "tests/support"))
from rig import Server  # noqa: E402

TORCH = """
import sys, time
import torch
threads, epochs, rows = int(sys.argv[1]), int(sys.argv[2]), 44000
torch.set_num_threads(threads)
torch.manual_seed(0)
sizes = [784, 100, 100, 100, 8]
layers = []
for a, b in zip(sizes, sizes[1:]):
    layers += [torch.nn.Linear(a, b), torch.nn.ReLU()]
net = torch.nn.Sequential(*layers[:-1])
x, y = torch.rand(rows, 784), torch.randint(0, 8, (rows,))
optimizer, loss = torch.optim.SGD(net.parameters(), lr=0.001), torch.nn.CrossEntropyLoss()
best = 0
for epoch in range(epochs):
    start, order = time.perf_counter(), torch.randperm(rows)
    for first in range(0, rows, 32):
        rows_of_batch = order[first:first + 32]
        optimizer.zero_grad()
        loss(net(x[rows_of_batch]), y[rows_of_batch]).backward()
        optimizer.step()
    best = max(best, rows / (time.perf_counter() - start))
print(best)
"""


def pytorch(threads, epochs):
    # A settled choice of OpenBLAS's kernels that slows it down would flatter us.
    env = {k: v for k, v in os.environ.items() if k not in ("OPENBLAS_CORETYPE", "OPENBLAS_L2_SIZE")}
    done = subprocess.run([sys.executable, "-c", TORCH, str(threads), str(epochs)],
                          capture_output=True, text=True, check=True, env=env)
    return float(done.stdout)


def ours(server, epochs):
    job = server.json("job", "submit", ROOT / "deploy/examples/fashion-a.yaml", "--set", f"fit.epochs={epochs}")
    server.run("job", "wait", job["id"])
    return server.json("job", "show", job["id"])["samples_per_second"]


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("bin_dir")
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--epochs", type=int, default=5)
    args = parser.parse_args()
    here, there = [], []
    with Server(args.bin_dir) as server:
        server.push_fashion()
        for _ in range(args.rounds):
            here.append(ours(server, args.epochs))
            there.append(max(pytorch(1, args.epochs), pytorch(2, args.epochs)))
    a, b = statistics.median(here), statistics.median(there)
    print(f"gradus  {a:10.0f} samples/s   {[round(v) for v in here]}")
    print(f"pytorch {b:10.0f} samples/s   {[round(v) for v in there]}")
    print(f"ratio   {a / b:10.2f}   (each round: {[round(x / y, 2) for x, y in zip(here, there)]})")


if __name__ == "__main__":
    main()
