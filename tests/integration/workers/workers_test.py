# SPDX-License-Identifier: Apache-2.0
"""workers_test.py BIN CASE: the weights of a job are the same bits for any number of workers, and whatever becomes of these.

Cases: numbers, resize, lost, frozen, restart, cut.
"""
import json
import os
import pathlib
import signal
import sys
import tempfile
import time

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[2] / "support"))
from netns import Namespaces  # noqa: E402
from rig import Server, wait_until  # noqa: E402

VIEW = {"dataset": "fashion-mnist", "scale": 1 / 255}
MODELS = {
    "dense": {"input_shape": [28, 28], "layers": [
        "flatten", {"dense": {"units": 64, "use_bias": False}}, "batch_normalization", {"activation": "relu"},
        {"dense": {"units": 10, "activation": "softmax"}}]},
    "convolutional": {"input_shape": [28, 28], "layers": [
        {"reshape": {"target_shape": [28, 28, 1]}},
        {"conv2d": {"filters": 4, "kernel_size": 5, "strides": 2, "activation": "relu"}}, "max_pooling2d", "flatten",
        {"dense": {"units": 10, "activation": "softmax"}}]},
    "deep": {"input_shape": [28, 28], "layers": [
        "flatten", {"dense": {"units": 100, "activation": "relu"}}, {"dropout": {"rate": 0.2}},
        {"dense": {"units": 100, "activation": "relu"}}, {"dense": {"units": 10, "activation": "softmax"}}]},
}
ENDS = ("SUCCEEDED", "FAILED", "CANCELLED", "TIMED_OUT")


def job_of(model, workers, rows, epochs):
    return {
        "name": model, "model": MODELS[model],
        "data": {"train": {**VIEW, "split": "train", "range": [0, rows]},
                 "validation": {**VIEW, "split": "train", "range": [59000, 60000]},
                 "test": {**VIEW, "split": "test", "take": 2000}},
        "loss": "sparse_categorical_crossentropy", "optimizer": {"adam": {"learning_rate": 0.001}},
        "metrics": ["accuracy"], "resources": {"cores": 1},
        "fit": {"epochs": epochs, "batch_size": 64, "seed": 42, "logical_shards": 4, "workers": workers,
                "checkpoint": {"every_seconds": 1}},
    }


class Lab:
    """A server whose workers share this machine's processors, and jobs against it."""

    def __init__(self, bin_dir, **settings):
        self.folder = pathlib.Path(tempfile.mkdtemp(prefix="gradus-workers-"))
        config = self.folder / "config.yaml"
        config.write_text(json.dumps({"cores": 4, "oversubscribe": True, "memory": "6GiB", "max_attempts": 20, **settings}))
        self.server = Server(bin_dir, flags=["--config", config])

    def __enter__(self):
        self.server.start(self.listen)
        self.server.push_fashion()
        return self

    def __exit__(self, *error):
        self.server.__exit__(*error)

    listen = "127.0.0.1:0"

    def submit(self, job):
        file = self.folder / "job.yaml"
        file.write_text(json.dumps(job))
        return self.server.json("job", "submit", file)["id"]

    def show(self, job):
        return self.server.json("job", "show", job)

    def await_step(self, job, step):
        def reached():
            shown = self.show(job)
            assert shown["state"] not in ENDS, shown
            return int(shown["step"]) >= step
        wait_until(reached, 120, f"step {step}")

    def await_workers(self, job, count):
        def together():
            shown = self.show(job)
            assert shown["state"] not in ENDS, shown
            return shown.get("workers", 0) == count
        wait_until(together, 120, f"{count} workers")

    def end(self, job):
        wait_until(lambda: self.show(job)["state"] in ENDS, 300, "the job's end")
        shown = self.show(job)
        if shown["state"] != "SUCCEEDED":
            print(self.server.run("job", "logs", job).stdout)
        assert shown["state"] == "SUCCEEDED", shown
        return shown

    def ranks(self, job):
        """Process ids of the job's ranks, the leader first: their folders tell which they are."""
        found = {}
        for entry in pathlib.Path("/proc").iterdir():
            if not entry.name.isdigit():
                continue
            try:
                folder = os.readlink(entry / "cwd")
            except OSError:
                continue
            name = pathlib.Path(folder).name.removesuffix(" (deleted)")
            if name.startswith(job + "-") and b"gradus-worker" in (entry / "cmdline").read_bytes():
                found[tuple(map(int, name[len(job) + 1:].split("-")))] = int(entry.name)
        newest = max(found)[0] if found else 0
        return [pid for place, pid in sorted(found.items()) if place[0] == newest]

    def lines(self, job):
        return self.server.run("job", "logs", job).stdout


def check_epochs(lab, job, epochs):
    """Whatever was done again is told of once in an attempt, and nothing is left out."""
    events = [json.loads(line) for line in lab.server.run("job", "watch", job, "--json").stdout.splitlines()]
    seqs = [int(event["seq"]) for event in events]
    assert seqs == list(range(1, len(seqs) + 1)), "a gap or a duplicate in the events"
    last = {}
    for event in events:
        if "epoch_finished" in event:
            last[int(event["epoch_finished"].get("epoch", 0))] = event["epoch_finished"]["metrics"]
    assert sorted(last) == list(range(epochs)), sorted(last)


