# SPDX-License-Identifier: Apache-2.0
"""Writes what fuzzers start from: small whole files, as NumPy and others write them.

    make_seeds.py FOLDER     FOLDER/TARGET/... for each target; each file is one that its parser takes
"""
import io
import pathlib
import shutil
import sys

import numpy

ROOT = pathlib.Path(__file__).resolve().parents[2]
sys.path.insert(0, str(ROOT / "tests" / "golden"))
import golden_file  # noqa: E402

EXAMPLES = sorted((ROOT / "deploy" / "examples").glob("*.yaml"))
# Needs models or views that only a server has.
NEEDS_A_SERVER = ("fashion-b-on-a.yaml",)


def idx():
    for code, numpy_type in ((8, ">u1"), (9, ">i1"), (11, ">i2"), (12, ">i4"), (13, ">f4"), (14, ">f8")):
        values = numpy.arange(12).astype(numpy_type).reshape(2, 3, 2)
        shape = b"".join(extent.to_bytes(4, "big") for extent in values.shape)
        yield f"{numpy_type[1:]}", bytes([0, 0, code, values.ndim]) + shape + values.tobytes()


def npy_of(array, version=None):
    file = io.BytesIO()
    numpy.lib.format.write_array(file, array, version, allow_pickle=False)
    return file.getvalue()


def npy():
    for numpy_type in ("?", "<i1", "<i2", ">i4", "<i8", "<u1", ">u2", "<u4", "<u8", "<f2", ">f4", "<f8"):
        yield f"type_{numpy.dtype(numpy_type).name}", npy_of(numpy.arange(6).astype(numpy_type).reshape(3, 2))
    for version in (1, 2, 3):
        yield f"version_{version}", npy_of(numpy.zeros((2, 2), "f4"), (version, 0))
    yield "fortran", npy_of(numpy.asfortranarray(numpy.arange(24, dtype="<i2").reshape(2, 3, 4)))


def npz():
    arrays = {"x": numpy.arange(12, dtype="f4").reshape(3, 4), "y": numpy.array([0, 1, 2], "u1")}
    for name, save in (("stored", numpy.savez), ("deflated", numpy.savez_compressed)):
        file = io.BytesIO()
        save(file, **arrays)
        yield name, file.getvalue()


def safetensors():
    yield "two", golden_file.file_of({"format": "pt"}, {"dense/kernel": numpy.zeros((2, 3), "f4"),
                                                        "dense/bias": numpy.ones(3, "f4")})
    yield "no_tensors", golden_file.file_of({"a": "b"}, {})


def field(number, value):
    """One field of a message: a number or bytes; all of these are short."""
    if isinstance(value, int):
        assert 0 <= value < 128
        return bytes([number << 3, value])
    assert len(value) < 128
    return bytes([number << 3 | 2, len(value)]) + value


def weights_index():
    kernel = field(1, b"dense/kernel") + field(2, b"\x02\x03")
    bias = field(1, b"dense/bias") + field(2, b"\x03")
    blob = field(1, b"0123456789abcdef" * 4) + field(2, 36)
    yield "one_piece", field(1, field(1, blob) + field(2, kernel) + field(2, bias)) + field(2, 1)
    yield "no_pieces", field(2, 1)


def job_text():
    for path in EXAMPLES:
        yield path.name, path.read_bytes()
    yield "json", b'{"model": {"input_shape": [4], "layers": [{"dense": {"units": 2}}]}, "fit": {"epochs": "1"}}'


def job_spec():
    yield from ((path.name, path.read_bytes()) for path in EXAMPLES if path.name not in NEEDS_A_SERVER)


def checkpoint():
    one = "3ff0000000000000"
    metadata = {"format": "gradus checkpoint 4", "digest": "0" * 64, "stage": "0", "epoch": "1", "step_in_epoch": "2", "step": "3",
                "rows": "4", "loss": one, "metrics": "1", "spec_digest": "", "isa": "avx2", "onednn": "2.6.3", "threads": "1",
                "optimizer_steps": "3", "callback_numbers": "1", "callback_0": one, "callback_learning_rate": one,
                "best_epochs": "1", "best_value_0": one, "best_step_0": "3"}
    tensors = {"weights/dense/kernel": numpy.zeros((2, 3), "f4"), "slots/momentum/dense/kernel": numpy.zeros((2, 3), "f4"),
               "kept/dense/kernel": numpy.zeros((2, 3), "f4"), "rows/0": numpy.zeros(2, "f4")}
    yield "one_metric", golden_file.file_of(metadata, tensors)


def onnx_model(nodes, inputs, outputs, constants=(), opset=13):
    from onnx import TensorProto, helper, numpy_helper
    graph = helper.make_graph(
        [helper.make_node(op, ins, outs, **attributes) for op, ins, outs, attributes in nodes], "seed",
        [helper.make_tensor_value_info(name, TensorProto.FLOAT, shape) for name, shape in inputs],
        [helper.make_tensor_value_info(name, TensorProto.FLOAT, None) for name in outputs],
        [numpy_helper.from_array(array, name) for name, array in constants])
    return helper.make_model(graph, opset_imports=[helper.make_opsetid("", opset)], ir_version=7).SerializeToString()


def onnx():
    ones = lambda *shape: numpy.ones(shape, "f4")  # noqa: E731
    yield "dense", onnx_model([("Gemm", ["x", "w", "b"], ["h"], {}), ("Relu", ["h"], ["y"], {})], [("x", ["N", 3])], ["y"],
                              [("w", ones(3, 2)), ("b", ones(2))])
    yield "convolution", onnx_model(
        [("Conv", ["x", "w"], ["c"], {"pads": [1, 1, 1, 1]}),
         ("BatchNormalization", ["c", "s", "s", "s", "s"], ["n"], {"epsilon": 1e-3}),
         ("MaxPool", ["n"], ["p"], {"kernel_shape": [2, 2], "strides": [2, 2]}),
         ("Add", ["p", "p"], ["a"], {}), ("Flatten", ["a"], ["y"], {})],
        [("x", ["N", 1, 4, 4])], ["y"], [("w", ones(2, 1, 3, 3)), ("s", ones(2))])
    yield "recurrent", onnx_model(
        [("Transpose", ["x"], ["t"], {"perm": [1, 0, 2]}),
         ("LSTM", ["t", "w", "r"], ["", "h"], {"hidden_size": 1}), ("Squeeze", ["h", "axes"], ["y"], {})],
        [("x", ["N", 3, 2])], ["y"], [("w", ones(1, 4, 2)), ("r", ones(1, 4, 1)), ("axes", numpy.array([0]))])
    yield "shapes", onnx_model(
        [("Reshape", ["x", "to"], ["r"], {}), ("Concat", ["r", "r"], ["c"], {"axis": 1}),
         ("Softmax", ["c"], ["y"], {"axis": -1})], [("x", ["N", 2, 2])], ["y"], [("to", numpy.array([0, -1]))])


def onnx_import():
    yield from onnx()


MAKERS = (checkpoint, idx, job_spec, job_text, npy, npz, onnx, onnx_import, safetensors, weights_index)


def main(folder):
    for maker in MAKERS:
        place = pathlib.Path(folder) / maker.__name__
        shutil.rmtree(place, ignore_errors=True)
        place.mkdir(parents=True)
        for name, content in maker():
            (place / name).write_bytes(content)


if __name__ == "__main__":
    main(*sys.argv[1:])
