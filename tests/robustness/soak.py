# SPDX-License-Identifier: Apache-2.0
"""soak.py BIN --rounds N --seed S: jobs of one to four workers under random faults. README.md says what is held.

A round that failed is done again with `--first ROUND --rounds 1` and the same seed: the jobs, the faults and their moments
are drawn from both, and only the machine's own timing differs.
"""
import argparse
import json
import pathlib
import random
import shutil
import sqlite3
import sys
import threading
import time
import traceback
import uuid

import grpc
from google.protobuf import json_format

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1] / "support"))
from lab import ENDS, MODELS, Lab, check_events, job_of  # noqa: E402
from netns import Namespaces  # noqa: E402
from rig import wait_until  # noqa: E402
from rpc import Client, channel_of, pool_from_protos  # noqa: E402
from soak_faults import AWAY, Disk, Faults, Supervisor  # noqa: E402

ROWS, EPOCHS = {"dense": 12000, "convolutional": 6000, "deep": 6000}, 4
WORKERS = [(1, 1), (2, 2), (1, 4), (2, 4), (3, 3)]
LONGEST = {"kill_server": 5, "fill": 5, "pause": 4}  # seconds; others 12
PATIENCE = 300  # seconds for what has to come


def as_json(message):
    return json_format.MessageToDict(message, preserving_proto_field_name=True)


class Caller:
    """Calls that go on until they are answered, as with the same request id as the first time."""

    def __init__(self, profile):
        self.client = Client(channel_of(profile, [("grpc.initial_reconnect_backoff_ms", 100),
                                                  ("grpc.max_reconnect_backoff_ms", 1000)]), pool_from_protos())

    def __call__(self, service, method, **fields):
        end = time.monotonic() + PATIENCE
        while True:
            try:
                return self.client(service, method, timeout=5, **fields)
            except grpc.RpcError as error:
                if error.code() not in AWAY or time.monotonic() > end:
                    raise
            time.sleep(0.05)

    def job(self, job):
        return as_json(self("JobService", "GetJob", id=job).job)

    def state(self, job):
        return self.job(job)["state"]

    def all_jobs(self):
        """{id: state}."""
        found, token = {}, ""
        while True:
            page = as_json(self("JobService", "ListJobs", page_size=1000, page_token=token))
            found.update((job["id"], job["state"]) for job in page.get("jobs", []))
            token = page.get("next_page_token", "")
            if not token:
                return found


class Watcher(threading.Thread):
    """Reads a job's events from the first to the last, coming back with the last seq that it saw."""

    def __init__(self, client, job):
        super().__init__(daemon=True)
        self.client, self.job = client, job
        self.events = []
        self.wrong = ""

    def run(self):
        while True:
            try:
                after = int(self.events[-1]["seq"]) if self.events else 0
                for answer in self.client("JobService", "WatchJob", timeout=60, id=self.job, after_seq=after):
                    self.events += map(as_json, answer.events)
                return
            except grpc.RpcError as error:
                if error.code() not in AWAY:
                    self.wrong = f"the watcher of {self.job}, after {after}: {error.code()}: {error.details()}"
                    return
            time.sleep(0.05)


class Fault(threading.Thread):
    """One fault of a round, drawn at once and done when its moment has come."""

    def __init__(self, random_, names):
        super().__init__(daemon=True)
        self.name = random_.choice(names)
        self.victim = random_.random()  # which of the round's jobs, of those that are submitted by then
        self.part = random_.random()
        self.seconds = random_.uniform(0 if self.name in LONGEST else 1, LONGEST.get(self.name, 12))
        # Seconds after the submission, or a share of the job's steps.
        self.early = random_.random() < 0.4
        self.moment = random_.uniform(0, 3) if self.early else random_.uniform(0, 0.85)
        self.remark = ""
        self.wrong = ""

    def __str__(self):
        when = f"{self.moment:.1f}s" if self.early else f"{self.moment:.0%}"
        return f"{self.name}@{when}" + (f" for {self.seconds:.1f}s" if self.name != "kill_rank" else "") + \
               (f" ({self.remark})" if self.remark else "")

    def begin(self, faults, jobs):
        self.faults, self.jobs = faults, jobs
        self.start()

    def run(self):
        try:
            if self.early:
                time.sleep(self.moment)  # a moment drawn, not a condition
            self.job = self.jobs[int(self.victim * len(self.jobs))]
            if not self.early:
                wait_until(self.reached, PATIENCE, f"the moment of {self}")
            self.remark = getattr(self.faults, self.name)(self.job, self.part, self.seconds)
        except Exception:  # told by the round
            self.wrong = f"{self}:\n{traceback.format_exc()}"

    def reached(self):
        time.sleep(0.05)  # spares the server's processor
        shown = self.faults.call.job(self.job)
        steps = EPOCHS * int(shown.get("steps_per_epoch", 1 << 40))
        return shown["state"] in ENDS or int(shown.get("step", 0)) >= self.moment * steps > 0


