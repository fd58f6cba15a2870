# SPDX-License-Identifier: Apache-2.0
"""Checks that sources name a kind in its own file alone: a switch elsewhere would have to name it too.

    one_place.py ROOT TABLE     prints every other place; exit status 1 if there is one

Kinds are the words of the gradus_family() calls below ROOT/engine. What counts is code that takes a kind for what it
is: v1::Dense, kDense, .dense(), mutable_dense(), dense_kind, "dense". Comments do not count. TABLE says where a kind may
be named all the same: "PATH: WORD ...", where PATH is a file or a folder.
"""
import pathlib
import re
import sys

FAMILY = re.compile(r"gradus_family\(\s*\w+\s+\w+([^)]*)\)")
KEYWORD = re.compile(r"[A-Z_]+")
COMMENT = re.compile(r'("(?:\\.|[^"\\\n])*")|//[^\n]*|/\*.*?\*/', re.S)
SOURCE_FOLDERS = ("engine", "server", "client", "proto")


def members(root):
    """{word: its own files, one a family that has it, as paths below root}."""
    found = {}
    for file in sorted((root / "engine").rglob("CMakeLists.txt")):
        text = re.sub(r"#[^\n]*", "", file.read_text())
        for arguments in FAMILY.findall(text):
            for word in arguments.split():
                if KEYWORD.fullmatch(word):
                    break
                found.setdefault(word, set()).add((file.parent / f"{word}.cc").relative_to(root).as_posix())
    return found


def mention(word):
    camel = "".join(part.capitalize() for part in word.split("_"))
    return re.compile(
        rf'\bk{camel}\b|\bv1::{camel}\b|\b{word}_kind\b|(?:\.|->)(?:has_|clear_)?{word}\(|\bmutable_{word}\(|"{word}"')


def code_of(source):
    """The source without comments; lines stay where they are."""
    return COMMENT.sub(lambda match: match.group(1) or "\n" * match.group(0).count("\n"), source)


def allowances(table):
    """[(path, word)]."""
    pairs = []
    for line in table.splitlines():
        line = line.partition("#")[0].strip()
        if line:
            path, _, words = line.partition(":")
            pairs += [(path.strip(), word) for word in words.split()]
    return pairs


def violations(root, table):
    root = pathlib.Path(root)
    kinds = members(root)
    if not kinds:
        yield "there is no gradus_family() below engine"
    allowed = allowances(table)
    used = set()
    patterns = {word: mention(word) for word in kinds}
    for file in sorted(path for folder in SOURCE_FOLDERS for path in (root / folder).rglob("*")
                       if path.suffix in (".h", ".cc") and path.is_file()):
        path = file.relative_to(root).as_posix()
        code = code_of(file.read_text())
        for word, pattern in patterns.items():
            match = pattern.search(code)
            if match is None or path in kinds[word]:
                continue
            reasons = {(place, name) for place, name in allowed
                       if name == word and (path == place or path.startswith(place + "/"))}
            used |= reasons
            if not reasons:
                line = code.count("\n", 0, match.start()) + 1
                yield f"{path}:{line}: {match.group(0)} belongs to {' and '.join(sorted(kinds[word]))} alone"
    for path, word in allowed:
        if (path, word) not in used:
            yield f"the table allows {word} in {path}, which does not name it"


def main(root, table):
    found = list(violations(root, pathlib.Path(table).read_text()))
    print("\n".join(found) or "every kind has one place")
    return 1 if found else 0


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:]))