def numbers(bin_dir):
    with Lab(bin_dir) as lab:
        for model in MODELS:
            ends = {}
            for workers in (1, 2, 4):
                job = lab.submit(job_of(model, workers, 6000, 2))
                ends[workers] = lab.end(job)
                if workers > 1:
                    assert f"{workers} workers compute together" in lab.lines(job), lab.lines(job)
            assert len({end["weights_sha256"] for end in ends.values()}) == 1, ends
            assert ends[1]["metrics"] == ends[2]["metrics"] == ends[4]["metrics"], ends
            print(model, ends[1]["weights_sha256"])


LONG = dict(rows=50000, epochs=4)


def expected(lab):
    return lab.end(lab.submit(job_of("dense", 1, **LONG)))


def check(lab, job, wanted):
    end = lab.end(job)
    assert end["weights_sha256"] == wanted["weights_sha256"], (end, wanted)
    assert end["metrics"] == wanted["metrics"], (end, wanted)
    check_epochs(lab, job, LONG["epochs"])
    return end


def resize(bin_dir):
    with Lab(bin_dir) as lab:
        wanted = expected(lab)
        job = lab.submit(job_of("dense", {"min": 2, "max": 4}, **LONG))
        lab.await_workers(job, 4)
        lab.await_step(job, 300)
        filler = job_of("dense", 1, **LONG)
        filler["resources"]["cores"] = 2
        filler["fit"]["epochs"] = 1000
        other = lab.submit(filler)
        lab.await_workers(job, 2)
        wait_until(lambda: lab.show(other)["state"] == "RUNNING", 60, "the job that waited")
        lab.await_step(job, int(lab.show(job)["step"]) + 200)
        lab.server.run("job", "cancel", other)
        lab.await_workers(job, 4)
        end = check(lab, job, wanted)
        assert int(end["attempt"]) == 1, end


def lost(bin_dir):
    with Lab(bin_dir) as lab:
        wanted = expected(lab)
        for victim, attempts in ((-1, 1), (0, 2)):
            job = lab.submit(job_of("dense", 3, **LONG))
            lab.await_workers(job, 3)
            lab.await_step(job, 400)
            os.kill(lab.ranks(job)[victim], signal.SIGKILL)
            wait_until(lambda: "was lost" in lab.lines(job) or int(lab.show(job)["attempt"]) == 2, 10, "the loss")
            end = check(lab, job, wanted)
            assert int(end["attempt"]) == attempts, end


def frozen(bin_dir):
    with Lab(bin_dir) as lab:
        wanted = expected(lab)
        for victim in (-1, 0):
            job = lab.submit(job_of("dense", {"min": 2, "max": 3}, **LONG))
            lab.await_workers(job, 3)
            lab.await_step(job, 400)
            pid = lab.ranks(job)[victim]
            os.kill(pid, signal.SIGSTOP)
            began = time.monotonic()
            # Noticed well before the ten seconds are over, and the others go on.
            step = int(lab.show(job)["step"])
            wait_until(lambda: int(lab.show(job)["attempt"]) == 2 or "was lost" in lab.lines(job), 9, "the silence")
            lab.await_step(job, step + 100 if victim else 1)
            time.sleep(max(0, 10 - (time.monotonic() - began)))  # the fault's length
            try:
                os.kill(pid, signal.SIGCONT)
            except ProcessLookupError:
                pass
            check(lab, job, wanted)


def restart(bin_dir):
    with Lab(bin_dir) as lab:
        wanted = expected(lab)
        job = lab.submit(job_of("dense", 3, **LONG))
        lab.await_workers(job, 3)
        lab.await_step(job, 400)
        ranks = lab.ranks(job)
        for _ in range(2):
            step = int(lab.show(job)["step"])
            lab.server.kill()
            lab.server.start()
            lab.await_step(job, step + 300)
        assert lab.ranks(job) == ranks, "ranks were started again"
        end = check(lab, job, wanted)
        assert int(end["attempt"]) == 1, end


def cut(bin_dir):
    reason = Namespaces.missing()
    if reason:
        print(f"skipped: {reason}")
        sys.exit(77)
    with Namespaces(3) as net:
        Lab.listen = f"{net.server}:0"
        wrapper = net.folder / "gradus-worker"
        wrapper.write_text(net.wrapper(pathlib.Path(bin_dir).resolve() / "gradus-worker"))
        wrapper.chmod(0o755)
        with Lab(bin_dir, worker_program=str(wrapper)) as lab:
            wanted = expected(lab)
            for victim in (-1, 0):
                job = lab.submit(job_of("dense", 2, **LONG))
                lab.await_workers(job, 2)
                lab.await_step(job, 400)
                node = net.of_process(lab.ranks(job)[victim])
                net.cut(node)
                began = time.monotonic()
                wait_until(lambda: int(lab.show(job)["attempt"]) == 2 or "was lost" in lab.lines(job), 9, "the cut")
                time.sleep(max(0, 10 - (time.monotonic() - began)))  # the fault's length
                net.heal(node)
                check(lab, job, wanted)


if __name__ == "__main__":
    {"numbers": numbers, "resize": resize, "lost": lost, "frozen": frozen, "restart": restart, "cut": cut}[sys.argv[2]](sys.argv[1])
