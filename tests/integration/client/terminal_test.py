# SPDX-License-Identifier: Apache-2.0
"""What a person sees on a real terminal: lines that are drawn over in place, tables that fit, Ctrl-C that detaches.

    terminal_test.py BIN_DIR
"""
import fcntl
import os
import pathlib
import pty
import re
import select
import signal
import struct
import subprocess
import sys
import termios
import time
import unittest

ROOT = pathlib.Path(__file__).resolve().parents[3]
sys.path.insert(0, str(ROOT / "tests/support"))
from rig import Server  # noqa: E402

PROGRESS = re.compile(r"stage 1/1  epoch \d+/\d+  \d+/\d+ \[[=>.]{20}\]  ETA \d+:\d\d  \d+\.\d\d ms/step( - \w+: [\d.]+)*$")


class Screen:
    """As much of a terminal as the client uses: text that wraps, \\r, \\n, up, and erasing to the line's or the screen's end."""

    def __init__(self, width):
        self.width, self.rows, self.row, self.column = width, [""], 0, 0

    def feed(self, text):
        for token in re.findall(r"\x1b\[\d*[A-Z]|[\r\n]|[^\x1b\r\n]", text):
            self.take(token)

    def take(self, token):
        if token == "\r":
            self.column = 0
        elif token == "\n":
            self.row += 1
            self.rows += [""] * (self.row + 1 - len(self.rows))
        elif token == "\x1b[J":
            self.rows = self.rows[:self.row + 1]
            self.rows[self.row] = self.rows[self.row][:self.column]
        elif token == "\x1b[K":
            self.rows[self.row] = self.rows[self.row][:self.column]
        elif token.startswith("\x1b"):
            assert token[-1] == "A", f"an unknown sequence: {token!r}"
            self.row -= int(token[2:-1])
            assert self.row >= 0, "above the screen's first row"
        else:
            self.put(token)

    def put(self, letter):
        if self.column == self.width:  # the last column was filled: only the next letter goes on
            self.take("\n")
            self.column = 0
        line = self.rows[self.row]
        self.rows[self.row] = line[:self.column].ljust(self.column) + letter + line[self.column + 1:]
        self.column += 1


class Terminal:
    """A command on a pseudo-terminal."""

    def __init__(self, server, width, *words):
        self.screen = Screen(width)
        self.raw = ""
        self.master, slave = pty.openpty()
        fcntl.ioctl(slave, termios.TIOCSWINSZ, struct.pack("HHHH", 50, width, 0, 0))
        command = [server.bin / "gradus", "--profile", server.profile, *words]
        self.process = subprocess.Popen(command, stdin=slave, stdout=slave, stderr=slave, start_new_session=True,
                                        preexec_fn=lambda: fcntl.ioctl(0, termios.TIOCSCTTY, 0))
        os.close(slave)

    def read_until(self, done, seconds=120):
        end = time.monotonic() + seconds
        while not done(self):
            ready, _, _ = select.select([self.master], [], [], max(0, end - time.monotonic()))
            if not ready:
                raise TimeoutError(self.raw[-2000:])
            try:
                text = os.read(self.master, 65536).decode()
            except OSError:  # the other end is closed
                return
            self.raw += text
            self.screen.feed(text)

    def finish(self):
        self.read_until(lambda _: False)
        return self.process.wait(30)

    def press(self, key):
        os.write(self.master, key)


