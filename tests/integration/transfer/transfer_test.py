# SPDX-License-Identifier: Apache-2.0
"""Layers of a published model in another job: what starts where, what stays, what is moved and stored.

    transfer_test.py BIN_DIR
"""
import json
import pathlib
import socket
import sys
import tempfile
import threading
import unittest

import numpy

ROOT = pathlib.Path(__file__).resolve().parents[3]
sys.path.insert(0, str(ROOT / "tests/support"))
from rig import Server, read_safetensors  # noqa: E402

A = ROOT / "deploy/examples/fashion-a.yaml"
B_ON_A = ROOT / "deploy/examples/fashion-b-on-a.yaml"
SMALL = {"fit.epochs": 1, "data.train.take": 2000, "data.validation.take": 500}
# Its lowest two layers, flatten and the first dense one, are 3 of its 100 MB.
LARGE = """
name: large
model:
  input_shape: [28, 28]
  layers: [flatten, dense: {units: 1000, activation: relu}, dense: {units: 4800, activation: relu}, dense: {units: 4096}, dense: {units: 8}]
data: {train: {dataset: fashion-mnist, labels: [1, 3, 4, 5, 6, 7, 8, 9]}}
loss: {sparse_categorical_crossentropy: {from_logits: true}}
fit: {epochs: 0, seed: 1}
publish: {model: large}
"""


class CountingProxy:
    """Passes TCP on to `target`, HOST:PORT, and counts what comes back."""

    def __init__(self, target):
        host, port = target.rsplit(":", 1)
        self.target = (host, int(port))
        self.bytes = 0
        self.listener = socket.create_server(("127.0.0.1", 0))
        self.endpoint = f"127.0.0.1:{self.listener.getsockname()[1]}"
        threading.Thread(target=self.accept, daemon=True).start()

    def accept(self):
        while True:
            try:
                client, _ = self.listener.accept()
            except OSError:
                return
            server = socket.create_connection(self.target)
            threading.Thread(target=self.copy, args=(client, server, False), daemon=True).start()
            threading.Thread(target=self.copy, args=(server, client, True), daemon=True).start()

    def copy(self, source, sink, count):
        try:
            while data := source.recv(1 << 16):
                if count:
                    self.bytes += len(data)
                sink.sendall(data)
        except OSError:
            pass
        finally:
            for end in (source, sink):
                try:
                    end.shutdown(socket.SHUT_RDWR)
                except OSError:
                    pass

    def close(self):
        self.listener.close()


