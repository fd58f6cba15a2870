# SPDX-License-Identifier: Apache-2.0
"""Reads and writes golden files: safetensors whose tensors golden_test.cc lists."""
import json

import numpy

DTYPES = {"float32": "F32", "int32": "I32"}


def file_of(metadata, tensors):
    header, data = {"__metadata__": metadata}, b""
    for name, value in tensors.items():
        raw = numpy.ascontiguousarray(value).tobytes()
        header[name] = {"dtype": DTYPES[value.dtype.name], "shape": list(value.shape),
                        "data_offsets": [len(data), len(data) + len(raw)]}
        data += raw
    text = json.dumps(header, separators=(",", ":")).encode()
    text += b" " * (-len(text) % 8)
    return len(text).to_bytes(8, "little") + text + data


def read(path):
    raw = path.read_bytes()
    size = int.from_bytes(raw[:8], "little")
    header = json.loads(raw[8:8 + size])
    metadata = header.pop("__metadata__")
    numpy_types = {short: long for long, short in DTYPES.items()}
    return metadata, {name: numpy.frombuffer(raw[8 + size:][slice(*entry["data_offsets"])],
                                             numpy_types[entry["dtype"]]).reshape(entry["shape"])
                      for name, entry in header.items()}
