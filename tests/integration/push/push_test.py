# SPDX-License-Identifier: Apache-2.0
"""Models that come as files: pushed with their definition, or imported; what becomes of them, and of files that are none.

    push_test.py BIN_DIR
"""
import json
import pathlib
import sys
import tempfile
import unittest

import numpy

ROOT = pathlib.Path(__file__).resolve().parents[3]
sys.path.insert(0, str(ROOT / "tests/support"))
from rig import Server, read_safetensors  # noqa: E402

A = ROOT / "deploy/examples/fashion-a.yaml"
B_ON_A = ROOT / "deploy/examples/fashion-b-on-a.yaml"
CONV = ROOT / "deploy/examples/fashion-conv.yaml"
SMALL = {"fit.epochs": 1, "data.train.take": 2000, "data.validation.take": 500}


def write_safetensors(path, tensors):
    """{name: array} of any type, as any other program would write it."""
    kinds = {"float32": "F32", "float64": "F64", "float16": "F16"}
    header, data = {}, b""
    for name, array in tensors.items():
        values = numpy.ascontiguousarray(array).tobytes()
        header[name] = {"dtype": kinds[array.dtype.name], "shape": list(array.shape), "data_offsets": [len(data), len(data) + len(values)]}
        data += values
    text = json.dumps(header).encode()
    path.write_bytes(len(text).to_bytes(8, "little") + text + data)