class OnATerminal(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.server = Server(BIN).__enter__()
        cls.server.push_fashion()

    @classmethod
    def tearDownClass(cls):
        cls.server.__exit__(None, None, None)

    def train(self, width, *words):
        return Terminal(self.server, width, "train", str(ROOT / "deploy/examples/fashion-a.yaml"), *words)

    def test_progress_is_drawn_over_in_place(self):
        for width in (60, 80, 200):
            with self.subTest(width=width):
                terminal = self.train(width, "--set", "fit.epochs=2", "--set", "data.validation=", "--set", "data.test=")
                self.assertEqual(terminal.finish(), 0)
                drawn = [part for part in re.split(r"\r|\n|\x1b\[\d*[AJ]", terminal.raw) if "ETA" in part]
                self.assertGreaterEqual(len(drawn), 1)  # how many depends on the pace
                for line in drawn:
                    self.assertRegex(line, PROGRESS)
                rows = [row.rstrip() for row in terminal.screen.rows]
                self.assertFalse([row for row in rows if "ETA" in row], "a drawn line stayed")
                self.assertTrue(all(len(row) <= width for row in rows))
                text = "".join(row.ljust(width) if len(row) == width else row + "\n" for row in rows)
                self.assertRegex(text, r"submitted\nQUEUED\nSTARTING\nRUNNING\nstage 1/1  epoch 1/2  \d+/\d+ \[={20}\]")
                self.assertEqual(text.count("epoch 1/2"), 1)
                self.assertEqual(text.count("epoch 2/2"), 1)

    def tearDown(self):
        for id in self.server.run("job", "ls", "-q", "--state", "queued", "--state", "starting", "--state", "running").stdout.split():
            self.server.run("job", "cancel", id, check=False)

    def test_ctrl_c_detaches_and_says_how_to_come_back(self):
        terminal = self.train(80, "--set", "fit.epochs=100000")
        terminal.read_until(lambda t: "ETA" in t.raw)
        terminal.press(b"\x03")
        self.assertEqual(terminal.finish(), 1)
        text = "".join(row.rstrip() + "\n" for row in terminal.screen.rows)
        id = re.search(r"job (j[0-9a-z]{12}) ", text).group(1)
        joined = text.replace("\n", "")
        self.assertIn(f"detached; job {id} goes on. Come back with: gradus job watch {id}", joined)
        self.assertEqual(self.server.json("job", "show", id)["state"], "RUNNING")
        again = Terminal(self.server, 80, "job", "watch", id)
        again.read_until(lambda t: "ETA" in t.raw)
        self.server.run("job", "cancel", id)
        self.assertEqual(again.finish(), 1)
        self.assertIn(f"gradus: job {id} CANCELLED", again.raw)

    def test_tables_fit(self):
        job = self.server.json("train", ROOT / "deploy/examples/fashion-a.yaml", "--detach", "--set", "name=" + "n" * 100,
                               "--set", "fit.epochs=0")
        self.server.run("job", "wait", job["id"])
        for words in (["job", "ls"], ["model", "ls"], ["data", "ls"], ["data", "show", "fashion-mnist"], ["model", "summary", "fashion-a"],
                      ["job", "metrics", job["id"]]):
            for width in (60, 80):
                with self.subTest(words=words, width=width):
                    terminal = Terminal(self.server, width, *words)
                    self.assertEqual(terminal.finish(), 0)
                    lines = terminal.raw.replace("\r", "").split("\n")
                    table = lines[lines.index("") + 1:] if words[1] == "show" else lines
                    self.assertLessEqual(max(map(len, table)), width, "\n".join(lines))
                    if words == ["job", "ls"]:
                        self.assertIn(job["id"], terminal.raw, "an identifier was cut")

    def test_where_nobody_watches_lines_are_plain(self):
        done = self.server.run("train", ROOT / "deploy/examples/fashion-a.yaml", "--set", "fit.epochs=2")
        self.assertNotIn("\r", done.stdout)
        self.assertNotIn("\x1b", done.stdout)
        # On a slow machine an epoch may have lines of its progress as well.
        self.assertEqual(len([line for line in done.stdout.splitlines() if line.startswith("stage 1/1  epoch ") and "ETA" not in line]), 2)

    def test_a_signal_detaches_like_ctrl_c(self):
        command = [self.server.bin / "gradus", "--profile", self.server.profile, "train", ROOT / "deploy/examples/fashion-a.yaml",
                   "--set", "fit.epochs=100000", "--json"]
        process = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
        id = re.search(r'"id":"(\w+)"', process.stdout.readline()).group(1)
        process.stdout.readline()  # an event: it follows
        process.send_signal(signal.SIGINT)
        _, said = process.communicate(timeout=30)
        self.assertEqual(process.returncode, 1)
        self.assertIn(f"gradus job watch {id}", said)
        self.server.run("job", "cancel", id)


if __name__ == "__main__":
    BIN = sys.argv[1]
    unittest.main(argv=sys.argv[:1])
