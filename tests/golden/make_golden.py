# SPDX-License-Identifier: Apache-2.0
"""Golden values out of PyTorch: small networks, trained for ten steps in double precision.

    make_golden.py FOLDER           writes FOLDER/NAME.safetensors for each case below
    make_golden.py --check FOLDER   tells whether the files there are what PyTorch gives; exit status 1 if not

A file's metadata hold the job (model, loss, optimizer) as the JSON of gradus.v1.JobSpec. Its tensors: x/STEP and y/STEP, the
batches; start/LAYER/WEIGHT and end/LAYER/WEIGHT, the weights before and after; loss, each step's sum over its rows.
"""
import json
import pathlib
import sys

import numpy
import torch
from torch.nn import functional

STEPS = 10
ROWS = [6, 6, 1, 6, 3, 6, 6, 6, 5, 6]
LEAST = 1e-7  # probabilities are cut to [LEAST, 1 - LEAST]
AGREEMENT = 1e-6

ACTIVATIONS = {
    "linear": lambda x: x,
    "relu": torch.relu,
    "sigmoid": torch.sigmoid,
    "tanh": torch.tanh,
    "softmax": lambda x: torch.softmax(x, -1),
}


def cut(p):
    return p.clamp(LEAST, 1 - LEAST)


def log_probabilities(p, from_logits):
    return functional.log_softmax(p, -1) if from_logits else cut(p).log()


# Losses of each row: (prediction, target, from_logits).
LOSSES = {
    "sparse_categorical_crossentropy":
        lambda p, y, logits: functional.nll_loss(log_probabilities(p, logits), y.long(), reduction="none"),
    "categorical_crossentropy": lambda p, y, logits: -(y * log_probabilities(p, logits)).sum(-1),
    "binary_crossentropy":
        lambda p, y, logits: (functional.binary_cross_entropy_with_logits if logits else functional.binary_cross_entropy)(
            p if logits else cut(p), y, reduction="none").mean(-1),
    "mean_squared_error": lambda p, y, logits: functional.mse_loss(p, y, reduction="none").mean(-1),
}


def dense(units, activation, **settings):
    return {"dense": {"units": units, "activation": {activation: {}}, **settings}}


FLATTEN = {"flatten": {}}
SPARSE, CATEGORICAL = "sparse_categorical_crossentropy", "categorical_crossentropy"
BINARY, SQUARED = "binary_crossentropy", "mean_squared_error"
# name: input shape, layers, loss, its settings, the optimizer's settings
CASES = {
    "relu_softmax_sparse": ([12], [dense(9, "relu"), dense(5, "softmax")], SPARSE, {}, {"learning_rate": 0.1}),
    "tanh_logits_sparse": ([9], [dense(8, "tanh"), dense(4, "linear")], SPARSE, {"from_logits": True},
                           {"learning_rate": 0.05, "momentum": 0.9}),
    "softmax_softmax_categorical": ([10], [dense(6, "softmax"), dense(4, "softmax")], CATEGORICAL, {},
                                    {"learning_rate": 0.3, "momentum": 0.8, "nesterov": True}),
    "sigmoid_probabilities_categorical": ([7], [dense(5, "tanh"), dense(3, "sigmoid")], CATEGORICAL, {},
                                          {"learning_rate": 0.05}),
    "flatten_tanh_sigmoid_binary": ([3, 4], [FLATTEN, dense(8, "tanh"), dense(3, "sigmoid")], BINARY, {},
                                    {"learning_rate": 0.2, "momentum": 0.9}),
    "relu_logits_binary": ([8], [dense(17, "relu", use_bias=False), dense(1, "linear")], BINARY, {"from_logits": True},
                           {"learning_rate": 0.1, "momentum": 0.5, "nesterov": True}),
    "sigmoid_linear_squared": ([6], [dense(7, "sigmoid"), dense(4, "linear")], SQUARED, {},
                               {"learning_rate": 0.1, "momentum": 0.9, "nesterov": True}),
    "relu_relu_tanh_squared": ([20], [dense(33, "relu"), dense(18, "relu"), dense(2, "tanh")], SQUARED, {},
                               {"learning_rate": 0.2, "momentum": 0.9}),
}


def layer_names(layers):
    counts = {}
    for layer in layers:
        word = next(iter(layer))
        number = counts[word] = counts.get(word, -1) + 1
        yield word if number == 0 else f"{word}_{number}"