class Transfer(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.server = Server(BIN).__enter__()
        cls.server.push_fashion()
        cls.a = cls.train(A, **SMALL)

    @classmethod
    def tearDownClass(cls):
        cls.server.__exit__(None, None, None)

    @classmethod
    def submit(cls, file, **settings):
        flags = [f"--set={path}={value}" for path, value in settings.items()]
        return cls.server.json("job", "submit", file, *flags)["id"]

    @classmethod
    def train(cls, file, **settings):
        return cls.server.json("job", "wait", cls.submit(file, **settings))

    def tensors(self, ref, *flags):
        folder = pathlib.Path(tempfile.mkdtemp(dir=self.server.dir))
        self.server.run("model", "fetch", ref, "--output", folder, *flags)
        return read_safetensors(folder / "weights.safetensors")

    def events(self, job, kind):
        lines = self.server.run("job", "watch", job, "--json").stdout.splitlines()
        return [event[kind] for event in map(json.loads, lines) if kind in event]

    def test_the_base_stays_and_its_layers_are_those_of_the_new_model(self):
        before = self.server.json("model", "show", "fashion-a@1")
        job = self.train(B_ON_A)
        self.assertEqual(job["state"], "SUCCEEDED", job["reason"])
        self.assertEqual(self.server.json("model", "show", "fashion-a@1"), before)
        model = self.server.json("model", "show", job["published"])
        self.assertEqual(model["parents"], ["fashion-a@1"])
        self.assertEqual([layer["name"] for layer in model["layers"]], ["flatten", "dense", "dense_1", "dense_2", "dense_3"])
        self.assertEqual({layer.get("from", "") for layer in model["spec"]["layers"]}, {""})
        taken = self.events(job["id"], "weights_taken")[0]
        self.assertEqual((taken["loaded"], taken["initialized"]), ("6", "2"))
        stages = self.events(job["id"], "stage_started")
        self.assertEqual([stage["trainable_layers"] for stage in stages], [["dense_3"], ["dense", "dense_1", "dense_2", "dense_3"]])

    def test_frozen_layers_keep_their_bits(self):
        job = self.train(B_ON_A, **{"fit.stages": "[{epochs: 2, freeze: [base]}]", "publish.model": "frozen"})
        base, tuned = self.tensors("fashion-a@1"), self.tensors(job["published"])
        for name in ("dense", "dense_1", "dense_2"):
            for tensor in (f"{name}/kernel", f"{name}/bias"):
                numpy.testing.assert_array_equal(tuned[tensor], base[tensor])
        self.assertEqual(tuned["dense_3/kernel"].shape, (100, 1))

    def test_the_effective_job_file_gives_the_same_weights(self):
        job = self.train(B_ON_A, **{"publish.model": "again"})
        file = self.server.dir / "effective.yaml"
        file.write_text(self.server.run("job", "show", job["id"], "--yaml").stdout)
        self.assertIn("from: fashion-a@1/dense", file.read_text())
        self.assertEqual(self.train(file)["weights_sha256"], job["weights_sha256"])

    def test_a_base_may_be_removed_while_a_job_waits_for_it(self):
        base = self.train(A, **SMALL, **{"publish.model": "short-lived", "fit.seed": 9})
        paused = self.submit(B_ON_A, **{"model.base.model": "short-lived", "publish.model": "heir"})
        self.server.run("model", "rm", base["published"])
        self.assertEqual(self.server.json("job", "wait", paused)["state"], "SUCCEEDED")

    def test_what_does_not_fit_is_refused_before_anything_runs(self):
        other_shape = ("model={input_shape: [28, 28], layers: [flatten, {from: fashion-a/dense, dense: {units: 99}},"
                       " {dense: {units: 1, activation: sigmoid}}]}")
        for setting, error in (("model.base.model=nobody", 'model.base[0].model: there is no model "nobody"'),
                               ("model.base.layers=[dens]", "model.base[0].layers[0]"),
                               (other_shape, "model.layers[1].from: dense/kernel cannot start from"),
                               ("fit.stages[0].freeze=[bas]", "fit.stages[0].freeze[0]")):
            done = self.server.run("job", "submit", B_ON_A, "--set", "fit.stages=[{epochs: 1}]", "--set", setting, check=False)
            self.assertEqual(done.returncode, 1, setting)
            self.assertIn(error, done.stderr)
        path, _, value = other_shape.partition("=")
        allowed = self.train(B_ON_A, **{"fit.stages": "[{epochs: 1}]", path: value, "model.allow_mismatch": "true",
                                        "publish.model": "other"})
        self.assertEqual(allowed["state"], "SUCCEEDED", allowed["reason"])
        self.assertEqual(self.events(allowed["id"], "weights_taken")[0]["mismatched"], "2")

    def test_a_search_publishes_its_best_trial(self):
        job = self.train(B_ON_A, **{"kind": "transfer_search", "publish.model": "found"})
        self.assertEqual(job["state"], "SUCCEEDED", job["reason"])
        tried = self.events(job["id"], "transfer_tried")
        self.assertEqual([(t["reuse"], t["freeze"]) for t in tried], [(0, 0), (1, 0), (1, 1), (2, 0), (2, 2), (3, 0), (3, 3)])
        best = max(tried, key=lambda trial: trial["metrics"]["val_accuracy"])
        self.assertEqual((job["metrics"]["reuse"], job["metrics"]["freeze"]), (best["reuse"], best["freeze"]))
        self.assertEqual(job["metrics"]["val_accuracy"], best["metrics"]["val_accuracy"])
        parents = self.server.json("model", "show", "found")["parents"]
        self.assertEqual(parents, ["fashion-a@1"] if best["reuse"] else [])

    def stored(self):
        return sum(file.stat().st_size for file in (self.server.dir / "blobs").rglob("*") if file.is_file())

    def test_ten_fine_tunes_take_little_more_than_one(self):
        before = self.stored()
        sizes = []
        for seed in range(10):
            self.train(B_ON_A, **{"fit.stages": "[{epochs: 1, freeze: [base]}]", "fit.seed": seed, "publish.model": "tuned"})
            sizes.append(self.stored() - before)
        one = sum(tensor.nbytes for tensor in self.tensors("tuned@1").values())
        print(f"one fine-tune has {one} bytes of weights; ten take {sizes[-1]} bytes beside their base")
        models = [model["name"] for model in self.server.json("model", "ls")["models"]]
        self.assertEqual(models.count("tuned"), 10)
        self.assertLess(one + sizes[-1], 1.2 * one)

    def test_fetching_two_layers_moves_their_bytes_alone(self):
        file = self.server.dir / "large.yaml"
        file.write_text(LARGE)
        self.train(file)
        whole = sum(int(layer["params"]) for layer in self.server.json("model", "show", "large")["layers"]) * 4
        self.assertGreater(whole, 95e6)
        proxy = CountingProxy(self.server.endpoint)
        self.addCleanup(proxy.close)
        profile = json.loads(self.server.profile.read_text())
        profile["server"] = proxy.endpoint
        through = self.server.dir / "proxy.profile"
        through.write_text(json.dumps(profile))
        through.chmod(0o600)
        folder = self.server.dir / "lowest"
        self.server.run("--profile", through, "model", "fetch", "large", "--layers", ":2", "--output", folder)
        tensors = read_safetensors(folder / "weights.safetensors")
        self.assertEqual(sorted(tensors), ["dense/bias", "dense/kernel"])
        wanted = sum(tensor.nbytes for tensor in tensors.values())
        print(f"of {whole} bytes {wanted} were wanted and {proxy.bytes} came")
        self.assertLess(proxy.bytes, 1.1 * wanted)


if __name__ == "__main__":
    BIN = sys.argv.pop(1)
    unittest.main()
