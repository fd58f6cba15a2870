# SPDX-License-Identifier: Apache-2.0
"""onnxruntime, installed here with npm, gives for our exports what the engine gives: for each kind of layer on its samples,
and for each job of deploy/examples after a short training.

    onnxruntime_test.py BIN_DIR CONFORMANCE_ONNX_TEST PREDICT_ROWS INSTALL_DIR

GRADUS_WITHOUT_NPM=1 says that npm's registry is out of reach here; then nothing is tested, and the exit status is 77.
"""
import json
import os
import pathlib
import subprocess
import sys
import tempfile
import unittest

import numpy
import onnx
import yaml

ROOT = pathlib.Path(__file__).resolve().parents[3]
sys.path.insert(0, str(ROOT / "tests/support"))
from fashion import rows_of  # noqa: E402
from rig import Server  # noqa: E402

PACKAGE = "onnxruntime-node@1.20.1"
TOLERANCE = 1e-4
ROWS = 200
EXAMPLES = ROOT / "deploy/examples"
SHORT = {"fit.epochs": 1, "data.train.take": 600, "data.validation.take": 100, "data.test.take": 100}
# Where that is not what the example takes: its stages have the epochs; it is there to fail, so it keeps its start weights.
OTHERS = {
    "fashion-b-on-a": {"fit.stages[0].epochs": 1, "fit.stages[1].epochs": 1},
    "fashion-rnn-exploding": {"fit.epochs": 0},
}


def install():
    """npm's own files beside the package say whether it is there whole."""
    if (INSTALL / "done").exists():
        return
    INSTALL.mkdir(parents=True, exist_ok=True)
    # Scripts would fetch what runs on other devices.
    command = ["npm", "install", "--prefix", INSTALL, "--no-audit", "--no-fund", "--ignore-scripts", "--save-exact", PACKAGE]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    if done.returncode != 0:
        sys.exit(f"npm could not install {PACKAGE}; where its registry is out of reach, set GRADUS_WITHOUT_NPM=1\n{done.stderr}")
    (INSTALL / "done").touch()


