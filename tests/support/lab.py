# SPDX-License-Identifier: Apache-2.0
"""Jobs of several workers on one machine, and the server that runs them: for tests of what may become of either."""
import json
import os
import pathlib
import tempfile

from rig import Server, wait_until

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
    """A server whose workers share this machine's processors, and jobs against it. `settings` are ServerConfig's."""

    def __init__(self, bin_dir, listen="127.0.0.1:0", data_dir=None, **settings):
        self.listen = listen
        self.folder = pathlib.Path(tempfile.mkdtemp(prefix="gradus-workers-"))
        config = self.folder / "config.yaml"
        config.write_text(json.dumps({"cores": 4, "oversubscribe": True, "memory": "6GiB", "max_attempts": 20, **settings}))
        self.server = Server(bin_dir, data_dir=data_dir, flags=["--config", config], log_file=self.folder / "server.log")

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

    @staticmethod
    def processes(job):
        """{(attempt, member): process id} of the job's ranks: their folders tell which they are."""
        found = {}
        for entry in pathlib.Path("/proc").iterdir():
            if not entry.name.isdigit():
                continue
            try:
                name = pathlib.Path(os.readlink(entry / "cwd")).name.removesuffix(" (deleted)")
                if name.startswith(job + "-") and b"gradus-worker" in (entry / "cmdline").read_bytes():
                    found[tuple(map(int, name[len(job) + 1:].split("-")))] = int(entry.name)
            except OSError:
                continue
        return found

    def ranks(self, job):
        """Process ids of the newest attempt's ranks, the leader first."""
        found = self.processes(job)
        newest = max(found)[0] if found else 0
        return [pid for place, pid in sorted(found.items()) if place[0] == newest]

    def lines(self, job):
        return self.server.run("job", "logs", job).stdout


def check_events(events, epochs):
    """`events` as JSON: whatever was done again is told of once in an attempt, and nothing is left out."""
    seqs = [int(event["seq"]) for event in events]
    assert seqs == list(range(1, len(seqs) + 1)), f"a gap or a duplicate in the events: {seqs}"
    told = [(int(event["epoch_finished"].get("epoch", 0)), int(event["attempt"]))
            for event in events if "epoch_finished" in event]
    assert len(set(told)) == len(told), f"an epoch (of an attempt) was told of twice: {sorted(told)}"
    assert {epoch for epoch, _ in told} == set(range(epochs)), sorted(told)


def check_epochs(lab, job, epochs):
    check_events([json.loads(line) for line in lab.server.run("job", "watch", job, "--json").stdout.splitlines()], epochs)
