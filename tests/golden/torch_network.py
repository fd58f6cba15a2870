# SPDX-License-Identifier: Apache-2.0
"""A network of a job's layers in PyTorch, in double precision."""
import numpy
import torch

from torch_layers import LAYERS

STATISTICS = ("moving_mean", "moving_variance", "mean", "variance")


def layer_names(layers):
    """Keras's, where a layer has none."""
    counts = {}
    for layer in layers:
        word = next((key for key in layer if key in LAYERS), "layer")
        if "name" in layer:
            yield layer["name"]
            continue
        number = counts[word] = counts.get(word, -1) + 1
        yield word if number == 0 else f"{word}_{number}"


def draw(name, shape, random):
    """A weight's start values, of a size that keeps activations alive."""
    if name.endswith("variance"):
        return random.uniform(0.5, 2, shape)
    if name == "gamma":
        return random.normal(1, 0.3, shape)
    if name.endswith("kernel"):
        return random.normal(0, 1.5 / numpy.prod(shape[:-1]) ** 0.5, shape)
    return random.normal(0, 0.3, shape)


class Network:
    def __init__(self, shape, layers, random):
        self.layers = list(zip(layer_names(layers), layers))
        self.weights = {}
        self._random = random
        self.output_shape = tuple(self._run(torch.ones(1, *shape).double(), False, self._draw).shape[1:])

    def __call__(self, x, training):
        return self._run(x, training, lambda *_: None)

    def named(self):
        """(LAYER/WEIGHT, value) of all weights."""
        return [(f"{layer}/{name}", value) for layer, weights in self.weights.items() for name, value in weights.items()]

    def trained(self):
        return [(name, value) for name, value in self.named() if value.requires_grad]

    def _run(self, x, training, prepare):
        values, last, kinds = {"input": x}, "input", {}
        for name, layer in self.layers:
            owner = layer.get("shares", name)
            if owner == name:
                kinds[name] = next((word, settings) for word, settings in layer.items() if word in LAYERS)
            word, settings = kinds[owner]
            inputs = [values[source] for source in layer.get("inputs", [last])]
            prepare(owner, LAYERS[word][0], settings, inputs)
            values[name] = LAYERS[word][1](settings, self.weights[owner], *inputs, training)
            last = name
        return values[last]

    def _draw(self, owner, shapes_of, settings, inputs):
        if owner in self.weights:
            return
        self.weights[owner] = {}
        for name, shape in shapes_of(settings, *[tuple(value.shape[1:]) for value in inputs]).items():
            value = torch.tensor(draw(name, shape, self._random).astype(numpy.float32), dtype=torch.float64)
            self.weights[owner][name] = value.requires_grad_(name not in STATISTICS)
