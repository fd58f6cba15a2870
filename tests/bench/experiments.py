# SPDX-License-Identifier: Apache-2.0
"""What the jobs of deploy/examples reach, as a table in Markdown: the one of docs/experiments.md.

    experiments.py BIN_DIR [EXAMPLE...] [--seeds 0] [--set PATH=VALUE]...

EXAMPLE is a file's name, such as fashion-a.yaml; all of them where none is named. Each runs by itself through a server with the
file's own seed, and then with the seeds 1 to SEEDS, of which the table has the least and the most. What a file shows is its
first remark; a job that ends otherwise than SUCCEEDED has its reason in the place of figures.
"""
import argparse
import datetime
import pathlib
import sys

ROOT = pathlib.Path(__file__).resolve().parents[2]
EXAMPLES = ROOT / "deploy/examples"
sys.path.insert(0, str(ROOT / "tests/support"))
from rig import Server  # noqa: E402

HEAD = ["job file", "what it shows", "validation accuracy", "test accuracy", "test loss", "time"]


def remark(path):
    lines = path.read_text().splitlines()
    return " ".join(line[1:].strip() for line in lines[:next(i for i, line in enumerate(lines) if not line.startswith("#"))])


def seconds(job):
    began, ended = (datetime.datetime.fromisoformat(job[name].rstrip("Z")[:26]) for name in ("started_at", "finished_at"))
    return (ended - began).total_seconds()


def train(server, path, settings):
    job = server.json("job", "submit", path, *(word for setting in settings for word in ("--set", setting)))
    server.run("job", "wait", job["id"], check=False)
    return server.json("job", "show", job["id"])


def figure(jobs, view, name):
    """The value of the file's seed, and of all seeds the least and the most; of several outputs each by its name."""
    own = f"{view}_{name}"
    figures = [own] if own in jobs[0]["metrics"] else [
        key for key in jobs[0]["metrics"] if key.startswith(f"{view}_") and key.endswith(f"_{name}")]
    texts = []
    for key in figures:
        values = [job["metrics"][key] for job in jobs]
        spread = f" ({min(values):.3f} to {max(values):.3f})" if len(values) > 1 else ""
        output = key[len(view) + 1:-len(name) - 1] + " " if key != own else ""
        texts.append(f"{output}{values[0]:.3f}{spread}")
    return ", ".join(texts)


def reason(jobs):
    """The end of the file's seed, and how many of the others ended in the same state."""
    first = jobs[0]
    alike = sum(job["state"] == first["state"] for job in jobs[1:])
    others = f" (and with {alike} of {len(jobs) - 1} other seeds)" if len(jobs) > 1 else ""
    return f"{first['state']}{others}: {first['reason']}"


def row(path, jobs):
    cells = [f"[{path.name}](../deploy/examples/{path.name})", remark(path)]
    if all(job["state"] == "SUCCEEDED" for job in jobs):
        cells += [figure(jobs, *name) for name in (("val", "accuracy"), ("test", "accuracy"), ("test", "loss"))]
    else:
        cells += [reason(jobs), "", ""]
    return [*cells, f"{seconds(jobs[0]):.0f} s"]


def write(cells):
    print("| " + " | ".join(cells) + " |", flush=True)


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("bin_dir")
    parser.add_argument("examples", metavar="EXAMPLE", nargs="*")
    parser.add_argument("--seeds", type=int, default=0)
    parser.add_argument("--set", dest="settings", metavar="PATH=VALUE", action="append", default=[])
    args = parser.parse_args()
    with Server(args.bin_dir) as server:
        server.push_fashion()
        write(HEAD)
        write(["---"] * len(HEAD))
        for path in [EXAMPLES / name for name in args.examples] or sorted(EXAMPLES.glob("*.yaml")):
            runs = [[], *([f"fit.seed={seed}"] for seed in range(1, args.seeds + 1))]
            write(row(path, [train(server, path, [*args.settings, *run]) for run in runs]))


if __name__ == "__main__":
    main()
