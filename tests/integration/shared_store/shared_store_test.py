# SPDX-License-Identifier: Apache-2.0
"""Several gradusd on one PostgreSQL: any of them serves, one leads, and nothing is lost when that one goes.

    shared_store_test.py BIN_DIR
"""
import json
import pathlib
import shutil
import subprocess
import sys
import tempfile
import time
import unittest

import numpy

ROOT = pathlib.Path(__file__).resolve().parents[3]
sys.path.insert(0, str(ROOT / "tests/support"))
from rig import Server, wait_until  # noqa: E402

POSTGRES = ROOT / "tests/support/postgres"
JOB = """
name: {name}
model:
  input_shape: [4]
  layers:
    - dense: {{units: 2, activation: softmax}}
data: {{train: {{dataset: tiny}}}}
loss: sparse_categorical_crossentropy
fit: {{epochs: 1, batch_size: 10, seed: 1}}
resources: {{cores: {cores}, memory: 128MiB}}
publish: {{model: {name}}}
"""
# From the death of the one that leads to a rank that another one has started.
TAKE_OVER_SECONDS = 10


class Postgres:
    """A server with one empty database."""

    def __init__(self):
        self.dir = pathlib.Path(tempfile.mkdtemp(prefix="gradus-shared-"))
        self.mark = self.dir / "postgres"
        subprocess.run([POSTGRES, "start", self.mark], check=True)
        self.url = f"postgresql://postgres@/postgres?host={self.mark.read_text().strip()}"

    def crash(self):
        subprocess.run([POSTGRES, "crash", self.mark], check=True)

    def close(self):
        subprocess.run([POSTGRES, "stop", self.mark], check=True)
        shutil.rmtree(self.dir)


