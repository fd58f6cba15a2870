# SPDX-License-Identifier: Apache-2.0
"""Checks the #include lines of a source tree against a table of who may include whom.

    layering.py ROOT RULES     prints every violation; exit status 1 if there is one
"""
import pathlib
import re
import sys

INCLUDE = re.compile(r'^\s*#\s*include\s*[<"]([^>"]+)[>"]')
INCLUDE_ROOTS = ("", "client/lib/")
SOURCE_FOLDERS = ("proto", "engine", "server", "client")


class Rules:
    """The table: folder -> all that it may include, and pattern -> the places where it may occur."""

    def __init__(self, text):
        direct, self.uses = {}, []
        for line in text.splitlines():
            line = line.strip()
            if not line or line.startswith("#"):
                continue
            left, _, right = line.rpartition(":")
            if left.startswith("use "):
                self.uses.append((re.compile(left[4:].strip()), tuple(right.split())))
            else:
                direct[left] = right.split()
        unknown = {name for names in direct.values() for name in names} - set(direct)
        if unknown:
            raise ValueError(f"the table has no entry for {', '.join(sorted(unknown))}")
        self.allowed = {folder: self._closure(folder, direct, ()) for folder in direct}

    def _closure(self, folder, direct, path):
        if folder in path:
            raise ValueError(f"a circle in the table: {' -> '.join(path + (folder,))}")
        return {folder}.union(*(self._closure(name, direct, path + (folder,)) for name in direct[folder]))

    def entry(self, path):
        """The longest entry that the file lies under, or None."""
        found = [folder for folder in self.allowed if path.startswith(folder + "/")]
        return max(found, key=len, default=None)


def included(source):
    for number, line in enumerate(source.splitlines(), 1):
        match = INCLUDE.match(line)
        if match:
            yield number, match.group(1)


def violations(root, rules):
    root = pathlib.Path(root)
    files = sorted(path for folder in SOURCE_FOLDERS for path in (root / folder).rglob("*")
                   if path.suffix in (".h", ".cc") and path.is_file())
    for file in files:
        path = file.relative_to(root).as_posix()
        own = rules.entry(path)
        if own is None and not path.startswith("proto/"):
            yield f"{path}: no entry of the table covers this folder"
            continue
        for number, include in included(file.read_text()):
            target = next((prefix + include for prefix in INCLUDE_ROOTS if (root / (prefix + include)).is_file()), None)
            yield from (f"{path}:{number}: {what}" for what in faults(rules, path, own, include, target))


def faults(rules, path, own, include, target):
    for pattern, places in rules.uses:
        if pattern.fullmatch(include) and not path.startswith(places):
            yield f"{include} belongs to {' '.join(places)} alone"
    if target is None or own is None:
        return
    other = rules.entry(target)
    if target.startswith("tests/"):
        yield f"{include}: nothing but tests may include tests"
    elif other is not None and other not in rules.allowed[own]:
        yield f"{own} may not include {other} ({include})"


def main(root, table):
    found = list(violations(root, Rules(pathlib.Path(table).read_text())))
    print("\n".join(found) or "every include keeps the rules")
    return 1 if found else 0


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:]))
