# SPDX-License-Identifier: Apache-2.0
"""Clients at once, and clients whose server stands still, goes away and comes back.

    together_test.py BIN_DIR
"""
import json
import pathlib
import signal
import subprocess
import sys
import tempfile
import unittest

ROOT = pathlib.Path(__file__).resolve().parents[3]
sys.path.insert(0, str(ROOT / "tests/support"))
from rig import FASHION, Server, wait_until  # noqa: E402

EXAMPLE = ROOT / "deploy/examples/fashion-a.yaml"
LABELS = [f"{split}:x={FASHION}/{name}-labels-idx1-ubyte.gz" for split, name in (("train", "train"), ("test", "t10k"))]


class Client:
    """A command under way; what it says is in files, so that it never waits for a reader."""

    def __init__(self, test, *words):
        self.out, self.err = tempfile.NamedTemporaryFile(), tempfile.NamedTemporaryFile()
        command = [test.server.bin / "gradus", "--profile", test.server.profile, *map(str, words)]
        self.process = subprocess.Popen(command, stdout=self.out, stderr=self.err)
        test.addCleanup(self.close)

    def close(self):
        if self.process.poll() is None:
            self.process.kill()
        self.process.wait()
        self.out.close()
        self.err.close()

    def wait(self):
        self.process.wait(120)
        return self.process.returncode

    def takes_interrupts(self):
        """SIGINT is blocked: from now on a thread waits for it."""
        status = pathlib.Path(f"/proc/{self.process.pid}/status").read_text()
        blocked = next(line for line in status.splitlines() if line.startswith("SigBlk:"))
        return int(blocked.split()[1], 16) >> (signal.SIGINT - 1) & 1

    @property
    def said(self):
        return pathlib.Path(self.out.name).read_text()

    @property
    def complained(self):
        return pathlib.Path(self.err.name).read_text()


class OnAServer(unittest.TestCase):
    def setUp(self):
        self.server = Server(BIN)
        self.server.start()
        self.addCleanup(self.server.__exit__, None)
        folder = tempfile.TemporaryDirectory()
        self.folder = pathlib.Path(folder.name)
        self.addCleanup(folder.cleanup)


class Together(OnAServer):
    def at_once(self, *commands):
        clients = [Client(self, *words) for words in commands]
        for client in clients:
            client.wait()
        return clients

    def one_name_one_dataset(self, clients):
        there = self.server.json("data", "show", "d")
        for client in clients:
            if client.process.returncode == 0:
                self.assertEqual(json.loads(client.said)["digest"], there["digest"])
            else:
                self.assertRegex(client.complained, 'there is a dataset "d" already|dataset: .*d.* is taken|under way')
        self.assertIn(0, [client.process.returncode for client in clients])

    def test_one_name_is_given_once(self):
        for _ in range(3):  # the second time their requests are known from the first
            self.one_name_one_dataset(self.at_once(*[("data", "push", "d", labels, "--json") for labels in LABELS]))
            self.server.run("data", "rm", "d")

    def test_the_same_files_pushed_twice_at_once(self):
        self.one_name_one_dataset(self.at_once(*[("data", "push", "d", FASHION, "--json")] * 3))

    def test_two_submissions_are_two_jobs(self):
        self.server.push_fashion()
        clients = self.at_once(*[("train", EXAMPLE, "--set", "fit.epochs=0", "-q")] * 2)
        self.assertEqual([client.process.returncode for client in clients], [0, 0])
        self.assertEqual({client.said.strip() for client in clients}, set(self.server.run("job", "ls", "-q").stdout.split()))
        self.assertEqual(self.server.run("model", "ls", "-q").stdout.split(), ["fashion-a@2", "fashion-a@1"])

    def test_fetches_into_one_folder_do_not_mix(self):
        self.server.push_fashion()
        for seed in (1, 2):
            self.server.run("train", EXAMPLE, "--set", "fit.epochs=0", "--set", f"fit.seed={seed}")
        clients = self.at_once(*[("model", "fetch", f"fashion-a@{n}", "--output", self.folder / "out") for n in (1, 2, 1, 2)])
        for client in clients:
            if client.process.returncode != 0:
                self.assertIn("in use by another process", client.complained)
        self.server.run("model", "fetch", "fashion-a@1", "--output", self.folder / "out")
        self.server.run("model", "fetch", "fashion-a@1", "--output", self.folder / "alone")
        for name in ("weights.safetensors", "model.json", "README.md"):
            self.assertEqual((self.folder / "out" / name).read_bytes(), (self.folder / "alone" / name).read_bytes())


class Outages(OnAServer):
    def stop_server(self):
        self.server.process.send_signal(signal.SIGSTOP)
        self.addCleanup(self.server.process.send_signal, signal.SIGCONT)

    def test_a_server_that_stands_still_is_said_to(self):
        self.stop_server()
        client = Client(self, "job", "ls")
        self.assertEqual(client.wait(), 1)
        self.assertIn(f"the server at {self.server.endpoint} did not answer in time", client.complained)

    def test_ctrl_c_ends_a_call_that_is_not_answered(self):
        self.stop_server()
        client = Client(self, "train", EXAMPLE)
        wait_until(client.takes_interrupts, 30, "the client's readiness for Ctrl-C")
        client.process.send_signal(signal.SIGINT)
        self.assertEqual(client.wait(), 1)
        self.assertIn("`gradus job ls` tells whether the job is submitted", client.complained)

    def test_a_watch_outlives_the_server_and_tells_of_its_return_though_nothing_happens(self):
        self.server.push_fashion()
        first = self.server.json("train", EXAMPLE, "--detach", "--set", "fit.epochs=100000")
        waiting = self.server.json("train", EXAMPLE, "--detach", "--set", "priority=-5")
        client = Client(self, "job", "watch", waiting["id"])
        wait_until(lambda: "QUEUED" in client.said, 30, "the first event")
        endpoint = self.server.endpoint
        self.server.kill()
        wait_until(lambda: "connection is lost" in client.complained, 30, "the loss")
        self.server.start(listen=endpoint)
        wait_until(lambda: "connection is back" in client.complained, 60, "the return")
        self.assertEqual(client.said, "QUEUED\n")
        self.server.run("job", "cancel", waiting["id"], first["id"])
        self.assertEqual(client.wait(), 1)
        self.assertIn(f"job {waiting['id']} CANCELLED", client.complained)


if __name__ == "__main__":
    BIN = sys.argv[1]
    unittest.main(argv=sys.argv[:1])
