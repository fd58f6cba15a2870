# SPDX-License-Identifier: Apache-2.0
"""The cost model of docs/scale.md beside what is measured, as tables in Markdown.

    scale.py BIN_DIR [--seconds 5] [--rates 1000 400] [--only steps|network|store]

Steps: three models on 1, 2 and 4 workers of one core each through a server, all on this machine, so that more workers than
processors share them. Network: the large dense model on 2 workers in network namespaces with so many Mbit/s each (needs root,
iproute2). Store: the server's processor time and the events it stores, with watchers of all jobs.
What is marked `fit` has set a constant of the model and proves nothing; all else is a prediction. About 5 minutes on a machine
that is idle; on one that is not the figures say little.
"""
import argparse
import contextlib
import json
import os
import pathlib
import subprocess
import sys
import tempfile
import time

ROOT = pathlib.Path(__file__).resolve().parents[2]
sys.path.insert(0, str(ROOT / "tests/support"))
from netns import Namespaces  # noqa: E402
from rig import Server  # noqa: E402

SHARDS = 4
PROCESSORS = len(os.sched_getaffinity(0))
BACKWARD = 2 / 3  # of a step's computing: what an exchange can hide behind
LATENCY = 0.5  # ms a step between namespaces; engine/README.md
VIEW = {"dataset": "fashion-mnist", "scale": 1 / 255}


def dense(*units):
    return ["flatten", *({"dense": {"units": n, "activation": "relu"}} for n in units)]


def size_of(*units):
    sizes = [784, *units, 10]
    return sum((a + 1) * b for a, b in zip(sizes, sizes[1:]))


# Layers but for the last one, weights, rows of a batch, rows of an epoch.
MODELS = {
    "dense, small": (dense(100, 100), size_of(100, 100), 64, 25600),
    "dense, large": (dense(2048, 2048, 2048), size_of(2048, 2048, 2048), 256, 5120),
    "convolutional": ([{"reshape": {"target_shape": [28, 28, 1]}},
                       {"conv2d": {"filters": 32, "kernel_size": 3, "activation": "relu"}}, "max_pooling2d",
                       {"conv2d": {"filters": 64, "kernel_size": 3, "activation": "relu"}}, "max_pooling2d",
                       *dense(128)], 320 + 18496 + 1601 * 128 + 129 * 10, 64, 3840),
}


def job_of(model, workers, epochs):
    layers, _, batch, rows = MODELS[model]
    return {
        "name": model.replace(", ", "-"),
        "model": {"input_shape": [28, 28], "layers": [*layers, {"dense": {"units": 10, "activation": "softmax"}}]},
        "data": {"train": {**VIEW, "split": "train", "range": [0, rows]}},
        "loss": "sparse_categorical_crossentropy", "optimizer": {"sgd": {"learning_rate": 0.01}},
        "resources": {"cores": 1},
        "fit": {"epochs": epochs, "batch_size": batch, "seed": 1, "logical_shards": SHARDS, "workers": workers},
    }


class Lab:
    def __init__(self, bin_dir, listen="127.0.0.1:0", **settings):
        self.folder = pathlib.Path(tempfile.mkdtemp(prefix="gradus-scale-"))
        config = self.folder / "config.yaml"
        config.write_text(json.dumps({"cores": 8, "oversubscribe": True, **settings}))
        self.server, self.listen = Server(bin_dir, flags=["--config", config]), listen

    def __enter__(self):
        self.server.start(self.listen)
        self.server.push_fashion()
        return self

    def __exit__(self, *error):
        self.server.__exit__(*error)

    def submit(self, job):
        file = self.folder / "job.yaml"
        file.write_text(json.dumps(job))
        return self.server.json("job", "submit", file)["id"]

    def step_time(self, model, workers, seconds):
        """Milliseconds: the least of a run's epochs, the first one left out, which has others' beginnings in it."""
        batch, rows = MODELS[model][2:]
        epochs = 2
        while True:
            job = self.submit(job_of(model, workers, epochs))
            self.server.run("job", "wait", job)
            events = map(json.loads, self.server.run("job", "watch", job, "--json").stdout.splitlines())
            times = [event["epoch_finished"]["train_seconds"] for event in events if "epoch_finished" in event]
            if sum(times) >= seconds or epochs > 2:
                return 1000 * min(times[1:]) * batch / rows
            epochs = 2 + int(seconds / max(times[-1], 1e-3))


def exchanged(workers, size):
    """Megabytes that a rank sends, and receives, in a step."""
    return 2 * (workers - 1) / workers * size * 4 / 1e6


def predicted(compute, workers, size, rate, latency):
    """Milliseconds of a step. `rate`: MB/ms between ranks; `latency`: ms a step."""
    at_once = min(workers, PROCESSORS)
    share = compute / at_once
    if workers == 1:
        return share
    turns = workers / at_once  # that ranks take on the processors, which carry what they exchange, too
    return share + latency * turns + max(0, exchanged(workers, size) * turns / rate - BACKWARD * share)


def row(*cells):
    print("| " + " | ".join(f"{cell:.2f}" if isinstance(cell, float) else str(cell) for cell in cells) + " |", flush=True)


def head(*cells):
    row(*cells)
    row(*("---" for _ in cells))


