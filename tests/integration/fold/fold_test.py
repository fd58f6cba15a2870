# SPDX-License-Identifier: Apache-2.0
"""`gradus model fold`: trains, folds, fetches both versions, and works their answers out again in float64.

    fold_test.py BIN_DIR
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

SIDE, CLASSES, ROWS, SCALE = 8, 4, 1200, 1 / 255
DATA = """
data:
  train:      {dataset: squares, range: [0, 1000],    scale: 0.00392156862745098}
  validation: {dataset: squares, range: [1000, 1200], scale: 0.00392156862745098}
loss: sparse_categorical_crossentropy
optimizer: {sgd: {learning_rate: 0.05, momentum: 0.9}}
fit: {epochs: 4, batch_size: 20, seed: 7}
"""
DENSE = """
model:
  input_shape: [8, 8]
  layers:
    - flatten
    - batch_normalization
    - dense: {units: 24, use_bias: false}
    - batch_normalization
    - activation: relu
    - dense: {units: 16, activation: relu}
    - batch_normalization: {scale: false}
    - dense: {units: 4, activation: softmax}
"""
CONVOLUTIONAL = """
model:
  input_shape: [8, 8]
  layers:
    - reshape: {target_shape: [8, 8, 1]}
    - conv2d: {filters: 6, kernel_size: 3, padding: same, use_bias: false}
    - batch_normalization
    - activation: relu
    - max_pooling2d
    - conv2d: {filters: 8, kernel_size: 3, activation: relu}
    - batch_normalization
    - flatten
    - dense: {units: 4, activation: softmax}
"""
# The first one has an activation before it, and a pool behind it.
IN_PART = """
model:
  input_shape: [8, 8]
  layers:
    - reshape: {target_shape: [8, 8, 1]}
    - conv2d: {filters: 6, kernel_size: 3, activation: relu}
    - {name: stays, batch_normalization: {}}
    - max_pooling2d
    - flatten
    - dense: {units: 8}
    - {name: goes, batch_normalization: {}}
    - dense: {units: 4, activation: softmax}
