# SPDX-License-Identifier: Apache-2.0
"""Installs the client library and builds and runs a program against it, as another project would.

    install_test.py CMAKE BUILD_DIR COMPILER
"""
import pathlib
import shutil
import subprocess
import sys
import tempfile

HERE = pathlib.Path(__file__).resolve().parent


def run(*command):
    done = subprocess.run([str(word) for word in command], capture_output=True, text=True)
    if done.returncode != 0:
        sys.exit(f"{' '.join(map(str, command))} answered {done.returncode}:\n{done.stdout}{done.stderr}")
    return done.stdout


def main(cmake, build_dir, compiler):
    with tempfile.TemporaryDirectory() as folder:
        folder = pathlib.Path(folder)
        run(cmake, "--install", build_dir, "--component", "client", "--prefix", folder / "first")
        # Installed trees get moved; nothing in them may know where they were made.
        (folder / "first").rename(folder / "moved")
        source = folder / "source"
        source.mkdir()
        shutil.copy(HERE / "main.cc", source)
        public = {f"#include <gradus/{header.name}>" for header in (folder / "moved/include/gradus").glob("*.h")}
        missing = public - set((source / "main.cc").read_text().splitlines())
        if missing:
            sys.exit(f"main.cc has not every public header: {missing}")
        shutil.copy(HERE / "CMakeLists.consumer.txt", source / "CMakeLists.txt")
        run(cmake, "-G", "Ninja", "-S", source, "-B", folder / "build", f"-DCMAKE_PREFIX_PATH={folder / 'moved'}",
            f"-DCMAKE_CXX_COMPILER={compiler}")
        run(cmake, "--build", folder / "build")
        print(run(folder / "build/consumer"))


if __name__ == "__main__":
    main(*sys.argv[1:])
