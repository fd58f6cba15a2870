# SPDX-License-Identifier: Apache-2.0
"""Predictions over the public protocol: right, of one version each, whatever moves, dies or does not fit.

    prediction_test.py BIN_DIR
"""
import json
import os
import pathlib
import signal
import subprocess
import sys
import threading
import unittest

import grpc
import numpy

ROOT = pathlib.Path(__file__).resolve().parents[3]
sys.path.insert(0, str(ROOT / "tests/support"))
from open_inference import OpenInference, values  # noqa: E402
from rig import Server, read_safetensors, wait_until  # noqa: E402

JOB = """
name: {name}
model:
  input_shape: [28, 28]
  layers:
    - flatten
    - dense: {{units: 100, activation: relu}}
    - batch_normalization
    - dense: {{units: {units}, activation: softmax}}
data: {{train: {{dataset: fashion-mnist, take: 2000, scale: 0.00392156862745098}}}}
loss: sparse_categorical_crossentropy
fit: {{epochs: {epochs}, seed: {seed}}}
publish: {{model: {name}}}
"""
CLIENTS = 64
MOVES = 100


def served_processes(server):
    """Process ids of the models that are loaded."""
    listed = subprocess.run(["pgrep", "-P", str(server.process.pid), "-f", "gradus-worker serve"], capture_output=True, text=True)
    return [int(word) for word in listed.stdout.split()]