def steps(bin_dir, seconds):
    with Lab(bin_dir) as lab:
        measured = {(model, n): lab.step_time(model, n, seconds) for model in MODELS for n in (1, 2, 4)}
    small, large = "dense, small", "dense, large"
    latency = max(0.01, measured[small, 2] - measured[small, 1] / min(2, PROCESSORS))
    # What is left of the large one's step: not hidden, so the rate follows.
    shown = measured[large, 2] - measured[large, 1] / min(2, PROCESSORS) - latency
    hidden = BACKWARD * measured[large, 1] / min(2, PROCESSORS)
    rate = exchanged(2, MODELS[large][1]) / max(1e-3, shown + hidden)
    print(f"\nprocessors {PROCESSORS}, latency {latency:.2f} ms a step, rate {1000 * rate:.0f} MB/s\n")
    head("model", "weights", "workers", "measured, ms a step", "model, ms a step", "measured / model", "")
    for (model, n), found in measured.items():
        size = MODELS[model][1]
        expected = predicted(measured[model, 1], n, size, rate, latency)
        fit = "fit" if n == 1 or (n == 2 and model in (small, large)) else ""
        row(model, f"{size:,}", n, found, expected, found / expected, fit)


def network(bin_dir, seconds, rates):
    reason = Namespaces.missing()
    if reason:
        return print(f"no figures of the network: {reason}")
    model = "dense, large"
    size = MODELS[model][1]
    head("Mbit/s", "workers", "measured, ms a step", "model, ms a step", "measured / model", "")
    with Namespaces(2) as net:
        wrapper = net.folder / "gradus-worker"
        wrapper.write_text(net.wrapper(pathlib.Path(bin_dir).resolve() / "gradus-worker"))
        wrapper.chmod(0o755)
        with Lab(bin_dir, f"{net.server}:0", worker_program=str(wrapper)) as lab:
            alone = lab.step_time(model, 1, seconds)
            row("", 1, alone, alone, 1.0, "fit")
            for rate in rates:
                net.limit(rate)
                found = lab.step_time(model, 2, seconds)
                expected = predicted(alone, 2, size, rate / 8000, LATENCY)
                row(f"{rate:g}", 2, found, expected, found / expected, "")


def processor_seconds(pid):
    fields = pathlib.Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


def observe(lab, jobs, watchers, seconds):
    """Events stored a second, and the server's processor milliseconds a second, while so many jobs run."""
    ids = [lab.submit(job_of("dense, small", 1, 1_000_000)) for _ in range(jobs)]
    with contextlib.ExitStack() as stack:
        stack.callback(lambda: [lab.server.run("job", "cancel", job) for job in ids])
        for job in ids:
            while int(lab.server.json("job", "show", job).get("step", 0)) == 0:
                time.sleep(0.1)
        for i in range(watchers):
            watcher = subprocess.Popen([lab.server.bin / "gradus", "--profile", lab.server.profile, "job", "watch",
                                        ids[i % jobs], "--json"], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
            stack.callback(watcher.wait)
            stack.callback(watcher.kill)
        time.sleep(2)  # until all have caught up
        pid = lab.server.process.pid
        before, events, began = processor_seconds(pid), stored(lab), time.monotonic()
        time.sleep(seconds)
        passed = time.monotonic() - began
        return (stored(lab) - events) / passed, 1000 * (processor_seconds(pid) - before) / passed


def stored(lab):
    """All events that the store has."""
    import sqlite3
    with contextlib.closing(sqlite3.connect(f"file:{lab.server.dir / 'gradus.db'}?mode=ro", uri=True)) as db:
        return db.execute("SELECT COUNT(*) FROM events").fetchone()[0]


def store(bin_dir, seconds):
    head("jobs", "watchers", "events a second", "server, ms a second", "model, ms a second", "")
    with Lab(bin_dir) as lab:
        plain = observe(lab, 2, 0, seconds)
        watched = observe(lab, 2, 16, seconds)
        an_event = plain[1] / plain[0]
        a_delivery = max(0.0, (watched[1] - watched[0] * an_event) / (watched[0] / 2 * 16))
        for jobs, watchers, found in ((2, 0, plain), (2, 16, watched), (4, 0, observe(lab, 4, 0, seconds)),
                                      (4, 32, observe(lab, 4, 32, seconds))):
            expected = found[0] * an_event + found[0] / jobs * watchers * a_delivery
            row(jobs, watchers, found[0], found[1], expected, "fit" if jobs == 2 else "")
        print(f"\nan event {an_event:.2f} ms of the server's time, each delivery {a_delivery:.3f} ms")


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("bin_dir")
    parser.add_argument("--seconds", type=float, default=5)
    parser.add_argument("--rates", type=float, nargs="+", default=[1000, 400], metavar="MBIT")
    parser.add_argument("--only", choices=("steps", "network", "store"))
    args = parser.parse_args()
    print(f"load of this machine before: {os.getloadavg()[0]:.1f}")
    for name, measure in (("steps", lambda: steps(args.bin_dir, args.seconds)),
                          ("network", lambda: network(args.bin_dir, args.seconds, args.rates)),
                          ("store", lambda: store(args.bin_dir, args.seconds))):
        if args.only in (None, name):
            print(f"\n{name}\n")
            measure()


if __name__ == "__main__":
    main()
