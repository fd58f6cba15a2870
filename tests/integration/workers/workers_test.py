# SPDX-License-Identifier: Apache-2.0
"""workers_test.py BIN CASE: the weights of a job are the same bits for any number of workers, and whatever becomes of these.

Cases: numbers, resize, lost, frozen, restart, cut.
"""
import os
import pathlib
import signal
import sys
import time

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[2] / "support"))
from lab import MODELS, Lab, check_epochs, job_of  # noqa: E402
from netns import Namespaces  # noqa: E402
from rig import wait_until  # noqa: E402


def numbers(bin_dir):
    with Lab(bin_dir) as lab:
        for model in MODELS:
            ends = {}
            for workers in (1, 2, 4):
                job = lab.submit(job_of(model, workers, 6000, 2))
                ends[workers] = lab.end(job)
                if workers > 1:
                    assert f"{workers} workers compute together" in lab.lines(job), lab.lines(job)
            assert len({end["weights_sha256"] for end in ends.values()}) == 1, ends
            assert ends[1]["metrics"] == ends[2]["metrics"] == ends[4]["metrics"], ends
            print(model, ends[1]["weights_sha256"])


LONG = dict(rows=50000, epochs=4)


def expected(lab):
    return lab.end(lab.submit(job_of("dense", 1, **LONG)))


def check(lab, job, wanted):
    end = lab.end(job)
    assert end["weights_sha256"] == wanted["weights_sha256"], (end, wanted)
    assert end["metrics"] == wanted["metrics"], (end, wanted)
    check_epochs(lab, job, LONG["epochs"])
    return end


def resize(bin_dir):
    with Lab(bin_dir) as lab:
        wanted = expected(lab)
        job = lab.submit(job_of("dense", {"min": 2, "max": 4}, **LONG))
        lab.await_workers(job, 4)
        lab.await_step(job, 300)
        filler = job_of("dense", 1, **LONG)
        filler["resources"]["cores"] = 2
        filler["fit"]["epochs"] = 1000
        other = lab.submit(filler)
        lab.await_workers(job, 2)
        wait_until(lambda: lab.show(other)["state"] == "RUNNING", 60, "the job that waited")
        lab.await_step(job, int(lab.show(job)["step"]) + 200)
        lab.server.run("job", "cancel", other)
        lab.await_workers(job, 4)
        end = check(lab, job, wanted)
        assert int(end["attempt"]) == 1, end


def lost(bin_dir):
    with Lab(bin_dir) as lab:
        wanted = expected(lab)
        for victim, attempts in ((-1, 1), (0, 2)):
            job = lab.submit(job_of("dense", 3, **LONG))
            lab.await_workers(job, 3)
            lab.await_step(job, 400)
            os.kill(lab.ranks(job)[victim], signal.SIGKILL)
            wait_until(lambda: "was lost" in lab.lines(job) or int(lab.show(job)["attempt"]) == 2, 10, "the loss")
            end = check(lab, job, wanted)
            assert int(end["attempt"]) == attempts, end


def frozen(bin_dir):
    with Lab(bin_dir) as lab:
        wanted = expected(lab)
        for victim in (-1, 0):
            job = lab.submit(job_of("dense", {"min": 2, "max": 3}, **LONG))
            lab.await_workers(job, 3)
            lab.await_step(job, 400)
            pid = lab.ranks(job)[victim]
            os.kill(pid, signal.SIGSTOP)
            began = time.monotonic()
            # Noticed well before the ten seconds are over, and the others go on.
            step = int(lab.show(job)["step"])
            wait_until(lambda: int(lab.show(job)["attempt"]) == 2 or "was lost" in lab.lines(job), 9, "the silence")
            lab.await_step(job, step + 100 if victim else 1)
            time.sleep(max(0, 10 - (time.monotonic() - began)))  # the fault's length
            try:
                os.kill(pid, signal.SIGCONT)
            except ProcessLookupError:
                pass
            check(lab, job, wanted)


def restart(bin_dir):
    with Lab(bin_dir) as lab:
        wanted = expected(lab)
        job = lab.submit(job_of("dense", 3, **LONG))
        lab.await_workers(job, 3)
        lab.await_step(job, 400)
        ranks = lab.ranks(job)
        for _ in range(2):
            step = int(lab.show(job)["step"])
            lab.server.kill()
            lab.server.start()
            lab.await_step(job, step + 300)
        assert lab.ranks(job) == ranks, "ranks were started again"
        end = check(lab, job, wanted)
        assert int(end["attempt"]) == 1, end


def cut(bin_dir):
    reason = Namespaces.missing()
    if reason:
        print(f"skipped: {reason}")
        sys.exit(77)
    with Namespaces(3) as net:
        wrapper = net.folder / "gradus-worker"
        wrapper.write_text(net.wrapper(pathlib.Path(bin_dir).resolve() / "gradus-worker"))
        wrapper.chmod(0o755)
        with Lab(bin_dir, listen=f"{net.server}:0", worker_program=str(wrapper)) as lab:
            wanted = expected(lab)
            for victim in (-1, 0):
                job = lab.submit(job_of("dense", 2, **LONG))
                lab.await_workers(job, 2)
                lab.await_step(job, 400)
                node = net.of_process(lab.ranks(job)[victim])
                net.cut(node)
                began = time.monotonic()
                wait_until(lambda: int(lab.show(job)["attempt"]) == 2 or "was lost" in lab.lines(job), 9, "the cut")
                time.sleep(max(0, 10 - (time.monotonic() - began)))  # the fault's length
                net.heal(node)
                check(lab, job, wanted)


if __name__ == "__main__":
    {"numbers": numbers, "resize": resize, "lost": lost, "frozen": frozen, "restart": restart, "cut": cut}[sys.argv[2]](sys.argv[1])
