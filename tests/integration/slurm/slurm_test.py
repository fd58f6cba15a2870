# SPDX-License-Identifier: Apache-2.0
"""Jobs through Slurm: they end as they should whatever happens to server, controller, nodes and Slurm's jobs.

    slurm_test.py BIN_DIR
"""
import json
import pathlib
import sys
import unittest

ROOT = pathlib.Path(__file__).resolve().parents[3]
sys.path.insert(0, str(ROOT / "tests/support"))
import slurm  # noqa: E402
from rig import Server, wait_until  # noqa: E402

JOB = ROOT / "deploy/examples/fashion-a.yaml"
ENDED = ("SUCCEEDED", "FAILED", "CANCELLED", "TIMED_OUT")
NOT_INSTALLED = 77


class OnSlurm(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.cluster = slurm.Cluster(nodes=2)
        cls.cluster.__enter__()
        cls.addClassCleanup(cls.cluster.close)
        cls.node_dir = cls.cluster.dir / "nodes"
        cls.node_dir.mkdir()
        settings = cls.cluster.dir / "gradusd.json"
        settings.write_text(json.dumps({"slurm": {"node_dir": str(cls.node_dir), "poll_seconds": 0.2, "options": ["--ntasks-per-node=1"]}}))
        cls.server = Server(BIN, env=cls.cluster.env, flags=("--executor", "slurm", "--config", settings))
        cls.listen = f"127.0.0.1:{slurm.free_ports(1)[0]}"
        cls.server.start(cls.listen)
        cls.addClassCleanup(cls.server.__exit__, None)
        cls.server.push_fashion()
        cls.expected = {}

    def submit(self, *sets, epochs=6):
        words = [word for value in (f"fit.epochs={epochs}", *sets) for word in ("--set", value)]
        return self.server.json("job", "submit", JOB, *words)["id"]

    def show(self, job):
        return self.server.json("job", "show", job)

    def await_epoch(self, job, attempt=1):
        def there():
            found = self.show(job)
            self.assertNotIn(found["state"], ENDED, found)
            return found["attempt"] >= attempt and int(found.get("epoch", 0)) >= 1
        wait_until(there, 120, f"an epoch of attempt {attempt}")

    def await_end(self, job):
        def ended():
            found = self.show(job)
            return found if found["state"] in ENDED else None
        return wait_until(ended, 240, "the job's end")

    def succeeded(self, job, attempt=1):
        found = self.await_end(job)
        self.assertEqual(found["state"], "SUCCEEDED", found)
        self.assertEqual(found["attempt"], attempt)
        fit = found["spec"]["fit"]
        self.assertEqual(found["weights_sha256"], self.weights_of_local_run(int(fit["epochs"]), fit["logical_shards"]))

    # By one worker on this machine.
    def weights_of_local_run(self, epochs, shards):
        if (epochs, shards) not in self.expected:
            with Server(BIN) as local:
                local.push_fashion()
                job = local.json("job", "submit", JOB, "--set", f"fit.epochs={epochs}", "--set", f"fit.logical_shards={shards}")["id"]
                local.run("job", "wait", job)
                self.expected[epochs, shards] = local.json("job", "show", job)["weights_sha256"]
        return self.expected[epochs, shards]

    def submit_two(self, epochs=4):
        """A job of two workers, which are on two nodes, the leader's first, once both compute."""
        job = self.submit("fit.workers=2", "fit.logical_shards=4", epochs=epochs)
        def together():
            found = self.show(job)
            self.assertNotIn(found["state"], ENDED, found)
            return found.get("workers", 0) == 2 and int(found["step"]) > 100
        wait_until(together, 120, "two workers")
        return job

    def slurm_job(self, job):
        """(number, node) of the job's Slurm job that runs."""
        def running():
            for number, (name, state, node) in self.cluster.jobs().items():
                if job in name.split("-") and state == "RUNNING":
                    return number, node
            return None
        return wait_until(running, 60, "a Slurm job that runs")

    def tearDown(self):
        self.cluster.wait(lambda: not self.cluster.jobs(), "Slurm's queue to be empty")

    def test_a_job_gives_the_weights_that_it_gives_on_this_machine_and_leaves_nothing_on_its_node(self):
        job = self.submit()
        self.succeeded(job)
        self.cluster.wait(lambda: not self.cluster.jobs(), "Slurm's queue to be empty")
        left = [path.name for path in self.node_dir.iterdir() if not path.name.startswith("gradus-cache-")]
        self.assertEqual(left, [])

    def test_a_restarted_server_finds_its_jobs(self):
        job = self.submit()
        self.await_epoch(job)
        self.server.kill()
        self.server.start(self.listen)
        self.succeeded(job)

    def test_a_controller_that_is_away_takes_no_job_with_it(self):
        running = self.submit()
        self.await_epoch(running)
        self.cluster.kill_controller()
        try:
            waiting = self.submit("priority=1")
            before = int(self.show(running)["step"])
            wait_until(lambda: int(self.show(running)["step"]) > before, 60, "a step without a controller")
            wait_until(lambda: "does not answer" in (self.server.dir / "server.log").read_text(), 60, "the loss")
            self.assertIn(self.show(waiting)["state"], ("QUEUED", "STARTING"))
        finally:
            self.cluster.start_controller()
        self.succeeded(running)
        self.succeeded(waiting)

    def test_scancel_from_outside_cancels_the_job(self):
        job = self.submit(epochs=1000)
        self.await_epoch(job)
        number, _ = self.slurm_job(job)
        self.cluster.run("scancel", str(number))
        found = self.await_end(job)
        self.assertEqual(found["state"], "CANCELLED", found)
        self.assertIn(f"cancelled in Slurm (Slurm job {number})", found["reason"])

    def test_scancel_of_a_job_that_waits_cancels_it(self):
        for node in self.cluster.nodes:
            self.cluster.run("scontrol", "update", f"nodename={node}", "state=drain", "reason=test")
        try:
            job = self.submit()
            wait_until(self.cluster.jobs, 60, "a job in Slurm's queue")
            number = next(iter(self.cluster.jobs()))
            wait_until(lambda: f"Slurm job {number}" in self.server.run("job", "why", job).stdout, 60, "the reason")
            self.cluster.run("scancel", str(number))
            self.assertEqual(self.await_end(job)["state"], "CANCELLED")
        finally:
            for node in self.cluster.nodes:
                self.cluster.run("scontrol", "update", f"nodename={node}", "state=resume")

    def test_a_node_that_goes_down_costs_an_attempt_and_no_more(self):
        job = self.submit(epochs=8)
        self.await_epoch(job)
        _, node = self.slurm_job(job)
        self.cluster.run("scontrol", "update", f"nodename={node}", "state=down", "reason=test")
        try:
            self.succeeded(job, attempt=2)
        finally:
            self.cluster.run("scontrol", "update", f"nodename={node}", "state=resume")

    def test_a_node_that_loses_its_power_costs_an_attempt_and_no_more(self):
        job = self.submit(epochs=8)
        self.await_epoch(job)
        _, node = self.slurm_job(job)
        self.cluster.crash_node(node)
        self.cluster.start_node(node)
        self.succeeded(job, attempt=2)

    def test_each_attempt_is_submitted_once_though_the_controller_is_killed_meanwhile(self):
        jobs = []
        for seen in (0, 1, 2, 3):
            jobs += [self.submit(epochs=0) for _ in range(3)]
            # What it has answered for it has not saved yet.
            wait_until(lambda: len(self.names()) >= seen, 60, "jobs in Slurm's queue")
            self.cluster.kill_controller()
            self.cluster.start_controller()
        for job in jobs:
            found = self.await_end(job)
            self.assertEqual(found["state"], "SUCCEEDED", found)
        names = self.names()
        self.assertEqual(sorted(names), sorted(set(names)))

    def names(self):
        return [name for name, _, _ in self.cluster.jobs("all").values()]

    def test_two_workers_on_two_nodes_give_the_weights_of_one_here(self):
        job = self.submit_two()
        _, nodes = self.slurm_job(job)
        self.assertEqual(nodes, "node[1-2]")
        self.succeeded(job)

    def test_a_worker_whose_node_goes_down_is_replaced_while_the_leader_stays(self):
        job = self.submit_two()
        self.cluster.run("scontrol", "update", "nodename=node2", "state=down", "reason=test")
        try:
            wait_until(lambda: "was lost" in self.server.run("job", "logs", job).stdout, 60, "the loss")
        finally:
            self.cluster.run("scontrol", "update", "nodename=node2", "state=resume")
        self.succeeded(job)

    def test_a_leader_whose_node_goes_down_costs_an_attempt_and_no_more(self):
        job = self.submit_two()
        self.cluster.run("scontrol", "update", "nodename=node1", "state=down", "reason=test")
        try:
            wait_until(lambda: self.show(job)["state"] == "QUEUED" or self.show(job)["attempt"] == 2, 60, "the loss")
        finally:
            self.cluster.run("scontrol", "update", "nodename=node1", "state=resume")
        self.succeeded(job, attempt=2)

    def test_two_workers_outlive_the_server(self):
        job = self.submit_two()
        self.server.kill()
        self.server.start(self.listen)
        self.succeeded(job)

    def test_pause_resume_and_cancel(self):
        job = self.submit(epochs=1000)
        self.await_epoch(job)
        self.server.run("job", "pause", job)
        wait_until(lambda: self.show(job)["state"] == "PAUSED", 60, "the pause")
        self.cluster.wait(lambda: not self.cluster.jobs(), "Slurm's queue to be empty")
        self.server.run("job", "resume", job)
        self.await_epoch(job, attempt=2)
        self.server.run("job", "cancel", job)
        self.assertEqual(self.await_end(job)["state"], "CANCELLED")

    def test_what_slurm_refuses_fails_with_its_words(self):
        # More than any node has; the server does not know how large nodes are.
        job = self.submit("resources.memory=\"12GiB\"", epochs=0)
        found = self.await_end(job)
        self.assertEqual(found["state"], "FAILED", found)
        self.assertIn("Requested node configuration is not available", found["reason"])


if __name__ == "__main__":
    if not slurm.installed():
        print("slurm-wlm and munge are not installed: nothing is tested")
        sys.exit(NOT_INSTALLED)
    BIN = sys.argv.pop(1)
    unittest.main()
