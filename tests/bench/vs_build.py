# SPDX-License-Identifier: Apache-2.0
"""Training speed of jobs in two builds of Gradus, in turn on the same machine.

    vs_build.py BIN_DIR OTHER_BIN_DIR [MODEL...] [--rounds 14] [--epochs 60]

MODEL is one of vs_pytorch.py's: seed where none is named. For each it prints samples a second in both builds and the ratio of
the first to the other: the median of the rounds' ratios. Which one comes first alternates. Runs of a second scatter by a
fifth on a busy machine: compare long ones.
"""
import argparse
import dataclasses
import statistics

from vs_pytorch import MODELS, Server, ours


def compare(servers, name, rounds, epochs):
    model = dataclasses.replace(MODELS[name], epochs=epochs)
    rates = []
    for i in range(rounds):
        turn = [0, 1] if i % 2 == 0 else [1, 0]
        taken = {which: ours(servers[which], model) for which in turn}
        rates.append((taken[0], taken[1]))
    print(f"{name} ({model.example})")
    for label, of_build in zip(("first", "other"), zip(*rates)):
        print(f"  {label}  {statistics.median(of_build):10.0f} samples/s   {[round(v) for v in of_build]}")
    ratios = [a / b for a, b in rates]
    print(f"  ratio  {statistics.median(ratios):10.2f}   (each round: {[round(r, 2) for r in ratios]})", flush=True)


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("bin_dir")
    parser.add_argument("other_bin_dir")
    parser.add_argument("models", metavar="MODEL", nargs="*", default=["seed"])
    parser.add_argument("--rounds", type=int, default=14)
    parser.add_argument("--epochs", type=int, default=60)
    args = parser.parse_args()
    for unknown in set(args.models) - set(MODELS):
        parser.error(f"{unknown} is none of {', '.join(MODELS)}")
    with Server(args.bin_dir) as first, Server(args.other_bin_dir) as other:
        for server in (first, other):
            server.push_fashion()
        for name in args.models:
            compare((first, other), name, args.rounds, args.epochs)


if __name__ == "__main__":
    main()
