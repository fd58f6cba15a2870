# SPDX-License-Identifier: Apache-2.0
"""Compares the tests on disk with those in the build: a test that nobody runs protects nothing.

    every_test_is_built.py ROOT LIST     LIST has one absolute path a line, as the build wrote it
"""
import pathlib
import sys


def main(root, listed):
    root = pathlib.Path(root)
    built = set(pathlib.Path(listed).read_text().splitlines())
    on_disk = {str(path) for path in (root / "tests").rglob("*_test.cc")}
    left_out = sorted(on_disk - built)
    for path in left_out:
        print(f"{path} is in no gradus_test()")
    print(f"{len(on_disk)} test sources on disk, {len(left_out)} of them not in the build")
    return 1 if left_out or not on_disk else 0


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:]))