class Push(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.server = Server(BIN).__enter__()
        cls.server.push_fashion()
        cls.temporary = tempfile.TemporaryDirectory()
        cls.dir = pathlib.Path(cls.temporary.name)
        cls.train(A)
        cls.server.run("model", "fetch", "fashion-a@1", "--output", cls.dir / "a")

    @classmethod
    def tearDownClass(cls):
        cls.server.__exit__(None)
        cls.temporary.cleanup()

    @classmethod
    def settings(cls, **more):
        return [word for path, value in {**SMALL, **more}.items() for word in ("--set", f"{path}={value}")]

    @classmethod
    def train(cls, file, *settings):
        cls.server.run("train", file, *cls.settings(), *settings)

    def refused(self, *command):
        done = self.server.run(*command, check=False)
        self.assertEqual(done.returncode, 1, done.stdout)
        return done.stderr

    def test_what_was_fetched_comes_back_as_it_was(self):
        before = self.server.json("model", "show", "fashion-a@1")
        pushed = self.server.json("model", "push", "again", self.dir / "a")
        self.assertEqual(pushed["weights_sha256"], before["weights_sha256"])
        self.assertEqual(pushed["digest"], before["digest"])
        self.assertEqual(pushed["layers"], before["layers"])
        self.assertEqual(pushed["owner"], "admin")
        self.assertEqual(pushed["job"], "")
        # The same again is the same version; under the same name something else is the next one.
        self.assertEqual(self.server.json("model", "push", "again", self.dir / "a")["version"], pushed["version"])
        self.server.run("model", "fetch", "again", "--output", self.dir / "back")
        for file in ("weights.safetensors", "model.json"):
            self.assertEqual((self.dir / "back" / file).read_bytes(), (self.dir / "a" / file).read_bytes(), file)

    def test_other_programs_types_become_f32(self):
        tensors = read_safetensors(self.dir / "a/weights.safetensors")
        write_safetensors(self.dir / "wide.safetensors", {name: array.astype("float64") for name, array in tensors.items()})
        pushed = self.server.json("model", "push", "wide", self.dir / "wide.safetensors", "--model", self.dir / "a/model.json")
        self.assertEqual(pushed["weights_sha256"], self.server.json("model", "show", "fashion-a@1")["weights_sha256"])

    def test_a_pushed_model_is_a_base(self):
        self.server.run("model", "push", "base", self.dir / "a")
        self.server.run("train", B_ON_A, "--set", "model.base.model=base", "--set", "fit.stages[0].epochs=1", "--set", "fit.stages[1].epochs=1")
        tuned = self.server.json("model", "show", "fashion-b")
        self.assertEqual(tuned["parents"], ["base@1"])

    def test_a_file_that_does_not_fit_is_refused_with_the_reason(self):
        tensors = read_safetensors(self.dir / "a/weights.safetensors")
        name = next(iter(tensors))
        cases = {
            "missing": ({k: v for k, v in tensors.items() if k != name}, f'there is no tensor "{name}"'),
            "more": ({**tensors, "extra/kernel": tensors[name]}, "belongs to none"),
            "shape": ({**tensors, name: tensors[name].reshape(-1)}, f'"{name}" has the shape'),
        }
        for case, (changed, message) in cases.items():
            with self.subTest(case):
                write_safetensors(self.dir / f"{case}.safetensors", changed)
                self.assertIn(message, self.refused("model", "push", "bad", self.dir / f"{case}.safetensors", "--model", self.dir / "a/model.json"))
        whole = (self.dir / "a/weights.safetensors").read_bytes()
        (self.dir / "cut.safetensors").write_bytes(whole[:-1])
        self.refused("model", "push", "bad", self.dir / "cut.safetensors", "--model", self.dir / "a/model.json")
        (self.dir / "none.json").write_text('{"input_shape": [4], "layers": [{"dense": {"units": 0}}]}')
        self.assertIn("model.layers[0].dense.units", self.refused("model", "push", "bad", self.dir / "a/weights.safetensors", "--model", self.dir / "none.json"))
        self.assertIn("there is no model", self.refused("model", "show", "bad"))

    def test_an_exported_network_comes_back_with_the_same_weights(self):
        for file, name in ((A, "fashion-a@1"), (CONV, "fashion-conv")):
            with self.subTest(name):
                if file == CONV:
                    self.train(CONV)
                self.server.run("model", "export", name, "--output", self.dir / "net.onnx")
                imported = self.server.json("model", "import", "imported", self.dir / "net.onnx")
                self.server.run("model", "fetch", f"imported@{imported['version']}", "--output", self.dir / "imported")
                self.server.run("model", "fetch", name, "--output", self.dir / "original")
                ours = read_safetensors(self.dir / "imported/weights.safetensors")
                theirs = read_safetensors(self.dir / "original/weights.safetensors")
                for a, b in zip(ours.values(), theirs.values(), strict=True):
                    self.assertTrue(numpy.array_equal(a, b))

    def test_a_graph_that_is_none_is_refused_with_the_reason(self):
        (self.dir / "bad.onnx").write_bytes(b"\xff" * 100)
        self.assertIn("bad.onnx", self.refused("model", "import", "bad", self.dir / "bad.onnx"))

    def test_arrays_of_numpy_become_a_dataset(self):
        x = numpy.arange(5 * 28 * 28, dtype="uint8").reshape(5, 28, 28)
        y = numpy.array([0, 1, 2, 1, 0])
        numpy.savez_compressed(self.dir / "small.npz", x_train=x, y_train=y, x_test=x[:2], y_test=y[:2])
        self.server.run("data", "push", "small", self.dir / "small.npz")
        splits = {split["name"]: split for split in self.server.json("data", "show", "small")["splits"]}
        self.assertEqual(splits["train"]["rows"], "5")
        self.assertEqual(splits["test"]["rows"], "2")
        columns = {column["name"]: column for column in splits["train"]["columns"]}
        self.assertEqual(columns["x"]["shape"], ["28", "28"])
        self.assertEqual(columns["y"]["label_counts"], {"0": "2", "1": "2", "2": "1"})
        # The same rows as IDX files would be.
        numpy.save(self.dir / "x.npy", numpy.asfortranarray(x))
        numpy.save(self.dir / "y.npy", y.astype(">i4"))
        self.server.run("data", "push", "single", f"train:x={self.dir / 'x.npy'}", f"train:y={self.dir / 'y.npy'}")
        single = self.server.json("data", "show", "single")["splits"][0]
        self.assertEqual({c["name"]: c for c in single["columns"]}["x"]["blob"], columns["x"]["blob"])
        write_safetensors(self.dir / "small.safetensors", {"x": x.astype("float32"), "y": y.astype("float32")})
        self.server.run("data", "push", "tensors", f"train={self.dir / 'small.safetensors'}")
        numpy.save(self.dir / "objects.npy", numpy.array([{}], dtype=object), allow_pickle=True)
        self.assertIn("objects.npy", self.refused("data", "push", "bad", f"train:x={self.dir / 'objects.npy'}"))


if __name__ == "__main__":
    BIN = sys.argv.pop(1)
    unittest.main()
