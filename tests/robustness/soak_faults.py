# SPDX-License-Identifier: Apache-2.0
"""Faults that soak.py does to a server and to the ranks of its jobs; each is undone when it returns, however it ends."""
import errno
import os
import pathlib
import signal
import subprocess
import threading
import time
import uuid

import grpc

from lab import ENDS

# What a caller meets while faults are done, and asks again.
AWAY = {grpc.StatusCode.UNAVAILABLE, grpc.StatusCode.DEADLINE_EXCEEDED, grpc.StatusCode.CANCELLED,
        grpc.StatusCode.RESOURCE_EXHAUSTED}


class Disk:
    """A small file system of its own for a server's folder; without root an ordinary folder that is never full."""

    def __init__(self, folder, size):
        self.folder = pathlib.Path(folder)
        self.folder.mkdir()
        self.mounted = os.geteuid() == 0 and subprocess.run(
            ["mount", "-t", "tmpfs", "-o", f"size={size},mode=700", "gradus-soak", folder], capture_output=True).returncode == 0
        self.data = self.folder / "data"
        self.data.mkdir(mode=0o700)
        self.filler = self.folder / "filler"

    def fill(self):
        with open(self.filler, "wb", buffering=0) as file:
            for size in (1 << 20, 1 << 12):
                try:
                    while file.write(bytes(size)):
                        pass
                except OSError as error:
                    if error.errno != errno.ENOSPC:
                        raise

    def free(self):
        self.filler.unlink(missing_ok=True)

    def unmount(self):
        if self.mounted:
            subprocess.run(["umount", "-l", self.folder], check=True)


class Supervisor(threading.Thread):
    """Starts the server again, at the same address, when it has ended, as an init system does."""

    def __init__(self, server, address):
        super().__init__(daemon=True)
        self.server, self.address = server, address
        self.starts = 0
        self.wrong = []  # what must not have happened
        self.rest_until = 0.0  # not started before
        self.may_end_until = 0.0  # until then it may end by itself: the disk is full
        self.over = threading.Event()

    def run(self):
        while not self.over.wait(0.05):
            ended = self.server.process.poll()
            if ended is None or time.monotonic() < self.rest_until:
                continue
            if ended != -signal.SIGKILL and time.monotonic() > self.may_end_until:
                self.wrong.append(f"gradusd ended by itself with {ended}")
            try:
                self.server.start(self.address)
                self.starts += 1
            except RuntimeError as error:  # it ended at its start
                if time.monotonic() > self.may_end_until:
                    self.wrong.append(str(error))
                self.rest_until = time.monotonic() + 0.5
                self.server.process.returncode = -signal.SIGKILL  # told of already
            except TimeoutError as error:
                self.wrong.append(str(error))

    def end(self):
        self.over.set()
        self.join()


class Signals:
    """A process that was alive once: signals reach it, never another one that was given its number later."""

    def __init__(self, pid):
        self.pid = pid
        self.fd = os.pidfd_open(pid)

    def __enter__(self):
        return self

    def __exit__(self, *_):
        os.close(self.fd)

    def send(self, number):
        try:
            signal.pidfd_send_signal(self.fd, number)
        except ProcessLookupError:
            pass  # it has ended


class Faults:
    """Each method is a fault: `job` is the one to hit, `part` (0 to 1) chooses among its ranks, `seconds` is the length."""

    def __init__(self, lab, call, supervisor, disk, net):
        self.lab, self.call, self.supervisor, self.disk, self.net = lab, call, supervisor, disk, net

    def possible(self):
        """The names of those that can be done here."""
        names = ["kill_rank", "kill_server", "stop_rank", "stop_server", "pause"]
        return names + ["fill"] * self.disk.mounted + ["cut"] * (self.net is not None)

    def rank(self, job, part):
        """One of the job's ranks, or None when it has none."""
        ranks = self.lab.ranks(job)
        try:
            return Signals(ranks[int(part * len(ranks))]) if ranks else None
        except ProcessLookupError:
            return None

    def kill_rank(self, job, part, seconds):
        process = self.rank(job, part)
        if process is None:
            return "none to kill"
        with process:
            process.send(signal.SIGKILL)
        return ""

    def stop_rank(self, job, part, seconds):
        process = self.rank(job, part)
        if process is None:
            return "none to stop"
        with process:
            process.send(signal.SIGSTOP)
            try:
                time.sleep(seconds)  # the fault's length, as all sleeps here
            finally:
                process.send(signal.SIGCONT)
        return ""

    def kill_server(self, job, part, seconds):
        self.supervisor.rest_until = time.monotonic() + seconds
        self.lab.server.process.send_signal(signal.SIGKILL)
        time.sleep(seconds)
        return ""

    def stop_server(self, job, part, seconds):
        try:
            process = Signals(self.lab.server.process.pid)
        except ProcessLookupError:
            return "none to stop"
        with process:
            process.send(signal.SIGSTOP)
            try:
                time.sleep(seconds)
            finally:
                process.send(signal.SIGCONT)
        return ""

    def cut(self, job, part, seconds):
        process = self.rank(job, part)
        if process is None:
            return "none to cut off"
        with process:
            try:
                node = self.net.of_process(process.pid)
            except (OSError, LookupError):
                return "none to cut off"
        self.net.cut(node)
        try:
            time.sleep(seconds)
        finally:
            self.net.heal(node)
        return ""

    def fill(self, job, part, seconds):
        self.supervisor.may_end_until = float("inf")
        try:
            self.disk.fill()
            time.sleep(seconds)
        finally:
            self.disk.free()
            self.supervisor.may_end_until = time.monotonic() + 5
        return ""

    def pause(self, job, part, seconds):
        if not self.steer("PauseJob", job):
            return "over already"
        time.sleep(seconds)
        while True:
            state = self.call.state(job)
            if state in ENDS:
                return "over before the pause"
            if state == "PAUSED":
                assert self.steer("ResumeJob", job), "a paused job was not resumed"
                return ""
            assert state == "PAUSING", f"a job that was paused is {state}"
            time.sleep(0.1)

    def steer(self, method, job):
        """False when the job has come to its end."""
        try:
            self.call("JobService", method, id=job, request_id=uuid.uuid4().hex)
            return True
        except grpc.RpcError as error:
            if error.code() == grpc.StatusCode.FAILED_PRECONDITION and self.call.state(job) in ENDS:
                return False
            raise
