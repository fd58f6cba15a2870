# SPDX-License-Identifier: Apache-2.0
"""Rows of Fashion-MNIST as a job's view has them, read without Gradus."""
import gzip
import pathlib

import numpy

from rig import FASHION

FILES = {"train": "train", "test": "t10k"}


def read_idx(name, header):
    with gzip.open(pathlib.Path(FASHION) / name) as file:
        return numpy.frombuffer(file.read(), numpy.uint8, offset=header)


def rows_of(view):
    """x (rows, 28, 28) in f32 and y of a DataView in its JSON form, where `labels` are those to keep, in their new order."""
    part = FILES[view.get("split", "train")]
    x = read_idx(f"{part}-images-idx3-ubyte.gz", 16).reshape(-1, 28, 28)
    y = read_idx(f"{part}-labels-idx1-ubyte.gz", 8).astype(numpy.int64)
    first, end = map(int, view.get("range") or (0, len(y)))
    x, y = x[first:end], y[first:end]
    if view.get("labels"):
        labels = list(map(int, view["labels"]))
        keep = numpy.isin(y, labels)
        renumber = numpy.full(256, -1)
        renumber[labels] = numpy.arange(len(labels))
        x, y = x[keep], renumber[y[keep]]
    take = int(view.get("take") or len(y))
    return x[:take].astype(numpy.float32) * numpy.float32(view.get("scale", 1)) + numpy.float32(view.get("offset", 0)), y[:take]
