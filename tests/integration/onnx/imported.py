# SPDX-License-Identifier: Apache-2.0
"""What import_rows says of ONNX models."""
import subprocess

import numpy


def run(program, folder, cases):
    """For each (model proto, input arrays): import_rows' answer, and the outputs one behind the other where it is "ok"."""
    lines = []
    for number, (model, inputs) in enumerate(cases):
        files = [folder / f"{number}.{word}" for word in ("onnx", "in", "out")]
        files[0].write_bytes(model if isinstance(model, bytes) else model.SerializeToString())
        with numpy.errstate(over="ignore"):
            files[1].write_bytes(b"".join(numpy.ascontiguousarray(value, numpy.float32).tobytes() for value in inputs))
        lines.append("\t".join(map(str, files)))
    done = subprocess.run([program], input="\n".join(lines) + "\n", stdout=subprocess.PIPE, text=True, check=True)
    answers = done.stdout.splitlines()
    assert len(answers) == len(cases), done.stdout
    for number, answer in enumerate(answers):
        yield answer, numpy.fromfile(folder / f"{number}.out", numpy.float32) if answer.startswith("ok") else None
