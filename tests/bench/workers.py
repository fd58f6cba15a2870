# SPDX-License-Identifier: Apache-2.0
"""What several workers, logical shards and checkpoints cost and bring, as ratios of runs in turn.

    workers.py BIN_DIR [--rounds 3]

Each figure is samples/s of a job's last epoch, the median over rounds; the jobs of a comparison run one after the other in
each round. Wants an idle machine of two cores.
"""
import argparse
import json
import pathlib
import statistics
import sys

ROOT = pathlib.Path(__file__).resolve().parents[2]
sys.path.insert(0, str(ROOT / "tests/support"))
from rig import Server  # noqa: E402

CONVOLUTIONAL = [
    {"reshape": {"target_shape": [28, 28, 1]}},
    {"conv2d": {"filters": 32, "kernel_size": 3, "activation": "relu"}},
    {"conv2d": {"filters": 64, "kernel_size": 3, "activation": "relu"}}, "max_pooling2d", "flatten",
    {"dense": {"units": 64, "activation": "relu"}}, {"dense": {"units": 10, "activation": "softmax"}}]
WIDE = ["flatten", {"dense": {"units": 2048, "activation": "relu"}}, {"dense": {"units": 2048, "activation": "relu"}},
        {"dense": {"units": 2048, "activation": "relu"}}, {"dense": {"units": 10, "activation": "softmax"}}]


def job(layers, rows, epochs, batch, cores=1, save=0, **fit):
    return {"model": {"input_shape": [28, 28], "layers": layers},
            "data": {"train": {"dataset": "fashion-mnist", "take": rows, "scale": 1 / 255}},
            "loss": "sparse_categorical_crossentropy", "optimizer": {"adam": {"learning_rate": 0.001}},
            "resources": {"cores": cores},
            "fit": {"epochs": epochs, "batch_size": batch, "seed": 1, "checkpoint": {"every_seconds": save}, **fit}}


COMPARISONS = [
    ("two workers of a core each against one, convolutional (aim: 1.7)", "two", "one",
     {"one": job(CONVOLUTIONAL, 8192, 3, 128, logical_shards=2),
      "two": job(CONVOLUTIONAL, 8192, 3, 128, logical_shards=2, workers=2)}),
    ("four logical shards against one, convolutional, one core (aim: above 0.9)", "four", "one",
     {"one": job(CONVOLUTIONAL, 8192, 3, 128, logical_shards=1), "four": job(CONVOLUTIONAL, 8192, 3, 128, logical_shards=4)}),
    ("four logical shards against one, dense of ten million weights, one core (aim: above 0.9)", "four", "one",
     {"one": job(WIDE, 8192, 3, 256, logical_shards=1), "four": job(WIDE, 8192, 3, 256, logical_shards=4)}),
    ("a checkpoint every 10 s against none, dense of ten million weights with Adam (aim: above 0.98)", "saving", "none",
     {"none": job(WIDE, 60000, 2, 256, cores=2), "saving": job(WIDE, 60000, 2, 256, cores=2, save=10)}),
]


def speed(server, folder, spec):
    file = folder / "job.json"
    file.write_text(json.dumps(spec))
    submitted = server.json("job", "submit", file)["id"]
    server.run("job", "wait", submitted)
    return server.json("job", "show", submitted)["samples_per_second"]


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("bin_dir")
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--only", type=int, help="the number of one comparison, from 0")
    args = parser.parse_args()
    with Server(args.bin_dir) as server:
        server.push_fashion()
        for number, (title, above, below, jobs) in enumerate(COMPARISONS):
            if args.only not in (None, number):
                continue
            rounds = [{name: speed(server, server.dir, spec) for name, spec in jobs.items()} for _ in range(args.rounds)]
            ratios = [one[above] / one[below] for one in rounds]
            medians = {name: statistics.median(one[name] for one in rounds) for name in jobs}
            print(f"{title}:\n  {statistics.median(ratios):.2f} ({min(ratios):.2f} to {max(ratios):.2f})  "
                  + "  ".join(f"{name} {value:,.0f}/s" for name, value in medians.items()), flush=True)


if __name__ == "__main__":
    main()