class Soak:
    def __init__(self, lab, disk, net, only):
        self.lab = lab
        self.supervisor = Supervisor(lab.server, lab.server.endpoint)
        self.call = Caller(json.loads(lab.server.profile.read_text()))
        self.faults = Faults(lab, self.call, self.supervisor, disk, net)
        self.names = [name for name in self.faults.possible() if not only or name in only]
        assert self.names, f"none of the faults {only} can be done here"
        self.ledger = {}  # id of each acknowledged job: its state once that was seen to be final
        self.wanted = {}  # model: the job of one worker that nothing befell

    def control(self):
        for model in MODELS:
            job = self.lab.submit(job_of(model, 1, ROWS[model], EPOCHS))
            self.lab.end(job)
            self.wanted[model] = self.call.job(job)
            self.ledger[job] = "SUCCEEDED"

    def round(self, name):
        """What was done, as words; raises where it was not borne."""
        random_ = random.Random(name)
        plan = [(random_.choice(list(MODELS)), random_.choice(WORKERS)) for _ in range(random_.choice([1, 1, 2]))]
        faults = [Fault(random_, self.names) for _ in range(random_.choice([1, 2]))]
        pause = random_.uniform(0, 3)
        words = " ".join(f"{model}/{least}-{most}" for model, (least, most) in plan)
        jobs, watchers = [], []

        def begin(model, workers):
            jobs.append(self.submit(model, workers))
            watchers.append(Watcher(self.call.client, jobs[-1]))
            watchers[-1].start()

        try:
            begin(*plan[0])
            for fault in faults:
                fault.begin(self.faults, jobs)
            for more in plan[1:]:
                time.sleep(pause)  # so that faults of the first seconds meet the submission
                begin(*more)
            for fault in faults:
                fault.join(PATIENCE)
                assert not fault.is_alive() and not fault.wrong, fault.wrong or f"{fault} does not end"
            for (model, _), job, watcher in zip(plan, jobs, watchers):
                self.check(model, job, watcher)
            self.check_ledger()
            assert not self.supervisor.wrong, self.supervisor.wrong
        except BaseException:
            print(f"{words}  {', '.join(map(str, faults))}")
            for watcher in watchers:
                print(f"{watcher.job}:", *map(json.dumps, watcher.events), sep="\n  ")
            raise
        return f"{words}  {', '.join(map(str, faults))}"

    def submit(self, model, workers):
        spec = json.loads(json.dumps(self.wanted[model]["spec"]))
        spec["fit"]["workers"] = dict(zip(("min", "max"), workers))
        job = self.call("JobService", "SubmitJob", spec=spec, request_id=uuid.uuid4().hex).job.id
        assert job not in self.ledger, f"{job} was given twice"
        self.ledger[job] = ""
        return job

    def check(self, model, job, watcher):
        wait_until(lambda: time.sleep(0.1) or self.call.state(job) in ENDS, PATIENCE, f"the end of {job}")
        end = self.call.job(job)
        assert end["state"] == "SUCCEEDED", f"{job}: {end['state']}: {end.get('reason')}"
        wait_until(lambda: not self.lab.processes(job), 5, f"the processes of {job} gone")
        wanted = self.wanted[model]
        for field in ("weights_sha256", "metrics"):
            assert end[field] == wanted[field], f"{job}: {field} {end[field]} instead of {wanted[field]}"
        watcher.join(PATIENCE)
        assert not watcher.is_alive() and not watcher.wrong, watcher.wrong or f"the watcher of {job} does not end"
        check_events(watcher.events, EPOCHS)
        finals = [event for event in watcher.events if event.get("state_changed", {}).get("to") in ENDS]
        assert finals == watcher.events[-1:], f"{job}: not one final state at the end: {finals}"
        again = [as_json(event) for answer in self.call.client("JobService", "WatchJob", id=job) for event in answer.events]
        assert again == watcher.events, f"{job}: other events are stored than were shown"
        self.ledger[job] = "SUCCEEDED"

    def check_ledger(self):
        """All that was acknowledged is there, in the state that was seen, and nothing else is."""
        found = self.call.all_jobs()
        assert found == self.ledger, {job: (self.ledger.get(job), found.get(job)) for job in {*found, *self.ledger}
                                      if found.get(job) != self.ledger.get(job)}