def start_weights(shape, layers, random):
    weights, width = {}, int(numpy.prod(shape))
    for name, layer in zip(layer_names(layers), layers):
        settings = layer.get("dense")
        if settings is None:
            continue
        units = settings["units"]
        weights[f"{name}/kernel"] = random.normal(0, 1.5 / width ** 0.5, (width, units)).astype(numpy.float32)
        if settings.get("use_bias", True):
            weights[f"{name}/bias"] = random.normal(0, 0.3, units).astype(numpy.float32)
        width = units
    return weights


def forward(layers, weights, x):
    for name, layer in zip(layer_names(layers), layers):
        settings = layer.get("dense")
        if settings is None:
            x = x.flatten(1)
            continue
        x = x @ weights[f"{name}/kernel"] + weights.get(f"{name}/bias", 0)
        x = ACTIVATIONS[next(iter(settings["activation"]))](x)
    return x


def targets(loss, rows, width, random):
    if loss == SPARSE:
        return random.integers(0, width, rows).astype(numpy.int32)
    if loss == CATEGORICAL:
        return random.dirichlet(numpy.ones(width), rows).astype(numpy.float32)
    if loss == BINARY:
        return random.integers(0, 2, (rows, width)).astype(numpy.float32)
    return random.normal(0, 1, (rows, width)).astype(numpy.float32)


def run(seed, shape, layers, loss, loss_settings, sgd):
    random = numpy.random.default_rng(seed)
    start = start_weights(shape, layers, random)
    tensors = {f"start/{name}": value for name, value in start.items()}
    weights = {name: torch.tensor(value, dtype=torch.float64, requires_grad=True) for name, value in start.items()}
    optimizer = torch.optim.SGD(weights.values(), lr=sgd["learning_rate"], momentum=sgd.get("momentum", 0),
                                nesterov=sgd.get("nesterov", False))
    sums = []
    for step, rows in enumerate(ROWS):
        x = random.normal(0, 1, (rows, *shape)).astype(numpy.float32)
        y = targets(loss, rows, layers[-1]["dense"]["units"], random)
        tensors[f"x/{step}"], tensors[f"y/{step}"] = x, y
        optimizer.zero_grad()
        prediction = forward(layers, weights, torch.tensor(x, dtype=torch.float64))
        losses = LOSSES[loss](prediction, torch.tensor(y).double(), loss_settings.get("from_logits", False))
        losses.mean().backward()
        sums.append(losses.sum().item())
        optimizer.step()
    tensors["loss"] = numpy.array(sums, numpy.float32)
    for name, value in weights.items():
        tensors[f"end/{name}"] = value.detach().numpy().astype(numpy.float32)
    job = {"model": {"input_shape": shape, "layers": layers}, "loss": {loss: loss_settings}, "optimizer": {"sgd": sgd}}
    return {"job": json.dumps(job)}, tensors


DTYPES = {"float32": "F32", "int32": "I32"}


def file_of(metadata, tensors):
    header, data = {"__metadata__": metadata}, b""
    for name, value in tensors.items():
        raw = numpy.ascontiguousarray(value).tobytes()
        header[name] = {"dtype": DTYPES[value.dtype.name], "shape": list(value.shape),
                        "data_offsets": [len(data), len(data) + len(raw)]}
        data += raw
    text = json.dumps(header).encode()
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


def differences(folder):
    for path in folder.glob("*.safetensors"):
        if path.stem not in CASES:
            yield f"{path.name} is no case"
    for seed, (name, case) in enumerate(CASES.items()):
        path = folder / f"{name}.safetensors"
        if not path.exists():
            yield f"{path.name} is missing"
            continue
        metadata, tensors = run(seed, *case)
        found_metadata, found = read(path)
        if metadata != found_metadata or tensors.keys() != found.keys():
            yield f"{path.name} is of another case"
            continue
        for tensor, value in tensors.items():
            if abs(value - found[tensor]).max() > AGREEMENT * abs(value).max():
                yield f"{path.name}: {tensor} differs"


def main(*arguments):
    torch.set_num_threads(1)
    folder = pathlib.Path(arguments[-1])
    if arguments[0] == "--check":
        found = list(differences(folder))
        print("\n".join(found) or f"{len(CASES)} files are what PyTorch {torch.__version__} gives")
        return 1 if found else 0
    for seed, (name, case) in enumerate(CASES.items()):
        (folder / f"{name}.safetensors").write_bytes(file_of(*run(seed, *case)))
    return 0


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:]))