def run_models(folder, cases):
    """[(model, {input: array}, names of outputs)] -> [{output: array}]"""
    jobs, results = [], []
    for number, (model, inputs, names) in enumerate(cases):
        job = {"model": str(model), "inputs": {}, "outputs": {name: str(folder / f"out-{number}-{name}") for name in names}}
        for name, value in inputs.items():
            file = folder / f"in-{number}-{name}"
            value.astype(numpy.float32).tofile(file)
            job["inputs"][name] = {"dims": value.shape, "file": str(file)}
        jobs.append(job)
    (folder / "cases.json").write_text(json.dumps(jobs))
    done = subprocess.run(["node", pathlib.Path(__file__).with_name("run_models.js"), folder / "cases.json"],
                          env={**os.environ, "NODE_PATH": str(INSTALL / "node_modules")}, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    for job in jobs:
        results.append({name: numpy.fromfile(file, numpy.float32) for name, file in job["outputs"].items()})
    return results


def ends(model):
    """Shapes of the inputs without the batch, and names of the outputs."""
    graph = onnx.load(model).graph
    shapes = {}
    for value in graph.input:
        batch, *dims = value.type.tensor_type.shape.dim
        assert batch.dim_param == "N", value.name
        shapes[value.name] = [dim.dim_value for dim in dims]
    return shapes, [value.name for value in graph.output]


class Runtime(unittest.TestCase):
    def setUp(self):
        self.temporary = tempfile.TemporaryDirectory()
        self.folder = pathlib.Path(self.temporary.name)

    def tearDown(self):
        self.temporary.cleanup()

    def expect_near(self, what, found, expected):
        self.assertEqual(found.size, expected.size, what)
        self.assertTrue(numpy.isfinite(expected).all(), what)
        difference = float(numpy.abs(found - expected).max())
        print(f"{what}: {difference:.2g}")
        self.assertLessEqual(difference, TOLERANCE, what)


class Kinds(Runtime):
    def test_each_sample_of_each_kind_of_layer_gives_the_same(self):
        subprocess.run([SAMPLES, "--gtest_brief=1"], env={**os.environ, "GRADUS_ONNX_CASES": str(self.folder)}, check=True)
        models = sorted(self.folder.glob("*.onnx"))
        self.assertGreater(len(models), 150)
        cases = []
        for model in models:
            shapes, outputs = ends(model)
            read = lambda name: numpy.fromfile(model.with_suffix(f".{name}.f32"), numpy.float32)  # noqa: E731, B023
            cases.append((model, {name: read(name).reshape(-1, *shape) for name, shape in shapes.items()}, outputs))
        for model, outputs in zip(models, run_models(self.folder, cases)):
            with self.subTest(model.stem):
                expected = numpy.fromfile(model.with_suffix(".expected.f32"), numpy.float32)
                self.expect_near(model.stem, *outputs.values(), expected)


class Examples(Runtime):
    @classmethod
    def setUpClass(cls):
        cls.server = Server(BIN).__enter__()
        cls.server.push_fashion()

    @classmethod
    def tearDownClass(cls):
        cls.server.__exit__(None)

    def train(self, path):
        settings = {**SHORT, **OTHERS.get(path.stem, {})}
        if path.stem == "fashion-b-on-a":
            del settings["fit.epochs"]
        sets = [word for field, value in settings.items() for word in ("--set", f"{field}={value}")]
        return self.server.run("train", path, *sets, "-q").stdout

    def fetched(self, path):
        """The model's folder, with both files."""
        name = yaml.safe_load(path.read_text())["publish"]["model"]
        for model_format in ("safetensors", "onnx"):
            self.server.run("model", "fetch", name, "--format", model_format, "--output", self.folder / name)
        return self.folder / name

    def inputs(self, path, shapes):
        """{input: rows of the test data}"""
        data = yaml.safe_load(path.read_text())["data"]
        x, _ = rows_of({**data["test"], "take": ROWS})
        parts = {each["input"]: slice(*each["part"]) for each in data.get("inputs", [])}
        return {name: x[:, parts.get(name, slice(None))].reshape(len(x), *shape) for name, shape in shapes.items()}

    def expected(self, folder, inputs):
        (self.folder / "rows").write_bytes(b"".join(value.tobytes() for value in inputs.values()))
        rows = str(len(next(iter(inputs.values()))))
        subprocess.run([PREDICT, folder, rows, self.folder / "rows", self.folder / "answers"], check=True)
        return numpy.fromfile(self.folder / "answers", numpy.float32)

    def test_each_gives_the_same(self):
        # In this order a base comes before what stands on it.
        for path in sorted(EXAMPLES.glob("*.yaml")):
            with self.subTest(path.stem):
                self.train(path)
                folder = self.fetched(path)
                shapes, outputs = ends(folder / "model.onnx")
                inputs = self.inputs(path, shapes)
                (found,) = run_models(self.folder, [(folder / "model.onnx", inputs, outputs)])
                self.expect_near(path.stem, numpy.concatenate(list(found.values())), self.expected(folder, inputs))

    def test_an_export_is_the_fetched_file(self):
        path = EXAMPLES / "fashion-a.yaml"
        self.train(path)
        folder = self.fetched(path)
        self.server.run("model", "export", "fashion-a", "--format", "onnx", "--output", self.folder / "deep/a.onnx")
        self.assertEqual((self.folder / "deep/a.onnx").read_bytes(), (folder / "model.onnx").read_bytes())
        self.assertEqual([file.name for file in (self.folder / "deep").iterdir()], ["a.onnx"])

    def test_layers_alone_are_no_onnx_file(self):
        self.train(EXAMPLES / "fashion-a.yaml")
        done = self.server.run("model", "fetch", "fashion-a", "--format", "onnx", "--layers", ":-1", "--output", self.folder, check=False)
        self.assertEqual(done.returncode, 1)
        self.assertIn("layers: an ONNX file is of the whole model", done.stderr)


if __name__ == "__main__":
    INSTALL, PREDICT, SAMPLES, BIN = (pathlib.Path(sys.argv.pop()).resolve() for _ in range(4))
    if os.environ.get("GRADUS_WITHOUT_NPM") == "1":
        print("GRADUS_WITHOUT_NPM=1: skipped, for npm's registry is out of reach")
        sys.exit(77)
    install()
    unittest.main()
