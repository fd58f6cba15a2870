# SPDX-License-Identifier: Apache-2.0
"""Runs sessions of the command line client that are written down as text, and compares what it says.

    transcripts.py BIN_DIR FILE...             with a gradusd of each file's own
    transcripts.py --offline BIN_DIR FILE...   without a server
    transcripts.py --update ...                writes what was said into the files instead

A transcript is a list of "$ command" lines, each followed by what it prints (standard output, then standard error) and, where
its exit status is not 0, "[exit N]". Lines before the first command are remarks. "..." stands for any lines. Commands run in
a shell, in an empty folder, with `gradus` on the PATH, $DATA the folder of Fashion-MNIST, $EXAMPLES that of deploy/examples, and $STORE
a program that prints all that the server keeps. What differs from run to run is replaced before comparing: see NORMALISE.
"""
import argparse
import os
import pathlib
import re
import subprocess
import sys
import tempfile

ROOT = pathlib.Path(__file__).resolve().parents[2]
sys.path.insert(0, str(ROOT / "tests/support"))
import rig  # noqa: E402

NORMALISE = [
    (re.compile(r"\b[0-9a-f]{64}\b"), "DIGEST"),
    (re.compile(r"\d{4}-\d\d-\d\d \d\d:\d\d:\d\d"), "TIME"),
    (re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d+)?Z"), "TIME"),
    (re.compile(r"\b\d+(\.\d+)? (min \d+ s|s)\b"), "DURATION"),
    (re.compile(r"\b\d+\.\d+ ms/step"), "SPEED"),
    (re.compile(r"\b\d+\.\d{4}(e[-+]\d+)?\b"), "FIGURE"),
    (re.compile(r"127\.0\.0\.1:\d+"), "ADDRESS"),
    (re.compile(r"(/tmp|/var/tmp)/[\w./-]+"), "PATH"),
]
JOB = re.compile(r"\bj[0-9a-z]{12}\b")


class Normaliser:
    """Numbers the jobs of one transcript in the order they appear in."""

    def __init__(self):
        self.jobs = {}

    def __call__(self, line):
        line = JOB.sub(lambda m: self.jobs.setdefault(m.group(), f"JOB{len(self.jobs) + 1}"), line)
        for pattern, word in NORMALISE:
            line = pattern.sub(word, line)
        return re.sub(r"(?<=\S) {2,}", "  ", line).rstrip()


def read(path):
    """The remarks, and (command, expected lines) for each command."""
    remarks, steps = [], []
    for line in path.read_text().splitlines():
        if line.startswith("$ "):
            steps.append((line[2:], []))
        elif steps:
            steps[-1][1].append(line)
        else:
            remarks.append(line)
    for _, expected in steps:
        while expected and not expected[-1]:
            expected.pop()
    return remarks, steps


def matches(expected, actual):
    """Whether the lines are the same, "..." standing for any number of them."""
    if not expected:
        return not actual
    if expected[0] == "...":
        return any(matches(expected[1:], actual[i:]) for i in range(len(actual) + 1))
    return bool(actual) and expected[0] == actual[0] and matches(expected[1:], actual[1:])


def run_step(command, env, folder, normalise):
    done = subprocess.run(["bash", "-c", command], capture_output=True, env=env, cwd=folder, timeout=300, text=True)
    lines = (done.stdout + done.stderr).splitlines()
    if done.returncode:
        lines.append(f"[exit {done.returncode}]")
    lines = [normalise(line) for line in lines]
    while lines and not lines[-1]:
        lines.pop()
    return lines


def run_file(path, bin_dir, server, update):
    remarks, steps = read(path)
    normalise = Normaliser()
    failures = 0
    written = list(remarks)
    with tempfile.TemporaryDirectory() as folder:
        env = {**os.environ, "PATH": f"{bin_dir}:{os.environ['PATH']}", "HOME": folder, "TZ": "UTC", "LC_ALL": "C.UTF-8",
               "DATA": rig.FASHION, "EXAMPLES": str(ROOT / "deploy/examples"), "COLUMNS": "100"}
        for name in ("GRADUS_PROFILE", "XDG_CONFIG_HOME"):
            env.pop(name, None)
        if server:
            env["GRADUS_PROFILE"] = str(server.profile)
            env["STORE"] = f"{sys.executable} -B {ROOT / 'tests/support/store_contents.py'} {server.dir}"
        for command, expected in steps:
            # A later command may name the jobs of earlier ones: <JOB1>.
            real = command
            for job, name in normalise.jobs.items():
                real = real.replace(f"<{name}>", job)
            actual = run_step(real, env, folder, normalise)
            good = matches([normalise(line) for line in expected], actual)
            if not good and not update:
                failures += 1
                print(f"{path}: $ {command}\n--- expected\n" + "\n".join(expected) + "\n--- said\n" + "\n".join(actual) + "\n")
            written += [f"$ {command}", *(expected if good else actual), ""]
    if update:
        path.write_text("\n".join(written))
    return failures


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("bin_dir", type=pathlib.Path)
    parser.add_argument("files", nargs="+", type=pathlib.Path)
    parser.add_argument("--offline", action="store_true")
    parser.add_argument("--update", action="store_true")
    args = parser.parse_args()
    failures = 0
    for path in args.files:
        if args.offline:
            failures += run_file(path, args.bin_dir.resolve(), None, args.update)
            continue
        with rig.Server(args.bin_dir) as server:
            failures += run_file(path, args.bin_dir.resolve(), server, args.update)
    print(f"{len(args.files)} transcripts, {failures} commands said something else")
    return 1 if failures else 0


if __name__ == "__main__":
    sys.exit(main())
