# SPDX-License-Identifier: Apache-2.0
"""ONNX's own cases (Debian's libonnx-testdata) with operators that are imported: what they are fed becomes the batch, all else
constants, and what comes out is compared.

    import_cases_test.py IMPORT_ROWS

Cases that cannot be said stand in import_cases.txt, by patterns with a reason each. One that is listed but comes out right is a
failure, and so is one that is not listed and does not.
"""
import fnmatch
import pathlib
import subprocess
import sys
import tempfile

import numpy
import onnx
import onnx.numpy_helper

from imported import run

CASES = pathlib.Path("/usr/share/libonnx-testdata/data")
FOLDERS = ("node", "pytorch-converted", "pytorch-operator", "simple")
# Of which each input is data; else the first, or of a Gather the second where that is a table's.
MERGING = {"Add", "Sub", "Mul", "Max", "Min", "Sum", "Mean", "Concat"}
RECURRENT = {"LSTM", "GRU", "RNN"}
# Of which the outputs behind the first are by-products: the mean, the mask, places.
WITH_BY_PRODUCTS = {"LayerNormalization", "Dropout", "MaxPool"}
# What operators said before version 7, which is not to be said any more.
UNSAID = {"is_test", "broadcast"}


def listed():
    """[(pattern, reason)]"""
    pairs = []
    for line in pathlib.Path(__file__).with_name("import_cases.txt").read_text().splitlines():
        if line and not line.startswith("#"):
            patterns, reason = line.split(": ", 1)
            pairs += [(pattern, reason) for pattern in patterns.split()]
    return pairs


def tensor(path):
    value = onnx.TensorProto()
    value.ParseFromString(path.read_bytes())
    return onnx.numpy_helper.to_array(value)


def fed(graph, values):
    """Names of the inputs that are data."""
    nodes = list(graph.node)
    names = [info.name for info in graph.input if info.name in values]
    if len(nodes) == 1 and nodes[0].op_type in MERGING:
        shape = values[names[0]].shape
        if nodes[0].op_type == "Concat" or all(values[name].shape == shape for name in names):
            return names
    if len(nodes) == 1 and nodes[0].op_type == "Gather" and len(names) == 2:
        return names[1:]
    return names[:1]


def made(folder):
    """(model, inputs, outputs) of a case."""
    model = onnx.load(folder / "model.onnx")
    graph, data = model.graph, folder / "test_data_set_0"
    for opset in model.opset_import:
        opset.version = max(opset.version, 7)
    for node in graph.node:
        for attribute in [attribute for attribute in node.attribute if attribute.name in UNSAID]:
            node.attribute.remove(attribute)
    constants = {initializer.name for initializer in graph.initializer}
    names = [info.name for info in graph.input if info.name not in constants]
    values = {name: tensor(data / f"input_{i}.pb") for i, name in enumerate(names)}
    if graph.node[0].op_type in WITH_BY_PRODUCTS:
        del graph.output[1:]
    outputs = [tensor(data / f"output_{i}.pb") for i in range(len(graph.output))]
    rows = fed(graph, values)
    for name in names:
        if name not in rows:
            graph.initializer.append(onnx.numpy_helper.from_array(values[name], name))
    for info in graph.input:
        node = graph.node[0]
        if info.name in rows and node.op_type in RECURRENT and not any(a.name == "layout" and a.i for a in node.attribute):
            info.type.tensor_type.shape.dim[1].dim_param = "n"
    return model, [values[name] for name in rows], outputs


def cases(operators):
    for kind in FOLDERS:
        for folder in sorted((CASES / kind).iterdir()):
            graph = onnx.load(folder / "model.onnx").graph
            ops = {node.op_type for node in graph.node}
            tensors = all(info.type.HasField("tensor_type") for info in [*graph.input, *graph.output])
            if ops <= operators | {"Constant"} and ops != {"Constant"} and tensors:
                yield f"{kind}/{folder.name}", made(folder)


def fault(answer, found, outputs):
    """What is wrong, or nothing."""
    if found is None:
        return answer
    expected = numpy.concatenate([numpy.asarray(value, numpy.float32).reshape(-1) for value in outputs])
    if found.size != expected.size:
        return f"{found.size} values, not {expected.size}"
    if not numpy.allclose(found, expected, rtol=1e-4, atol=1e-5):
        return f"it differs by {numpy.abs(found - expected).max()}:{answer[2:]}"
    return None


def main(program):
    operators = set(subprocess.run([program, "--operators"], stdout=subprocess.PIPE, text=True, check=True).stdout.split())
    names, models = zip(*cases(operators))
    patterns, used, right, wrong = listed(), set(), 0, []
    with tempfile.TemporaryDirectory() as folder:
        answers = run(program, pathlib.Path(folder), [(model, inputs) for model, inputs, _ in models])
        for name, (answer, found), (_, _, outputs) in zip(names, answers, models):
            reasons = [(pattern, reason) for pattern, reason in patterns if fnmatch.fnmatch(name, pattern)]
            used.update(reasons)
            wrongs = fault(answer, found, outputs)
            right += wrongs is None
            if wrongs is None and reasons:
                wrong.append(f"{name} is listed, but comes out right")
            if wrongs is not None and not reasons:
                wrong.append(f"{name}: {wrongs}")
    wrong += [f"{pattern} is listed, but matches no case" for pattern, reason in patterns if (pattern, reason) not in used]
    print("\n".join(wrong))
    print(f"{len(names)} cases, {right} come out right, {len(names) - right} do not")
    return 1 if wrong else 0


if __name__ == "__main__":
    sys.exit(main(pathlib.Path(sys.argv[1]).resolve()))
