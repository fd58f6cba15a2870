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
        return subprocess.run([program, "--gtest_brief=1", "--gtest_filter=*Seeds*"], check=False,
                              env={**os.environ, "GRADUS_FUZZ_SEEDS": folder}).returncode


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:]))
