# SPDX-License-Identifier: Apache-2.0
"""What NumPy writes is read as NumPy reads it.

    numpy_test.py ARRAY_DUMP
"""
import io
import pathlib
import subprocess
import sys
import tempfile
import unittest
import zipfile
from unittest import mock

import numpy

# What each type becomes.
DTYPES = {"b1": ("U8", "u1"), "i1": ("I8", "i1"), "i2": ("I16", "i2"), "i4": ("I32", "i4"), "i8": ("I64", "i8"),
          "u1": ("U8", "u1"), "u2": ("I32", "i4"), "u4": ("I64", "i8"), "u8": ("I64", "i8"),
          "f2": ("F32", "f4"), "f4": ("F32", "f4"), "f8": ("F64", "f8")}
PROGRAM = None


def dump(content):
    with tempfile.NamedTemporaryFile() as file:
        file.write(content)
        file.flush()
        return subprocess.run([PROGRAM, file.name], check=False, capture_output=True)


def arrays_of(content):
    """name -> (dtype, array)."""
    done = dump(content)
    if done.returncode:
        raise AssertionError(done.stderr.decode())
    found, rest = {}, done.stdout
    while rest:
        line, _, rest = rest.partition(b"\n")
        name, dtype, size, *shape = line.decode().split()
        numpy_type = next(there for short, there in DTYPES.values() if short == dtype)
        values = numpy.frombuffer(rest[:int(size)], "<" + numpy_type).reshape([int(extent) for extent in shape])
        found[name], rest = (dtype, values), rest[int(size):]
    return found


def npy(array, version=None):
    file = io.BytesIO()
    numpy.lib.format.write_array(file, array, version)
    return file.getvalue()


def values_of(code, shape):
    """Values that use the type's range."""
    random = numpy.random.default_rng(1)
    if code == "b1":
        return random.integers(0, 2, shape).astype(bool)
    if code[0] == "f":
        return (random.standard_normal(shape) * 1000).astype(code)
    limits = numpy.iinfo(code)
    return random.integers(limits.min, min(limits.max, 2 ** 63 - 1), shape, dtype=code, endpoint=True)


class NumPy(unittest.TestCase):
    def hold(self, code, array, found):
        self.assertEqual(found[0], DTYPES[code][0])
        self.assertEqual(found[1].shape, array.shape)
        numpy.testing.assert_array_equal(found[1], array.astype(DTYPES[code][1]))

    def test_each_type_order_and_byte_order(self):
        for code in DTYPES:
            for shape in ((5,), (3, 4), (2, 3, 4, 5), (1, 7), (100, 3, 300)):
                values = values_of(code, shape)
                for byte_order in "<>":
                    for lay in (numpy.ascontiguousarray, numpy.asfortranarray):
                        with self.subTest(code=code, shape=shape, byte_order=byte_order, lay=lay.__name__):
                            array = lay(values.astype(values.dtype.newbyteorder(byte_order)))
                            self.hold(code, array, arrays_of(npy(array))["-"])

    def test_each_version_of_the_format(self):
        array = values_of("f4", (3, 4))
        for version in ((1, 0), (2, 0), (3, 0)):
            self.hold("f4", array, arrays_of(npy(array, version))["-"])

    def test_archives_of_any_kind(self):
        arrays = {"x": values_of("f4", (50, 28)), "y": values_of("u1", (50,)), "wide": values_of("u2", (3, 3)).T}
        for save in (numpy.savez, numpy.savez_compressed):
            file = io.BytesIO()
            save(file, **arrays)
            found = arrays_of(file.getvalue())
            self.assertEqual(set(found), set(arrays))
            for name, code in (("x", "f4"), ("y", "u1"), ("wide", "u2")):
                self.hold(code, arrays[name], found[name])

    def test_archives_written_to_a_pipe(self):
        class Pipe(io.RawIOBase):
            def __init__(self):
                super().__init__()
                self.content = b""

            def writable(self):
                return True

            def write(self, data):
                self.content += bytes(data)
                return len(data)

        for save in (numpy.savez, numpy.savez_compressed):
            pipe = Pipe()
            save(pipe, x=values_of("f4", (5, 7)))
            self.hold("f4", values_of("f4", (5, 7)), arrays_of(pipe.content)["x"])

    def test_archives_with_every_zip64_record(self):
        with mock.patch.object(zipfile, "ZIP64_LIMIT", 10), mock.patch.object(zipfile, "ZIP_FILECOUNT_LIMIT", 1):
            for save in (numpy.savez, numpy.savez_compressed):
                file = io.BytesIO()
                save(file, x=values_of("f4", (5, 7)), y=values_of("i2", (5,)))
                self.assertIn(b"PK\x06\x06", file.getvalue())
                found = arrays_of(file.getvalue())
                self.hold("f4", values_of("f4", (5, 7)), found["x"])
                self.hold("i2", values_of("i2", (5,)), found["y"])

    def test_pickles_and_records_are_refused(self):
        for array, word in ((numpy.array([{}], object), b"pickles are never read"),
                            (numpy.zeros(2, [("a", "f4")]), b"records"), (numpy.array(["a"]), b"none of b1")):
            file = io.BytesIO()
            numpy.savez(file, x=array)
            for content in (file.getvalue(), npy(array)):
                done = dump(content)
                self.assertEqual(done.returncode, 1)
                self.assertIn(word, done.stderr)


if __name__ == "__main__":
    PROGRAM = sys.argv.pop()
    unittest.main()