class Prediction(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.server = Server(BIN).__enter__()
        cls.server.push_fashion()
        for seed in (1, 2):
            cls.publish("net", seed=seed)
        cls.client = OpenInference(cls.server.profile)
        cls.rows = numpy.random.default_rng(1).random((40, 28, 28), numpy.float32)

    @classmethod
    def tearDownClass(cls):
        cls.client.close()
        cls.server.__exit__(None, None, None)

    @classmethod
    def publish(cls, name, seed=1, units=10, epochs=1):
        file = cls.server.dir / f"{name}-{seed}.yaml"
        file.write_text(JOB.format(name=name, seed=seed, units=units, epochs=epochs))
        cls.server.run("train", file)

    def refused(self, code, words, call, *args, **fields):
        with self.assertRaises(grpc.RpcError) as caught:
            call(*args, **fields)
        self.assertEqual(caught.exception.code(), code, caught.exception.details())
        self.assertIn(words, caught.exception.details())

    def by_hand(self, ref, rows):
        folder = self.server.dir / ref.replace("@", "-")
        self.server.run("model", "fetch", ref, "--output", folder)
        t = read_safetensors(folder / "weights.safetensors")
        x = rows.reshape(len(rows), -1).astype(numpy.float64)
        x = numpy.maximum(x @ t["dense/kernel"] + t["dense/bias"], 0)
        norm = {k.rsplit("/", 1)[1]: v.astype(numpy.float64) for k, v in t.items() if k.startswith("batch_normalization/")}
        x = (x - norm["moving_mean"]) / numpy.sqrt(norm["moving_variance"] + 1e-3) * norm["gamma"] + norm["beta"]
        x = x @ t["dense_1/kernel"] + t["dense_1/bias"]
        x = numpy.exp(x - x.max(axis=1, keepdims=True))
        return x / x.sum(axis=1, keepdims=True)

    def test_the_server_and_its_models_are_told(self):
        self.assertTrue(self.client.call("ServerLive", metadata=[]).live)
        self.assertTrue(self.client.call("ServerReady", metadata=[]).ready)
        self.assertEqual(self.client.call("ServerMetadata").name, "gradus")
        self.assertTrue(self.client.call("ModelReady", name="net").ready)
        self.assertTrue(self.client.call("ModelReady", name="net", version="2").ready)
        self.assertFalse(self.client.call("ModelReady", name="net", version="9").ready)
        self.assertFalse(self.client.call("ModelReady", name="nobody").ready)
        model = self.client.call("ModelMetadata", name="net")
        self.assertEqual((model.name, list(model.versions), model.platform), ("net", ["2", "1"], "gradus"))
        self.assertEqual([(t.name, t.datatype, list(t.shape)) for t in (*model.inputs, *model.outputs)],
                         [("input", "FP32", [-1, 28, 28]), ("dense_1", "FP32", [-1, 10])])

    def test_without_a_token_nothing_is_said_of_models(self):
        for method, fields in (("ModelReady", {"name": "net"}), ("ModelMetadata", {"name": "net"}), ("ServerMetadata", {}),
                               ("ModelInfer", {"model_name": "net"})):
            self.refused(grpc.StatusCode.UNAUTHENTICATED, "token", self.client.call, method, metadata=[], **fields)

    def test_answers_are_those_of_the_network(self):
        for version in ("1", "2"):
            for raw in (True, False):
                answer = self.client.infer("net", self.rows, version, raw=raw, id="q7")
                self.assertEqual((answer.model_name, answer.model_version, answer.id), ("net", version, "q7"))
                self.assertEqual(bool(answer.raw_output_contents), raw)
                numpy.testing.assert_allclose(values(answer), self.by_hand(f"net@{version}", self.rows), atol=2e-6)

    def test_a_row_has_the_same_bits_alone_and_in_company(self):
        together = values(self.client.infer("net@1", self.rows))
        for i in range(len(self.rows)):
            numpy.testing.assert_array_equal(values(self.client.infer("net@1", self.rows[i:i + 1]))[0], together[i])

    def test_names_versions_and_aliases_all_lead_there(self):
        self.server.run("model", "alias", "net@1", "first")
        for name, version in (("net@1", ""), ("net", "1"), ("net@first", ""), ("net", "first")):
            self.assertEqual(self.client.infer(name, self.rows[:1], version).model_version, "1")
        self.assertEqual(self.client.infer("net", self.rows[:1]).model_version, "2")

    def test_what_does_not_fit_is_told(self):
        invalid = grpc.StatusCode.INVALID_ARGUMENT
        self.refused(invalid, "inputs[0].shape: [1, 784] is not [rows, 28, 28]", self.client.infer, "net", self.rows[:1].reshape(1, 784))
        self.refused(invalid, 'inputs[0].name: "pixels" is not one of "input"', self.client.infer, "net", self.rows[:1], name="pixels")
        self.refused(invalid, "model_version", self.client.infer, "net@1", self.rows[:1], version="2")
        self.refused(invalid, "ref", self.client.infer, "net", self.rows[:1], version="../2")
        self.refused(grpc.StatusCode.NOT_FOUND, "nobody", self.client.infer, "nobody", self.rows[:1])
        self.refused(grpc.StatusCode.NOT_FOUND, "net@9", self.client.infer, "net", self.rows[:1], version="9")

    def under_load(self, ref, answers_of, act):
        """Has 64 clients ask for one row each, over and over, while `act` runs; all answers must be whole ones."""
        stop = threading.Event()
        faults, counts, seen = [], [0] * CLIENTS, set()

        def ask(number):
            client = OpenInference(self.server.profile, options=[("grpc.use_local_subchannel_pool", 1)])
            row = number % len(self.rows)
            try:
                while not stop.is_set():
                    answer = client.infer(ref, self.rows[row:row + 1])
                    expected = answers_of[answer.model_version][row]
                    if not numpy.array_equal(values(answer)[0], expected):
                        faults.append(f"row {row} of version {answer.model_version} is not its answer")
                    seen.add(answer.model_version)
                    counts[number] += 1
            except grpc.RpcError as error:
                faults.append(f"{error.code()}: {error.details()}")
            finally:
                client.close()

        threads = [threading.Thread(target=ask, args=(i,)) for i in range(CLIENTS)]
        for thread in threads:
            thread.start()
        try:
            act(counts)
        finally:
            stop.set()
            for thread in threads:
                thread.join()
        self.assertEqual(faults[:5], [])
        return sum(counts), seen

    def test_an_alias_moves_under_load_and_every_answer_is_of_one_version(self):
        answers = {version: values(self.client.infer("net", self.rows, version)) for version in ("1", "2")}
        self.server.run("model", "alias", "net@1", "live")

        def move(counts):
            for i in range(MOVES):
                self.server.run("model", "alias", f"net@{2 - i % 2}", "live")
            wait_until(lambda: min(counts) > 0, 60, "an answer for each client")

        asked, seen = self.under_load("net@live", answers, move)
        print(f"{asked} requests of {CLIENTS} clients over {MOVES} moves of the alias, none failed")
        self.assertEqual(seen, {"1", "2"})

    def test_the_process_of_a_model_may_be_killed_under_load(self):
        self.publish("killed", seed=3)
        answers = {"1": values(self.client.infer("killed", self.rows))}

        def kill(counts):
            for _ in range(2):
                before = list(counts)
                found = wait_until(lambda: served_processes(self.server), 30, "a loaded model")
                for process in found:
                    os.kill(process, signal.SIGKILL)
                wait_until(lambda: all(a > b for a, b in zip(counts, before)), 60, "an answer for each client")

        asked, _ = self.under_load("killed", answers, kill)
        print(f"{asked} requests of {CLIENTS} clients while the model's process was killed twice, none failed")

    def test_a_version_that_is_removed_answers_no_more(self):
        self.publish("short-lived", seed=4)
        self.client.infer("short-lived", self.rows[:1])
        self.server.run("model", "rm", "short-lived@1")
        self.refused(grpc.StatusCode.NOT_FOUND, "short-lived", self.client.infer, "short-lived", self.rows[:1])

    def test_the_command_line_gives_the_same(self):
        rows = self.server.dir / "rows.json"
        rows.write_text(json.dumps(self.rows[:3].tolist()))
        reply = self.server.json("model", "predict", "net@1", "--input", rows)
        found = numpy.array(reply["outputs"][0]["contents"]["fp32_contents"], numpy.float32).reshape(3, 10)
        numpy.testing.assert_array_equal(found, values(self.client.infer("net@1", self.rows[:3])))
        classes = self.server.run("model", "predict", "net@1", "--input", rows, "-q").stdout.split()
        self.assertEqual(classes, [str(c) for c in found.argmax(axis=1)])


class SmallMemory(unittest.TestCase):
    """A server whose loaded models may not take much together."""

    def test_models_make_room_for_each_other(self):
        with Server(BIN) as server:
            server.push_fashion()
            for seed in (1, 2, 3):
                file = server.dir / f"{seed}.yaml"
                file.write_text(JOB.format(name="net", seed=seed, units=10, epochs=0))
                server.run("train", file)
            server.stop()
            config = server.dir / "config.yaml"
            config.write_text("prediction_memory: 100MiB\n")
            server.flags = ["--config", config]
            server.start()
            client = OpenInference(server.profile)
            rows = numpy.random.default_rng(1).random((2, 28, 28), numpy.float32)
            first = {}
            most = 0
            for _ in range(3):
                for version in ("1", "2", "3"):
                    found = values(client.infer("net", rows, version))
                    numpy.testing.assert_array_equal(found, first.setdefault(version, found))
                    most = max(most, len(served_processes(server)))
            print(f"three models in turn, at most {most} processes at once")
            self.assertLess(most, 3)
            client.close()

    def test_a_model_that_is_too_large_is_told(self):
        with Server(BIN) as server:
            server.push_fashion()
            file = server.dir / "net.yaml"
            file.write_text(JOB.format(name="net", seed=1, units=10, epochs=0))
            server.run("train", file)
            server.stop()
            config = server.dir / "config.yaml"
            config.write_text("prediction_memory: 10MiB\n")
            server.flags = ["--config", config]
            server.start()
            client = OpenInference(server.profile)
            with self.assertRaises(grpc.RpcError) as caught:
                client.infer("net", numpy.zeros((1, 28, 28)))
            self.assertEqual(caught.exception.code(), grpc.StatusCode.RESOURCE_EXHAUSTED)
            self.assertIn("prediction_memory allows 10MiB", caught.exception.details())
            client.close()


class Endings(unittest.TestCase):
    def test_no_process_outlives_its_server(self):
        for way in (signal.SIGTERM, signal.SIGKILL):
            with Server(BIN) as server:
                server.push_fashion()
                file = server.dir / "net.yaml"
                file.write_text(JOB.format(name="net", seed=1, units=10, epochs=0))
                server.run("train", file)
                client = OpenInference(server.profile)
                client.infer("net", numpy.zeros((1, 28, 28)))
                processes = served_processes(server)
                self.assertEqual(len(processes), 1)
                client.close()
                server.process.send_signal(way)
                server.process.wait(30)
                wait_until(lambda: not any(pathlib.Path(f"/proc/{p}/exe").exists() for p in processes), 10, "the end of its processes")


if __name__ == "__main__":
    BIN = sys.argv.pop(1)
    unittest.main()
