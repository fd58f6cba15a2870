# SPDX-License-Identifier: Apache-2.0
"""The JSON that the contract names is there, each field with its type, of a job in every part of its life.

    json_test.py BIN_DIR
"""
import json
import pathlib
import re
import sys
import tempfile
import unittest

ROOT = pathlib.Path(__file__).resolve().parents[3]
sys.path.insert(0, str(ROOT / "tests/support"))
from rig import Server, read_safetensors, wait_until  # noqa: E402

WHOLE = re.compile(r"-?\d+$")  # 64 bits travel as strings
DIGEST = re.compile(r"[0-9a-f]{64}$")
TIME = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d+)?Z$")
METRICS = ("loss", "accuracy", "val_loss", "val_accuracy", "test_loss", "test_accuracy")

JOB = {"id": re.compile("j[0-9a-z]{12}$"), "name": str, "owner": str, "state": str, "reason": str, "attempt": int, "epoch": WHOLE,
       "step": WHOLE, "stage": int, "metrics": dict, "best_metrics": dict, "published": str, "weights_sha256": str,
       "samples_per_second": float, "queued_at": TIME}
FINISHED = {**JOB, "published": re.compile("json@1$"), "weights_sha256": DIGEST, "started_at": TIME, "finished_at": TIME}
MODEL = {"name": str, "version": WHOLE, "digest": DIGEST, "parents": list, "job": JOB["id"], "datasets": list, "layers": list,
         "total_params": WHOLE, "trainable_params": WHOLE, "non_trainable_params": WHOLE, "metrics": dict, "weights_sha256": DIGEST}
LAYER = {"name": str, "type": str, "output_shape": list, "params": WHOLE, "trainable": bool}