def run(bin_dir, folder, net, options):
    size = f"{256 + 6 * options.rounds}m"
    disk = Disk(folder / "disk", size)
    settings = {}
    if net:
        wrapper = net.folder / "gradus-worker"
        wrapper.write_text(net.wrapper(pathlib.Path(bin_dir).resolve() / "gradus-worker"))
        wrapper.chmod(0o755)
        settings = {"listen": f"{net.server}:0", "worker_program": str(wrapper)}
    try:
        with Lab(bin_dir, data_dir=disk.data, **settings) as lab:
            soak = Soak(lab, disk, net, options.only)
            soak.control()
            soak.supervisor.start()
            began = time.monotonic()
            try:
                for number in range(options.first, options.first + options.rounds):
                    start, starts = time.monotonic(), soak.supervisor.starts
                    try:
                        words = soak.round(f"{options.seed}/{number}")
                    except BaseException:
                        traceback.print_exc(file=sys.stdout)
                        for job in soak.ledger:
                            if soak.ledger[job] != "SUCCEEDED":
                                print(job, soak.lab.server.run("job", "show", job, check=False, timeout=60).stdout,
                                      soak.lab.server.run("job", "logs", job, check=False, timeout=60).stdout)
                        shutil.copy(disk.data / "gradus.db", lab.folder)
                        print(f"\nround {number} failed; the server's log and database are in {lab.folder}\nagain: soak.py "
                              f"{bin_dir} --seed {options.seed} --first {number} --rounds 1" +
                              (f" --only {','.join(options.only)}" if options.only else ""), flush=True)
                        return 1
                    print(f"round {number}  {words}  {soak.supervisor.starts - starts} starts  "
                          f"{time.monotonic() - start:.1f} s", flush=True)
            finally:
                soak.supervisor.end()
            print(f"{options.rounds} rounds, {len(soak.ledger)} jobs, {time.monotonic() - began:.0f} s")
        with sqlite3.connect(f"file:{disk.data / 'gradus.db'}?mode=ro", uri=True) as database:
            assert database.execute("PRAGMA integrity_check").fetchall() == [("ok",)]
        shutil.rmtree(lab.folder)
        return 0
    finally:
        disk.unmount()


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("bin", help="folder of gradusd, gradus and gradus-worker")
    parser.add_argument("--rounds", type=int, default=100)
    parser.add_argument("--seed", type=int, default=random.SystemRandom().randrange(1 << 31))
    parser.add_argument("--first", type=int, default=1, help="number of the first round")
    parser.add_argument("--only", type=lambda names: names.split(","), default=[], metavar="FAULT,...",
                        help="draw from these: methods of soak_faults.Faults")
    options = parser.parse_args()
    folder = pathlib.Path("/tmp") / f"gradus-soak-{uuid.uuid4().hex[:8]}"
    folder.mkdir(mode=0o700)
    missing = Namespaces.missing()
    print(f"seed {options.seed}" + (f"; no network is cut: {missing}" if missing else ""), flush=True)
    try:
        if missing:
            return run(options.bin, folder, None, options)
        with Namespaces(3) as net:
            return run(options.bin, folder, net, options)
    finally:
        shutil.rmtree(folder, ignore_errors=True)


if __name__ == "__main__":
    sys.exit(main())
