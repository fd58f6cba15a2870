# SPDX-License-Identifier: Apache-2.0
"""The best epochs' weights of a job: listed, kept however it goes on and ends, made into models.

    best_checkpoints_test.py BIN_DIR
"""
import pathlib
import sys
import tempfile
import unittest

ROOT = pathlib.Path(__file__).resolve().parents[3]
sys.path.insert(0, str(ROOT / "tests/support"))
from rig import Server, read_safetensors, wait_until  # noqa: E402

EXAMPLE = ROOT / "deploy/examples/fashion-a.yaml"
# A rate so large that the figures rise and fall.
SETTINGS = {"fit.epochs": 60, "data.train.take": 2000, "data.validation.take": 500, "optimizer.sgd.learning_rate": 0.3,
            "fit.checkpoint.keep_best": 3, "fit.checkpoint.monitor": "val_accuracy"}


class BestCheckpoints(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.server = Server(BIN).__enter__()
        cls.server.push_fashion()
        cls.job = cls.wait(cls.submit())

    @classmethod
    def tearDownClass(cls):
        cls.server.__exit__(None, None, None)

    @classmethod
    def submit(cls, **settings):
        flags = [f"--set={path}={value}" for path, value in {**SETTINGS, **settings}.items()]
        return cls.server.json("job", "submit", EXAMPLE, *flags)["id"]

    @classmethod
    def wait(cls, job):
        return cls.server.json("job", "wait", job)

    def epochs(self, job):
        series = self.server.json("job", "metrics", job["id"], "--name", "val_accuracy")["series"][0]["points"]
        return [(int(point["epoch"]), int(point["step"]), point["value"]) for point in series]

    def test_they_are_the_best_of_all_epochs(self):
        best = [(int(b["epoch"]), int(b["step"]), b["value"]) for b in self.job["best_checkpoints"]]
        self.assertEqual(best, sorted(self.epochs(self.job), key=lambda epoch: -epoch[2])[:3])
        self.assertEqual([b["metrics"]["val_accuracy"] for b in self.job["best_checkpoints"]], [b[2] for b in best])
        self.assertNotIn("best_checkpoints", [name for name, value in self.server.json("job", "ls")["jobs"][0].items() if value])

    def test_a_pause_and_a_kill_change_nothing(self):
        job = self.submit()
        wait_until(lambda: self.server.json("job", "show", job)["best_checkpoints"], 60, "the first one")
        self.server.run("job", "pause", job, check=False)
        state = wait_until(lambda: self.settled(job), 60, "the pause")
        self.server.kill()
        self.server.start()
        if state == "PAUSED":
            self.server.run("job", "resume", job)
        self.assertEqual(self.wait(job)["best_checkpoints"], self.job["best_checkpoints"])

    def settled(self, job):
        state = self.server.json("job", "show", job)["state"]
        return state if state in ("PAUSED", "SUCCEEDED") else None

    def test_one_becomes_a_model_whose_weights_are_its_own(self):
        second = self.job["best_checkpoints"][1]
        model = self.server.json("job", "publish", self.job["id"], "--step", second["step"], "--model", "second")["model"]
        self.assertEqual(model, "second@1")
        shown = self.server.json("model", "show", model)
        self.assertEqual((shown["weights_sha256"], shown["digest"], shown["job"]),
                         (second["weights_sha256"], second["weights"]["sha256"], self.job["id"]))
        self.assertEqual(shown["metrics"], second["metrics"])
        with tempfile.TemporaryDirectory() as folder:
            self.server.run("model", "fetch", model, "--output", folder)
            tensors = read_safetensors(f"{folder}/weights.safetensors")
        self.assertEqual(tensors["dense_3/kernel"].shape, (100, 8))

    def test_they_stay_when_the_job_is_cancelled(self):
        job = self.submit(**{"fit.epochs": 100000, "fit.checkpoint.keep_best": 1, "fit.checkpoint.mode": "MIN"})
        wait_until(lambda: self.server.json("job", "show", job)["best_checkpoints"], 60, "the first one")
        self.server.run("job", "cancel", job)
        self.server.run("job", "wait", job, check=False)
        ended = self.server.json("job", "show", job)
        self.assertEqual((ended["state"], len(ended["best_checkpoints"])), ("CANCELLED", 1))
        self.server.run("job", "publish", job, "--model", "cancelled")
        self.server.run("model", "show", "cancelled@1")


if __name__ == "__main__":
    BIN = sys.argv[1]
    unittest.main(argv=sys.argv[:1])
