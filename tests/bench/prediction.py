# SPDX-License-Identifier: Apache-2.0
"""What predictions cost: the latency of one request that is alone, and how many requests a second many clients get.

    prediction.py BIN_DIR [--clients 64] [--seconds 5]

Clients are processes of their own on the same machine, each with one connection, one request under way and one row a request,
so that they compete with the server for its cores: the ratio of the figures of one run is what to look at. The floor is a
call of the same server over the same connection that asks no model, ServerMetadata.
"""
import argparse
import multiprocessing
import pathlib
import statistics
import sys
import time

import numpy

ROOT = pathlib.Path(__file__).resolve().parents[2]
sys.path.insert(0, str(ROOT / "tests/support"))
from open_inference import OpenInference  # noqa: E402
from rig import Server  # noqa: E402

ROW = numpy.random.default_rng(1).random((1, 28, 28), numpy.float32)


def calls_of(client):
    return {"floor": lambda: client.call("ServerMetadata"), "one row": lambda: client.infer("fashion-a", ROW)}


def latencies(profile, what, seconds):
    """Of calls one after another, in milliseconds."""
    client = OpenInference(profile)
    call = calls_of(client)[what]
    call()
    found, end = [], time.perf_counter() + seconds
    while time.perf_counter() < end:
        start = time.perf_counter()
        call()
        found.append(1000 * (time.perf_counter() - start))
    client.close()
    return found


def together(profile, what, seconds, clients):
    with multiprocessing.get_context("spawn").Pool(clients) as pool:
        parts = pool.starmap(latencies, [(profile, what, seconds)] * clients)
    return [one for part in parts for one in part]


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("bin_dir")
    parser.add_argument("--clients", type=int, default=64)
    parser.add_argument("--seconds", type=float, default=5)
    args = parser.parse_args()
    with Server(args.bin_dir) as server:
        server.push_fashion()
        server.run("train", ROOT / "deploy/examples/fashion-a.yaml", "--set", "fit.epochs=1")
        start = time.perf_counter()
        OpenInference(server.profile).infer("fashion-a", ROW)
        print(f"first request, which loads the model {1000 * (time.perf_counter() - start):8.1f} ms")
        for what in ("floor", "one row"):
            alone = latencies(server.profile, what, args.seconds)
            many = together(server.profile, what, args.seconds, args.clients)
            print(f"{what:8} alone {statistics.median(alone):7.3f} ms   {args.clients} clients {len(many) / args.seconds:9,.0f} calls/s, "
                  f"median {statistics.median(many):7.2f} ms, slowest of 100 {statistics.quantiles(many, n=100)[-1]:7.2f} ms")


if __name__ == "__main__":
    main()
