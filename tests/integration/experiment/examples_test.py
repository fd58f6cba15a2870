# SPDX-License-Identifier: Apache-2.0
"""The jobs of deploy/examples are accepted as they are, and what they are there to show is seen in a short run.

    examples_test.py BIN_DIR
"""
import json
import pathlib
import subprocess
import sys
import unittest

ROOT = pathlib.Path(__file__).resolve().parents[3]
sys.path.insert(0, str(ROOT / "tests/support"))
from rig import Server  # noqa: E402

EXAMPLES = ROOT / "deploy/examples"


class Examples(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.server = Server(BIN).__enter__()
        cls.server.push_fashion()

    @classmethod
    def tearDownClass(cls):
        cls.server.__exit__(None)

    def train(self, name, **settings):
        sets = [word for path, value in settings.items() for word in ("--set", f"{path.replace('__', '.')}={value}")]
        job = self.server.json("job", "submit", EXAMPLES / f"{name}.yaml", *sets)
        self.server.run("job", "wait", job["id"], check=False)
        return self.server.json("job", "show", job["id"])

    def accuracy(self, name, **settings):
        job = self.train(name, **settings)
        self.assertEqual(job["state"], "SUCCEEDED", job["reason"])
        print(name, job["metrics"])
        return job["metrics"]["val_accuracy"]

    def test_each_is_accepted_and_says_in_a_remark_what_it_shows(self):
        self.train("fashion-a", fit__epochs=0)  # the base of fashion-b-on-a
        files = sorted(EXAMPLES.glob("*.yaml"))
        self.assertGreater(len(files), 10)
        for path in files:
            with self.subTest(path.name):
                self.assertTrue(path.read_text().startswith("# "))
                spec = self.server.json("job", "submit", path, "--dry-run")["effective_spec"]
                self.assertEqual(spec["name"], path.stem)

    def test_twenty_layers_of_sigmoids_fall_far_behind(self):
        behind, *others = (self.accuracy(f"fashion-deep-{name}", fit__epochs=2) for name in ("sigmoid", "relu", "bn", "selu"))
        self.assertGreater(min(others), behind + 0.25)

    def test_gradients_of_a_recurrent_network_explode_unless_they_are_clipped(self):
        exploding = self.train("fashion-rnn-exploding", fit__epochs=1)
        self.assertEqual(exploding["state"], "FAILED")
        self.assertRegex(exploding["reason"], r"^step \d+ .*: the loss is -?(nan|inf).*\"simple_rnn\" is the first")
        self.assertGreater(self.accuracy("fashion-rnn-clipped", fit__epochs=1), 0.7)

    def test_both_places_of_a_normalization_learn(self):
        for name in ("fashion-bn", "fashion-bn-before"):
            self.assertGreater(self.accuracy(name, fit__epochs=1), 0.83)

    def test_what_reads_images_learns(self):
        self.assertGreater(self.accuracy("fashion-conv", fit__epochs=1, data__train__take=8000), 0.75)
        self.assertGreater(self.accuracy("fashion-lstm", fit__epochs=1, data__train__take=20000), 0.65)

    def test_the_report_of_transfer_has_each_experiment_and_seed(self):
        words = ["--bin-dir", BIN, "--profile", self.server.profile, "--seeds", "1,5-6", "--set", "data.train.take=200", "--json"]
        done = subprocess.run([EXAMPLES / "transfer-report", *words], capture_output=True, text=True)
        self.assertEqual(done.returncode, 0, done.stderr)
        found = json.loads(done.stdout)
        for experiment in ("fashion-a", "fashion-b", "fashion-b-on-a"):
            self.assertEqual(list(found["experiments"][experiment]["test_accuracy"]), ["1", "5", "6"])
        self.assertEqual(list(found["base_weights_unchanged"].values()), [True] * 3)


if __name__ == "__main__":
    BIN = sys.argv.pop(1)
    unittest.main()
