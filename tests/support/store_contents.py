# SPDX-License-Identifier: Apache-2.0
"""Prints what a server keeps, a line a row and a line a file, so that two moments can be compared.

    store_contents.py DATA_DIR
"""
import pathlib
import sqlite3
import sys

FOLDERS = ("blobs", "uploads", "attempts")


def contents(folder):
    database = sqlite3.connect(f"file:{folder / 'gradus.db'}?mode=ro", uri=True)
    tables = [name for name, in database.execute("SELECT name FROM sqlite_master WHERE type = 'table' ORDER BY name")]
    for table in tables:
        for row in sorted(database.execute(f'SELECT * FROM "{table}"').fetchall(), key=repr):
            yield f"{table} {row}"
    for name in FOLDERS:
        for file in sorted((folder / name).rglob("*")):
            if file.is_file():
                yield f"{file.relative_to(folder)} {file.stat().st_size}"


if __name__ == "__main__":
    print("\n".join(contents(pathlib.Path(sys.argv[1]))))
