# SPDX-License-Identifier: Apache-2.0
"""A gradusd of a test's own, and the command line client against it.

    with Server(bin_dir) as server:
        job = server.json("job", "submit", "job.yaml")
"""
import json
import os
import pathlib
import shutil
import signal
import subprocess
import tempfile
import time

FASHION = "/usr/share/datasets/fashion-mnist"
ROOT = pathlib.Path(__file__).resolve().parents[2]


def wait_until(condition, seconds, what):
    """Calls `condition` until it answers something true, and returns that."""
    end = time.monotonic() + seconds
    while True:
        found = condition()
        if found:
            return found
        if time.monotonic() > end:
            raise TimeoutError(f"{what}: not within {seconds} s")
        time.sleep(0.01)


class Server:
    """gradusd on a free port over a folder of its own, started, killed and started again at will."""

    def __init__(self, bin_dir, data_dir=None, env=None, flags=(), log_file=None):
        self.bin = pathlib.Path(bin_dir).resolve()
        self.own_dir = data_dir is None
        self.dir = pathlib.Path(data_dir or tempfile.mkdtemp(prefix="gradus-"))
        self.env = {**os.environ, **(env or {})}
        self.flags = list(flags)
        self.process = None
        self.log_file = pathlib.Path(log_file or self.dir / "server.log")
        self.log = None

    def __enter__(self):
        self.start()
        return self

    def __exit__(self, kind, *_):
        self.stop()
        if self.own_dir and kind is None:
            shutil.rmtree(self.dir, ignore_errors=True)

    def start(self, listen="127.0.0.1:0"):
        endpoint = self.dir / "endpoint"
        endpoint.unlink(missing_ok=True)
        if self.log:
            self.log.close()
        self.log = open(self.log_file, "ab")
        self.process = subprocess.Popen(
            [self.bin / "gradusd", "--data-dir", self.dir, "--listen", listen, *self.flags],
            stderr=self.log, stdout=self.log, env=self.env)
        wait_until(lambda: self.process.poll() is not None or endpoint.exists(), 20, "gradusd's endpoint")
        if self.process.poll() is not None:
            raise RuntimeError("gradusd ended at its start:\n" + self.log_file.read_text()[-2000:])
        self.endpoint = endpoint.read_text().strip()

    def kill(self):
        self.process.send_signal(signal.SIGKILL)
        self.process.wait()

    def stop(self):
        if self.process and self.process.poll() is None:
            self.process.send_signal(signal.SIGTERM)
            try:
                self.process.wait(30)
            except subprocess.TimeoutExpired:
                self.kill()
                raise
        if self.log:
            self.log.close()

    @property
    def profile(self):
        return self.dir / "admin.profile"

    def run(self, *args, check=True, timeout=600, **options):
        command = [self.bin / "gradus", "--profile", self.profile, *map(str, args)]
        done = subprocess.run(command, capture_output=True, text=True, timeout=timeout, env=self.env, **options)
        if check and done.returncode != 0:
            raise RuntimeError(f"gradus {' '.join(map(str, args))} answered {done.returncode}:\n{done.stdout}{done.stderr}")
        return done

    def json(self, *args, **options):
        return json.loads(self.run(*args, "--json", **options).stdout)

    def push_fashion(self):
        self.run("data", "push", "fashion-mnist", FASHION)


def read_safetensors(path):
    """{name: numpy array} of the f32 tensors of a file."""
    import numpy
    data = pathlib.Path(path).read_bytes()
    size = int.from_bytes(data[:8], "little")
    header = json.loads(data[8:8 + size])
    header.pop("__metadata__", None)
    out = {}
    for name, entry in header.items():
        first, end = entry["data_offsets"]
        assert entry["dtype"] == "F32", name
        out[name] = numpy.frombuffer(data[8 + size + first:8 + size + end], numpy.float32).reshape(entry["shape"])
    return out