class Json(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.server = Server(BIN).__enter__()
        cls.server.push_fashion()
        cls.folder = pathlib.Path(tempfile.mkdtemp())
        cls.file = cls.folder / "job.yaml"
        text = (ROOT / "deploy/examples/fashion-a.yaml").read_text()
        cls.file.write_text(text.replace("fashion-a", "json").replace("[0, 55000]", "[0, 4000]").replace("epochs: 20", "epochs: 2"))
        cls.events = [json.loads(line) for line in cls.server.run("train", cls.file, "--json").stdout.splitlines()]
        cls.id = cls.events[0]["id"]

    @classmethod
    def tearDownClass(cls):
        cls.server.__exit__(None, None, None)

    def check(self, found, wanted):
        for name, kind in wanted.items():
            self.assertIn(name, found)
            value = found[name]
            if isinstance(kind, re.Pattern):
                self.assertIsInstance(value, str, name)
                self.assertRegex(value, kind, name)
            elif kind is float:
                self.assertIsInstance(value, (int, float), name)
                self.assertNotIsInstance(value, bool, name)
            else:
                self.assertIs(type(value), kind, name)

    def test_a_finished_job(self):
        job = self.server.json("job", "show", self.id)
        self.check(job, FINISHED)
        self.assertEqual((job["state"], job["epoch"], job["reason"], job["attempt"]), ("SUCCEEDED", "2", "", 1))
        self.assertCountEqual(job["metrics"], METRICS)
        self.assertCountEqual(job["best_metrics"], METRICS)
        self.check(job["metrics"], dict.fromkeys(METRICS, float))
        self.assertGreater(job["samples_per_second"], 0)

    def test_a_job_that_waits_has_all_its_fields_too(self):
        waiting = self.server.json("job", "submit", self.file, "--set", "priority=-5")
        self.check(waiting, JOB)
        self.assertEqual((waiting["state"], waiting["published"], waiting["weights_sha256"]), ("QUEUED", "", ""))
        self.server.run("job", "cancel", waiting["id"])
        self.assertEqual(self.server.json("job", "wait", waiting["id"], check=False)["state"], "CANCELLED")

    def test_train_says_the_job_its_events_and_the_job_again(self):
        job, *events, finished = self.events
        self.check(job, JOB)
        self.check(finished, FINISHED)
        self.assertEqual([e["seq"] for e in events], [str(n) for n in range(1, len(events) + 1)])
        self.assertEqual(events[-1]["state_changed"]["to"], "SUCCEEDED")
        epochs = [e["epoch_finished"] for e in events if "epoch_finished" in e]
        self.assertEqual([e["epoch"] for e in epochs], ["0", "1"])
        watched = self.server.run("job", "watch", self.id, "--json").stdout.splitlines()
        self.assertEqual([json.loads(line) for line in watched], events)

    def test_lists_hold_the_same(self):
        jobs = {job["id"]: job for job in self.server.json("job", "ls")["jobs"]}
        self.check(jobs[self.id], FINISHED)
        self.check(self.server.json("model", "ls")["models"][0], MODEL)
        self.check(self.server.json("data", "ls")["datasets"][0], {"name": str, "digest": DIGEST, "splits": list, "size": WHOLE})

    def test_a_model(self):
        model = self.server.json("model", "show", "json@1")
        self.check(model, MODEL)
        self.assertEqual((model["name"], model["version"], model["job"], model["datasets"]), ("json", "1", self.id, ["fashion-mnist"]))
        for layer in model["layers"]:
            self.check(layer, LAYER)
        self.assertEqual(model["layers"][1], {"name": "dense", "type": "dense", "output_shape": ["100"], "params": "78500", "trainable": True, "inputs": []})
        self.assertEqual(sum(int(layer["params"]) for layer in model["layers"]), int(model["total_params"]))
        self.assertCountEqual(model["metrics"], METRICS)
        self.assertEqual(model["weights_sha256"], self.server.json("job", "show", self.id)["weights_sha256"])

    def test_a_fetched_model(self):
        out = self.folder / "fetched"
        self.check(self.server.json("model", "fetch", "json@1", "--output", out), MODEL)
        self.assertCountEqual([p.name for p in out.iterdir()], ["model.json", "weights.safetensors", "README.md"])
        spec = json.loads((out / "model.json").read_text())
        self.assertEqual([layer["name"] for layer in spec["layers"]], ["flatten", "dense", "dense_1", "dense_2", "dense_3"])
        weights = {name: tensor.shape for name, tensor in read_safetensors(out / "weights.safetensors").items()}
        self.assertEqual(weights, {"dense/kernel": (784, 100), "dense/bias": (100,), "dense_1/kernel": (100, 100), "dense_1/bias": (100,),
                                   "dense_2/kernel": (100, 100), "dense_2/bias": (100,), "dense_3/kernel": (100, 8), "dense_3/bias": (8,)})

    def test_the_effective_job_file_reproduces_the_run(self):
        again = self.folder / "again.yaml"
        again.write_text(self.server.run("job", "show", self.id, "--yaml").stdout)
        job = self.server.json("job", "submit", again, "--set", "publish=")
        self.server.run("job", "wait", job["id"])
        first, second = (self.server.json("job", "show", id) for id in (self.id, job["id"]))
        self.assertEqual(first["weights_sha256"], second["weights_sha256"])
        self.assertEqual(first["metrics"], second["metrics"])

    def test_steering_and_explaining(self):
        job = self.server.json("train", self.file, "--set", "fit.epochs=100000", "--detach")
        self.check(self.server.json("job", "pause", job["id"]), JOB)
        wait_until(lambda: self.server.json("job", "show", job["id"])["state"] == "PAUSED", 60, "pausing")
        self.check(self.server.json("job", "why", job["id"]), {"state": str, "summary": str, "details": list, "queue_position": int})
        self.check(self.server.json("job", "cancel", job["id"]), JOB)
        logs = self.server.run("job", "logs", job["id"], "--json").stdout.splitlines()
        for line in logs:
            self.check(json.loads(line), {"seq": WHOLE, "time": TIME, "log_line": dict})

    def test_metrics_by_epoch(self):
        series = {s["name"]: s["points"] for s in self.server.json("job", "metrics", self.id)["series"]}
        self.assertCountEqual(series, METRICS)
        self.assertEqual([p["epoch"] for p in series["loss"]], ["0", "1"])
        self.check(series["loss"][0], {"epoch": WHOLE, "step": WHOLE, "value": float})

    def test_the_rest_answers_in_json_too(self):
        checked = self.server.json("job", "submit", self.file, "--dry-run")
        self.check(checked, {"effective_spec": dict, "summary": dict, "estimated_memory": WHOLE})
        self.check(self.server.json("model", "summary", self.file), {"layers": list, "total_params": WHOLE})
        self.check(self.server.json("auth", "whoami"), {"user": str, "role": str, "token_expires_at": TIME, "server_version": str})
        files = "/usr/share/datasets/fashion-mnist/t10k-labels-idx1-ubyte.gz"
        self.check(self.server.json("data", "push", "labels", f"train:x={files}"), {"name": str, "splits": list})
        self.check(self.server.json("data", "show", "labels"), {"name": str, "splits": list, "created_at": TIME})
        self.assertEqual(self.server.json("data", "rm", "labels"), {})


if __name__ == "__main__":
    BIN = sys.argv[1]
    unittest.main(argv=sys.argv[:1])
