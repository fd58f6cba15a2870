# SPDX-License-Identifier: Apache-2.0
"""Makes the fuzzers' seeds and has the replay read them.

    seeds_test.py FUZZ_TEST
"""
import os
import subprocess
import sys
import tempfile

import make_seeds


def main(program):
    with tempfile.TemporaryDirectory() as folder:
        make_seeds.main(folder)
        done = subprocess.run([program, "--gtest_brief=1", "--gtest_filter=*Seeds*"], check=False, stdout=subprocess.PIPE, text=True,
                              env={**os.environ, "GRADUS_FUZZ_SEEDS": folder})
    print(done.stdout)
    # Two for each target that has seeds: a filter that matches nothing passes, too.
    return 0 if done.returncode == 0 and f"{2 * len(make_seeds.MAKERS)} tests from" in done.stdout else 1


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:]))
