# SPDX-License-Identifier: Apache-2.0
"""How long people wait: from submit to the first training step on an idle server, and for `gradus --help`.

    start_latency.py BIN_DIR [--rounds 10]

The first step's time is taken from the job's events: the time that the server gave the first Progress or
EpochFinished event with a step less that of the QUEUED one. Prints medians and the slowest, in milliseconds.
"""
import argparse
import datetime
import json
import pathlib
import statistics
import subprocess
import sys
import time

ROOT = pathlib.Path(__file__).resolve().parents[2]
sys.path.insert(0, str(ROOT / "tests/support"))
from rig import Server  # noqa: E402


def parse_time(text):
    return datetime.datetime.fromisoformat(text.rstrip("Z")[:26]).timestamp()


def first_step_ms(server):
    job = server.json("job", "submit", ROOT / "deploy/examples/fashion-a.yaml", "--set", "fit.epochs=1")
    server.run("job", "wait", job["id"])
    lines = server.run("job", "watch", job["id"], "--json").stdout.splitlines()
    events = [json.loads(line) for line in lines]
    first = next(e for e in events if int(e.get("progress", {}).get("step", 0)) > 0)
    return 1000 * (parse_time(first["time"]) - parse_time(events[0]["time"]))


def help_ms(bin_dir):
    start = time.perf_counter()
    subprocess.run([pathlib.Path(bin_dir) / "gradus", "--help"], check=True, stdout=subprocess.DEVNULL)
    return 1000 * (time.perf_counter() - start)


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("bin_dir")
    parser.add_argument("--rounds", type=int, default=10)
    args = parser.parse_args()
    with Server(args.bin_dir) as server:
        server.push_fashion()
        first_step_ms(server)
        steps = [first_step_ms(server) for _ in range(args.rounds)]
    helps = [help_ms(args.bin_dir) for _ in range(3 * args.rounds)]
    print(f"submit to first step {statistics.median(steps):7.1f} ms   slowest {max(steps):7.1f} ms   (aim: under 300)")
    print(f"gradus --help        {statistics.median(helps):7.1f} ms   slowest {max(helps):7.1f} ms   (aim: under 20)")


if __name__ == "__main__":
    main()
