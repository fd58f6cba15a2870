# SPDX-License-Identifier: Apache-2.0
"""Recurrent layers in PyTorch, with weights of Keras's shapes and gate orders, and embeddings."""
import torch

GATES = {"simple_rnn": 1, "lstm": 4, "gru": 3}
# Where in Keras's columns PyTorch's gates are: i, f, g, o in both; z, r, g against r, z, n.
ORDER = {"simple_rnn": [0], "lstm": [0, 1, 2, 3], "gru": [1, 0, 2]}
FUNCTIONS = {"simple_rnn": torch.rnn_tanh, "lstm": torch.lstm, "gru": torch.gru}


def weights(word):
    def shapes(settings, shape):
        units, columns = settings["units"], GATES[word] * settings["units"]
        bias = (2, columns) if word == "gru" and settings.get("reset_after", True) else (columns,)
        return {"kernel": (shape[-1], columns), "recurrent_kernel": (units, columns),
                **({"bias": bias} if settings.get("use_bias", True) else {})}
    return shapes


def as_torch(word, value):
    """Columns in PyTorch's order, as rows."""
    parts = value.chunk(GATES[word], -1)
    return torch.cat([parts[i] for i in ORDER[word]], -1).movedim(-1, 0)


def forward(word, settings, own, x):
    """h after each step."""
    if word == "gru" and not settings.get("reset_after", True):
        return reset_before(own, x)
    kernels = [as_torch(word, own["kernel"]), as_torch(word, own["recurrent_kernel"])]
    biases = []
    if "bias" in own:
        # PyTorch always has two of them.
        both = own["bias"] if own["bias"].dim() == 2 else torch.stack([own["bias"], torch.zeros_like(own["bias"])])
        biases = [as_torch(word, one) for one in both]
    start = torch.zeros(1, len(x), settings["units"], dtype=x.dtype)
    return FUNCTIONS[word](x, (start, start) if word == "lstm" else start, kernels + biases, bool(biases), 1, 0.0, False, False,
                           True)[0]


def reset_before(own, x):
    """PyTorch has none that multiplies by r before the recurrent product."""
    z_kernel, r_kernel, g_kernel = own["recurrent_kernel"].chunk(3, -1)
    h, all_h = torch.zeros(len(x), z_kernel.shape[0], dtype=x.dtype), []
    for z, r, g in zip(*(part.unbind(1) for part in (x @ own["kernel"] + own.get("bias", 0)).chunk(3, -1))):
        z, r = torch.sigmoid(z + h @ z_kernel), torch.sigmoid(r + h @ r_kernel)
        h = z * h + (1 - z) * torch.tanh(g + (r * h) @ g_kernel)
        all_h.append(h)
    return torch.stack(all_h, 1)


def recurrent(word):
    def layer(settings, own, x, _training):
        y = forward(word, settings, own, x.flip(1) if settings.get("go_backwards") else x)
        return y if settings.get("return_sequences") else y[:, -1]
    return layer


MERGES = {"CONCAT": lambda a, b: torch.cat([a, b], -1), "SUM": torch.add, "MUL": torch.mul, "AVE": lambda a, b: (a + b) / 2}
WAYS = ("forward_", "backward_")


def inner(settings):
    return next(iter(settings["layer"].items()))


def two_ways_weights(settings, shape):
    word, own = inner(settings)
    return {way + name: size for way in WAYS for name, size in weights(word)(own, shape).items()}


def two_ways(settings, own, x, training):
    word, inside = inner(settings)
    there, back = ({name[len(way):]: value for name, value in own.items() if name.startswith(way)} for way in WAYS)
    a = recurrent(word)(inside, there, x, training)
    b = recurrent(word)({**inside, "go_backwards": not inside.get("go_backwards", False)}, back, x, training)
    if inside.get("return_sequences"):
        b = b.flip(1)
    return MERGES[settings.get("merge_mode", "CONCAT")](a, b)


LAYERS = {
    **{word: (weights(word), recurrent(word)) for word in GATES},
    "bidirectional": (two_ways_weights, two_ways),
    "embedding": (lambda s, _shape: {"embeddings": (s["input_dim"], s["output_dim"])},
                  lambda _s, own, x, _t: torch.nn.functional.embedding(x.long(), own["embeddings"])),
}
