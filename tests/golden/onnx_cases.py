# SPDX-License-Identifier: Apache-2.0
"""The engine against ONNX's node cases of the operators that it has (Debian's libonnx-testdata).

    onnx_cases.py GOLDEN_TEST       turns each case into a golden file and has golden_test compare; its exit status
    onnx_cases.py --write FOLDER    only writes the files

A case that is neither turned into files nor listed below is a failure, and so is one that is listed but is not there.
"""
import json
import os
import pathlib
import subprocess
import sys
import tempfile

import numpy
import onnx
from onnx import numpy_helper

import onnx_layers
import onnx_optimizers
import onnx_recurrent
from golden_file import file_of

CASES = pathlib.Path("/usr/share/libonnx-testdata/data/node")
NODES = {**onnx_layers.NODES, **onnx_optimizers.NODES, **onnx_recurrent.NODES}

UNSAID = {
    "there are no windows of three axes": """
        test_averagepool_3d_default test_convtranspose_3d test_maxpool_3d_default""",
    "windows of pools have no gaps": "test_maxpool_2d_dilations",
    "edges that are not counted lie as SAME has them": "test_averagepool_2d_pads test_averagepool_2d_same_lower",
    "gates do not see c": "test_lstm_with_peepholes",
    "losses are not weighted by class": """
        test_sce_NCd1_mean_weight_negative_ii test_sce_NCd1_mean_weight_negative_ii_log_prob
        test_sce_NCd1d2d3_sum_weight_high_ii test_sce_NCd1d2d3_sum_weight_high_ii_log_prob
        test_sce_NCd1d2d3d4d5_mean_weight test_sce_NCd1d2d3d4d5_mean_weight_log_prob
        test_sce_mean_weight test_sce_mean_weight_log_prob test_sce_mean_weight_ii test_sce_mean_weight_ii_log_prob
        test_sce_mean_weight_ii_3d test_sce_mean_weight_ii_3d_log_prob
        test_sce_mean_weight_ii_4d test_sce_mean_weight_ii_4d_log_prob
        test_sce_none_weights test_sce_none_weights_log_prob
        test_nllloss_NCd1_mean_weight_negative_ii test_nllloss_NCd1_weight test_nllloss_NCd1_weight_ii
        test_nllloss_NCd1d2_with_weight test_nllloss_NCd1d2_with_weight_reduction_mean
        test_nllloss_NCd1d2_with_weight_reduction_sum test_nllloss_NCd1d2_with_weight_reduction_sum_ii
        test_nllloss_NCd1d2d3_sum_weight_high_ii test_nllloss_NCd1d2d3d4d5_mean_weight""",
}

# What the expected values were made with, but the node does not say.
FORGOTTEN = {"test_adam_multiple": {"epsilon": 0.01}}


def listed():
    return {name for names in UNSAID.values() for name in names.split()}


def tensor(path):
    value = onnx.TensorProto()
    value.ParseFromString(path.read_bytes())
    return numpy_helper.to_array(value)


def cases():
    """(name, its only node, inputs, outputs) of those with an operator that we have."""
    for folder in sorted(CASES.iterdir()):
        nodes = onnx.load(folder / "model.onnx").graph.node
        if len(nodes) != 1 or nodes[0].op_type not in NODES:
            continue
        data = folder / "test_data_set_0"
        read = [[tensor(data / f"{word}_{i}.pb") for i in range(len(list(data.glob(f"{word}_*.pb"))))]
                for word in ("input", "output")]
        yield folder.name, nodes[0], *read


def write(path, case):
    assert {"forward", "losses", "batches"} & set(case.tensors), "there is nothing to compare"
    shape = list(case.x.shape[1:])
    tensors = {name: value.astype(value.dtype if value.dtype == numpy.int32 else numpy.float32)
               for name, value in {"x": case.x, **case.tensors}.items()}
    job = {"model": {"input_shape": shape, "layers": case.layers}, "loss": case.loss, "optimizer": case.optimizer}
    path.write_bytes(file_of({"job": json.dumps(job), "optimizer_steps": str(case.optimizer_steps)}, tensors))


def write_all(folder):
    """What went wrong."""
    unused = listed()
    for name, node, inputs, outputs in cases():
        if name in unused:
            unused.remove(name)
            continue
        attributes = {attribute.name: onnx.helper.get_attribute_value(attribute) for attribute in node.attribute}
        attributes.update(FORGOTTEN.get(name, {}))
        try:
            for word, case in NODES[node.op_type](attributes, inputs, outputs):
                write(folder / f"{name}{word}.safetensors", case)
        except (AssertionError, KeyError, ValueError) as error:
            yield f"{name} is neither said nor listed: {error}"
    yield from (f"{name} is listed but not there" for name in sorted(unused))


def main(*arguments):
    with tempfile.TemporaryDirectory() as temporary:
        folder = pathlib.Path(arguments[1] if arguments[0] == "--write" else temporary)
        wrong = list(write_all(folder))
        print("\n".join(wrong) or f"{len(list(folder.iterdir()))} files, {len(listed())} cases that cannot be said")
        if wrong or arguments[0] == "--write":
            return 1 if wrong else 0
        done = subprocess.run([arguments[0], "--gtest_brief=1"], env={**os.environ, "GRADUS_GOLDEN": str(folder)}, check=False,
                              stdout=subprocess.PIPE, text=True)
        print(done.stdout if done.returncode else "all as expected")
        return done.returncode


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:]))
