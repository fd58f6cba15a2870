# SPDX-License-Identifier: Apache-2.0
"""Training speed of jobs here and in PyTorch, in turn on the same machine.

    vs_pytorch.py BIN_DIR [MODEL...] [--rounds 3]

MODEL is one of: seed (dense layers; the seed job), batch_normalization, conv, lstm; all of them where none is named. For each
it prints samples a second of both (PyTorch: the better of 1 and 2 threads) and their ratio, medians of the rounds.
Ours is Job.samples_per_second of a job of deploy/examples, sent through a server; PyTorch (torch_job.py) trains the same
network on the same rows, which lie ready in memory as f32.
"""
import argparse
import dataclasses
import json
import os
import pathlib
import statistics
import subprocess
import sys

ROOT = pathlib.Path(__file__).resolve().parents[2]
sys.path.insert(0, str(ROOT / "tests/support"))
from rig import Server  # noqa: E402


@dataclasses.dataclass
class Model:
    example: str
    epochs: int
    rows: int = 55000  # stored ones to train on, so that an epoch of PyTorch's takes seconds

    @property
    def job(self):
        settings = (f"fit.epochs={self.epochs}", f"data.train.range=[0, {self.rows}]")
        return (ROOT / "deploy/examples" / self.example, *(word for each in settings for word in ("--set", each)))


MODELS = {
    "seed": Model("fashion-a.yaml", epochs=5),
    "batch_normalization": Model("fashion-bn.yaml", epochs=3),
    "conv": Model("fashion-conv.yaml", epochs=3, rows=6400),
    "lstm": Model("fashion-lstm.yaml", epochs=3, rows=12800),
}


def ours(server, model):
    job = server.json("job", "submit", *model.job)
    server.run("job", "wait", job["id"])
    return server.json("job", "show", job["id"])["samples_per_second"]


def pytorch(spec, model, threads):
    # A settled choice of OpenBLAS's kernels that slows it down would flatter us.
    env = {k: v for k, v in os.environ.items() if k not in ("OPENBLAS_CORETYPE", "OPENBLAS_L2_SIZE")}
    done = subprocess.run([sys.executable, ROOT / "tests/bench/torch_job.py", spec, str(threads), str(model.epochs)],
                          capture_output=True, text=True, check=True, env=env)
    return float(done.stdout)


def compare(server, name, rounds):
    model = MODELS[name]
    spec = server.dir / f"{name}.json"
    spec.write_text(json.dumps(server.json("job", "submit", *model.job, "--dry-run")["effective_spec"]))
    here, there = [], []
    for _ in range(rounds):
        here.append(ours(server, model))
        there.append(max(pytorch(spec, model, threads) for threads in (1, 2)))
    a, b = statistics.median(here), statistics.median(there)
    print(f"{name} ({model.example})")
    print(f"  gradus  {a:10.0f} samples/s   {[round(v) for v in here]}")
    print(f"  pytorch {b:10.0f} samples/s   {[round(v) for v in there]}")
    print(f"  ratio   {a / b:10.2f}   (each round: {[round(x / y, 2) for x, y in zip(here, there)]})", flush=True)


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("bin_dir")
    parser.add_argument("models", metavar="MODEL", nargs="*")
    parser.add_argument("--rounds", type=int, default=3)
    args = parser.parse_args()
    for unknown in set(args.models) - set(MODELS):
        parser.error(f"{unknown} is none of {', '.join(MODELS)}")
    with Server(args.bin_dir) as server:
        server.push_fashion()
        for name in args.models or MODELS:
            compare(server, name, args.rounds)


if __name__ == "__main__":
    main()