class SharedStore(unittest.TestCase):
    def setUp(self):
        self.postgres = Postgres()
        self.addCleanup(self.postgres.close)
        self.dir = self.postgres.dir
        self.servers = []

    def server(self, name, stub="steps=5", shared=True, authority=None):
        """A server with stubs for ranks, which begins to serve."""
        folder = self.dir / name
        folder.mkdir(exist_ok=True)
        if authority:
            (folder / "tls").mkdir(mode=0o700)
            shutil.copy(authority.dir / "tls/authority.pem", folder / "tls")
        settings = folder / "settings.yaml"
        settings.write_text(f"worker_program: {BIN / 'gradus-stub-worker'}\n" +
                            (f"blob_dir: {self.dir / 'blobs'}\n" if shared else ""))
        flags = ["--config", settings] + (["--store", self.postgres.url] if shared else [])
        server = Server(BIN, folder, {"GRADUS_WORKER_STUB": stub}, flags)
        self.addCleanup(server.stop)
        server.start()
        return server

    def two(self, stub="steps=5"):
        """The first one leads."""
        a = self.server("a", stub)
        wait_until(lambda: "\"leads\"" in (a.dir / "server.log").read_text(), 20, "a's lead")
        self.push_tiny(a)
        return a, self.server("b", stub, authority=a)

    def push_tiny(self, server):
        numpy.save(self.dir / "x.npy", numpy.zeros((100, 4), dtype="float32"))
        numpy.save(self.dir / "y.npy", (numpy.arange(100) % 2).astype("uint8"))
        server.run("data", "push", "tiny", f"train:x={self.dir / 'x.npy'}", f"train:y={self.dir / 'y.npy'}")

    def submit(self, server, name, cores=1):
        file = self.dir / f"{name}.yaml"
        file.write_text(JOB.format(name=name, cores=cores))
        return server.json("job", "submit", file)["id"]

    @staticmethod
    def state(server, job):
        return server.json("job", "show", job)["state"]

    @staticmethod
    def events(server, job):
        """The whole story, followed to its end."""
        lines = server.run("job", "watch", job, "--json").stdout.splitlines()
        return [json.loads(line) for line in lines]

    def check_story(self, server, job):
        seqs = [int(event["seq"]) for event in self.events(server, job)]
        self.assertEqual(seqs, list(range(1, len(seqs) + 1)))

    def test_a_job_that_came_in_at_one_runs_by_the_other_and_is_seen_at_both(self):
        a, b = self.two()
        job = self.submit(b, "first")
        b.run("job", "wait", job)
        self.assertEqual(self.state(a, job), "SUCCEEDED")
        self.assertEqual(self.events(a, job), self.events(b, job))
        self.check_story(b, job)
        self.assertEqual(a.json("model", "show", "first@1"), b.json("model", "show", "first@1"))

    def test_a_watcher_at_one_sees_events_that_came_in_at_the_other(self):
        a, b = self.two("steps=200,rate=50")
        job = self.submit(a, "watched")
        with subprocess.Popen([b.bin / "gradus", "--profile", b.profile, "job", "watch", job, "--json"],
                              stdout=subprocess.PIPE, text=True) as watcher:
            first = next(line for line in watcher.stdout if "progress" in line)
            # They come while the job runs, not at its end.
            self.assertEqual(self.state(a, job), "RUNNING", first)
            watcher.stdout.read()
            self.assertEqual(watcher.wait(), 0)
        self.check_story(b, job)

    def test_when_the_one_that_leads_is_killed_the_other_goes_on_and_nothing_is_lost(self):
        a, b = self.two("steps=100,rate=20")
        running = self.submit(a, "running")
        wait_until(lambda: self.state(b, running) == "RUNNING", 20, "a running job")
        # These wait for both cores.
        waiting = [self.submit(server, f"waiting{i}", cores=2) for i, server in enumerate([a, b, a])]
        a.kill()
        killed = time.monotonic()
        # One that came while nobody led.
        last = self.submit(b, "last")
        wait_until(lambda: self.state(b, last) == "RUNNING", TAKE_OVER_SECONDS, "a job that b started")
        print(f"took over within {time.monotonic() - killed:.1f} s")
        b.run("job", "wait", running, last, *waiting)
        for job in [running, last, *waiting]:
            self.assertEqual(self.state(b, job), "SUCCEEDED")
            self.check_story(b, job)
        # Its rank outlived the server that had started it.
        self.assertEqual(b.json("job", "show", running)["attempt"], 1)
        # The one that was killed comes back and follows.
        a.start()
        self.assertEqual(self.state(a, running), "SUCCEEDED")
        a.run("job", "wait", self.submit(a, "later"))

    def test_when_the_one_that_leads_is_stopped_its_jobs_go_on_at_the_other(self):
        a, b = self.two("steps=100,rate=50")
        job = self.submit(b, "moved")
        wait_until(lambda: self.state(b, job) == "RUNNING", 20, "a running job")
        a.stop()
        b.run("job", "wait", job)
        self.check_story(b, job)

    def test_a_crash_of_the_database_loses_nothing(self):
        a, b = self.two("steps=100,rate=50")
        jobs = [self.submit(server, f"job{i}") for i, server in enumerate([a, b])]
        wait_until(lambda: self.state(b, jobs[0]) == "RUNNING", 20, "a running job")
        self.postgres.crash()
        for job in jobs:
            wait_until(lambda: b.run("job", "wait", job, check=False).returncode == 0, 60, job)
            self.check_story(b, job)

    def test_another_authority_is_refused(self):
        self.server("a")
        with self.assertRaisesRegex(RuntimeError, "authority"):
            self.server("c")

    def test_a_lab_moves_from_sqlite(self):
        old = self.server("lab", shared=False)
        self.push_tiny(old)
        job = self.submit(old, "before")
        old.run("job", "wait", job)
        events, models = self.events(old, job), old.json("model", "show", "before@1")
        move = [BIN / "gradus", "server", "migrate", "--from", old.dir, "--store", self.postgres.url]
        held = subprocess.run(move, capture_output=True, text=True)
        self.assertIn("in use", held.stderr)
        self.assertEqual(held.returncode, 1)
        old.stop()
        moved = subprocess.run(move, capture_output=True, text=True)
        self.assertEqual(moved.returncode, 0, moved.stderr)
        self.assertRegex(moved.stdout, r"events +\d+ rows +sha256 [0-9a-f]{64}")
        again = subprocess.run(move, capture_output=True, text=True)
        self.assertEqual(again.returncode, 1, again.stdout)
        new = Server(BIN, old.dir, {"GRADUS_WORKER_STUB": "steps=5"},
                     ["--config", old.dir / "settings.yaml", "--store", self.postgres.url])
        self.addCleanup(new.stop)
        new.start()
        self.assertEqual(self.events(new, job), events)
        self.assertEqual(new.json("model", "show", "before@1"), models)
        new.run("job", "wait", self.submit(new, "after"))


if __name__ == "__main__":
    BIN = pathlib.Path(sys.argv.pop(1)).resolve()
    unittest.main(verbosity=2)