"""
PLAIN = "model: {input_shape: [8, 8], layers: [flatten, {dense: {units: 4, activation: softmax}}]}\n"


def rows():
    """Noise with a brighter quarter, which is the class."""
    random = numpy.random.default_rng(1)
    y = random.integers(CLASSES, size=ROWS).astype(numpy.uint8)
    x = random.integers(120, size=(ROWS, SIDE, SIDE)).astype(numpy.uint8)
    for image, label in zip(x, y):
        image[4 * (label // 2):4 * (label // 2) + 4, 4 * (label % 2):4 * (label % 2) + 4] += 90
    return x, y


def write_idx(path, values):
    shape = b"".join(extent.to_bytes(4, "big") for extent in values.shape)
    path.write_bytes(bytes([0, 0, 8, values.ndim]) + shape + values.tobytes())


def activated(x, layer):
    (kind,) = layer.get("activation", {"linear": {}})
    if kind == "relu":
        return numpy.maximum(x, 0)
    if kind == "softmax":
        power = numpy.exp(x - x.max(-1, keepdims=True))
        return power / power.sum(-1, keepdims=True)
    assert kind == "linear", kind
    return x


def convolved(x, layer, kernel):
    assert list(map(int, layer["strides"])) == [1, 1]
    if layer["padding"] == "SAME":
        before, after = (kernel.shape[0] - 1) // 2, kernel.shape[0] // 2
        x = numpy.pad(x, ((0, 0), (before, after), (before, after), (0, 0)))
    windows = numpy.lib.stride_tricks.sliding_window_view(x, kernel.shape[:2], axis=(1, 2))
    return numpy.einsum("nhwcij,ijco->nhwo", windows, kernel)


def answers(folder, x):
    """What the network in the folder says of the rows, after its two files alone."""
    spec = json.loads((folder / "model.json").read_text())
    weights = {name: tensor.astype(numpy.float64) for name, tensor in read_safetensors(folder / "weights.safetensors").items()}
    before = "input"
    for each in spec["layers"]:
        assert each.get("inputs", [before]) == [before], each
        before = name = each["name"]
        (kind,) = each.keys() & {"flatten", "reshape", "activation", "max_pooling2d", "batch_normalization", "dense", "conv2d"}
        layer = each[kind]
        of = lambda word: weights.get(f"{name}/{word}", 0)  # noqa: E731
        if kind == "flatten":
            x = x.reshape(len(x), -1)
        elif kind == "reshape":
            x = x.reshape(len(x), *map(int, layer["target_shape"]))
        elif kind == "activation":
            x = activated(x, {"activation": layer})
        elif kind == "max_pooling2d":
            x = x.reshape(len(x), x.shape[1] // 2, 2, x.shape[2] // 2, 2, -1).max((2, 4))
        elif kind == "batch_normalization":
            gamma = weights.get(f"{name}/gamma", 1)
            x = gamma * (x - of("moving_mean")) / numpy.sqrt(of("moving_variance") + layer["epsilon"]) + of("beta")
        else:
            product = x @ of("kernel") if kind == "dense" else convolved(x, layer, of("kernel"))
            x = activated(product + of("bias"), layer)
    return x


class Fold(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.server = Server(BIN).__enter__()
        cls.folder = pathlib.Path(tempfile.mkdtemp())
        cls.x, y = rows()
        write_idx(cls.folder / "x", cls.x)
        write_idx(cls.folder / "y", y)
        cls.push("squares")
        for name, model in {"dense": DENSE, "conv": CONVOLUTIONAL, "part": IN_PART, "plain": PLAIN}.items():
            file = cls.folder / f"{name}.yaml"
            file.write_text(f"{model}{DATA}publish: {{model: {name}}}\n")
            cls.server.run("train", file)

    @classmethod
    def tearDownClass(cls):
        cls.server.__exit__(None, None, None)

    @classmethod
    def push(cls, name):
        cls.server.run("data", "push", name, f"train:x={cls.folder / 'x'}", f"train:y={cls.folder / 'y'}")

    def fetched(self, ref):
        out = self.folder / ref
        self.server.run("model", "fetch", ref, "--output", out)
        return out

    def largest_difference(self, name, first, second):
        x = self.x * SCALE
        whole, folded = (answers(self.fetched(f"{name}@{version}"), x) for version in (first, second))
        # Else two networks that say nothing would agree.
        self.assertGreater(numpy.abs(whole - whole.mean(0)).max(), 0.3)
        return numpy.abs(whole - folded).max()

    def refused(self, *words):
        done = self.server.run("model", "fold", *words, check=False)
        self.assertEqual(done.returncode, 1, done.stdout)
        return done.stderr

    def versions(self, name):
        models = self.server.json("model", "ls")["models"]
        return sorted(int(model["version"]) for model in models if model["name"] == name)

    def test_a_dense_network_answers_as_before(self):
        said = self.server.run("model", "fold", "dense").stdout
        self.assertRegex(said, "folded: batch_normalization, batch_normalization_1, batch_normalization_2\n")
        self.assertRegex(said, "over 200 rows")
        self.assertLessEqual(self.largest_difference("dense", 1, 2), 1e-4)
        whole, folded = (self.server.json("model", "show", f"dense@{version}") for version in (1, 2))
        self.assertEqual(folded["parents"], ["dense@1"])
        self.assertEqual([layer["type"] for layer in folded["layers"]], ["flatten", "dense", "activation", "dense", "dense"])
        # Three normalizations with 4, 4 and 3 weights a channel; the first product has a bias now.
        self.assertEqual(int(whole["total_params"]) - int(folded["total_params"]), 64 * 4 + 24 * 4 + 16 * 3 - 24)
        self.assertLessEqual(folded["metrics"]["largest_difference"], 1e-4)

    def test_a_convolutional_network_answers_as_before(self):
        first, *events, job = map(json.loads, self.server.run("model", "fold", "conv@1", "--json").stdout.splitlines())
        self.assertEqual((first["state"], job["state"], job["published"]), ("QUEUED", "SUCCEEDED", "conv@2"))
        (told,) = [event["model_folded"] for event in events if "model_folded" in event]
        self.assertEqual(told["folded"], ["batch_normalization", "batch_normalization_1"])
        self.assertEqual((told["unfolded"], told["rows"]), ([], "200"))
        self.assertLess(int(told["params_after"]), int(told["params_before"]))
        difference = self.largest_difference("conv", 1, 2)
        self.assertLessEqual(difference, 1e-4)
        self.assertLessEqual(told["largest_difference"], 1e-4)

    def test_what_cannot_be_folded_stays_and_is_told(self):
        said = self.server.run("model", "fold", "part", "--data", "squares[range: [0, 50], scale: 0.0039]").stdout
        self.assertRegex(said, "folded: goes\nnot folded: stays: no product before it")
        self.assertRegex(said, "over 50 rows")
        self.assertLessEqual(self.largest_difference("part", 1, 2), 1e-4)
        self.assertEqual(self.server.run("model", "fold", "part@1", "-q").stdout, "part@3\n")
        # All that is left can never be folded.
        self.assertRegex(self.refused("part@2"), "FAILED: part@2 has nothing to fold: stays: no product before it")
        self.assertEqual(self.versions("part"), [1, 2, 3])

    def test_outputs_that_differ_too_much_publish_nothing(self):
        before = self.versions("dense")
        said = self.refused("dense@1", "--max-difference", "0")
        self.assertRegex(said, r"differ by up to \d\S* from those of dense@1 \(row \d+ of data.test, output \d\), more than")
        self.assertEqual(self.versions("dense"), before)

    def test_refusals(self):
        self.assertRegex(self.refused("nobody"), 'fold.model: there is no model "nobody"')
        self.assertRegex(self.refused("dense@"), 'fold.model: "dense@" is not a model reference')
        self.assertRegex(self.refused("plain"), "fold.model: plain@1 has nothing to fold")
        self.assertRegex(self.refused("dense@1", "--data", "squares[split: tset]"), 'data.test.split: "tset" is not a split')
        self.assertRegex(self.refused("dense@1", "--data", "nowhere"), 'data.test.dataset: "nowhere" is not a dataset')
        write_idx(self.folder / "narrow", self.x[:, :, :7])
        self.server.run("data", "push", "narrow", f"train:x={self.folder / 'narrow'}")
        self.assertRegex(self.refused("dense@1", "--data", "narrow"), r"data.test: rows of shape \(8, 7\) do not fit model.input_shape")
        self.assertEqual(self.versions("plain"), [1])

    def test_without_a_valid_token_nothing_is_folded(self):
        profile = json.loads(self.server.profile.read_text())
        stranger = self.folder / "stranger.profile"
        stranger.write_text(json.dumps({**profile, "token": "gradus_" + 64 * "0"}))
        self.assertRegex(self.refused("dense@1", "--profile", stranger), "the token is not valid")

    def test_where_the_rows_are_gone_it_says_how_to_name_others(self):
        self.push("gone")
        file = self.folder / "gone.yaml"
        file.write_text(f"{DENSE}{DATA}publish: {{model: gone}}\n".replace("squares", "gone"))
        self.server.run("train", file, "--set", "fit.epochs=1")
        self.server.run("data", "rm", "gone")
        said = self.refused("gone")
        self.assertRegex(said, "data.test: there are no rows to compare the outputs on")
        self.assertRegex(said, "gradus model fold --data NAME")
        self.server.run("model", "fold", "gone", "--data", "squares[scale: 0.0039]")
        self.assertEqual(self.versions("gone"), [1, 2])

    def test_the_effective_job_file_does_the_same_again(self):
        first = self.server.run("model", "fold", "dense@1", "-q").stdout.strip()
        id = self.server.json("model", "show", first)["job"]
        again = self.folder / "again.yaml"
        again.write_text(self.server.run("job", "show", id, "--yaml").stdout)
        events = [json.loads(line) for line in self.server.run("train", again, "--json").stdout.splitlines()]
        self.assertEqual(events[-1]["state"], "SUCCEEDED")
        self.assertEqual(events[-1]["weights_sha256"], self.server.json("job", "show", id)["weights_sha256"])


if __name__ == "__main__":
    BIN = sys.argv.pop(1)
    unittest.main()
