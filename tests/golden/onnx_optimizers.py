# SPDX-License-Identifier: Apache-2.0
"""ONNX's nodes of optimizers as golden cases: one step of a dense layer whose gradient is the node's.

The layer's kernel is X, its input 1, its loss the mean of (X - y)^2, so y = X - n / 2 * G makes the gradient G.
"""
import numpy

from onnx_layers import Case, check


def parts(inputs, outputs, slots):
    """For each tensor that the node updates: (X, G, its slots), (new X, its new slots); all are given part by part."""
    count = (len(inputs) - 2) // (2 + slots)
    for part in range(count):
        yield [inputs[2 + part + count * i] for i in range(2 + slots)], [outputs[part + count * i] for i in range(1 + slots)]


def step_of(optimizer, steps, x, gradient, slots, new_x, new_slots):
    row = (1, x.size)
    tensors = {"y": (x - x.size / 2 * gradient).reshape(row), "batches": numpy.array([[0, 1]], numpy.int32),
               "start/dense/kernel": x.reshape(row), "end/dense/kernel": new_x.reshape(row)}
    tensors.update({f"start_slots/{name}/dense/kernel": value.reshape(row) for name, value in slots.items()})
    tensors.update({f"end_slots/{name}/dense/kernel": value.reshape(row) for name, value in new_slots.items()})
    return Case([{"dense": {"units": x.size, "use_bias": False}}], numpy.ones((1, 1)), tensors, optimizer=optimizer,
                optimizer_steps=steps)


def with_decay(attributes, x, gradient):
    return gradient + attributes.get("norm_coefficient", 0) * x


def adam(attributes, inputs, outputs):
    """T is how many steps were made, 0 for no correction at all; ours is always corrected, so the rate makes up for it."""
    check(attributes, "alpha", "beta", "epsilon", "norm_coefficient", "norm_coefficient_post")
    assert not attributes.get("norm_coefficient_post"), "a decay after the step"
    beta_1, beta_2 = attributes.get("alpha", 0.9), attributes.get("beta", 0.999)
    rate, steps = float(inputs[0]), int(inputs[1])
    if steps == 0:
        rate *= (1 - beta_1) / (1 - beta_2) ** 0.5
    settings = {"learning_rate": rate, "beta_1": beta_1, "beta_2": beta_2, "epsilon": attributes.get("epsilon", 1e-6)}
    for number, ((x, g, m, v), (new_x, new_m, new_v)) in enumerate(parts(inputs, outputs, 2)):
        yield f"_{number}", step_of({"adam": settings}, max(steps - 1, 0), x, with_decay(attributes, x, g), {"m": m, "v": v},
                                    new_x, {"m": new_m, "v": new_v})


def adagrad(attributes, inputs, outputs):
    """Its epsilon is added to the root; a file a value has that below the root which gives the same."""
    check(attributes, "epsilon", "decay_factor", "norm_coefficient")
    rate, steps = float(inputs[0]), int(inputs[1])
    rate /= 1 + steps * attributes.get("decay_factor", 0)
    outside = attributes.get("epsilon", 1e-6)
    for number, (before, after) in enumerate(parts(inputs, outputs, 1)):
        for at, (x, g, a, new_x, new_a) in enumerate(zip(*before, *after)):
            settings = {"learning_rate": rate, "epsilon": outside * (2 * float(new_a) ** 0.5 + outside)}
            yield f"_{number}_{at}", step_of({"adagrad": settings}, steps, x, with_decay(attributes, x, g),
                                             {"accumulator": a}, new_x, {"accumulator": new_a})


def momentum(attributes, inputs, outputs):
    """Its velocity is not yet multiplied by the rate, nor negated."""
    check(attributes, "alpha", "beta", "mode", "norm_coefficient")
    rate, steps = float(inputs[0]), int(inputs[1])
    part = attributes["beta"] if steps > 0 else 1
    nesterov = attributes["mode"] == b"nesterov"
    assert part == 1 or not nesterov, "a gradient of which a part is gathered, but all looks ahead"
    settings = {"learning_rate": rate, "momentum": attributes["alpha"], "nesterov": nesterov}
    for number, ((x, g, v), (new_x, new_v)) in enumerate(parts(inputs, outputs, 1)):
        yield f"_{number}", step_of({"sgd": settings}, steps, x, part * with_decay(attributes, x, g), {"momentum": -rate * v},
                                    new_x, {"momentum": -rate * new_v})


NODES = {"Adam": adam, "Adagrad": adagrad, "Momentum": momentum}
