# SPDX-License-Identifier: Apache-2.0
"""ONNX's nodes of recurrent layers as golden cases: see onnx_layers.py. Their weights are all alike, so they tell nothing of the
order of gates; PyTorch's cases do."""
import numpy

from onnx_layers import check, outputs_of

# Where in ONNX's gates ours are: i, f, g, o in i, o, f, c; z, r, g in z, r, h.
ORDER = {"simple_rnn": [0], "lstm": [0, 2, 3, 1], "gru": [0, 1, 2]}


def columns(word, rows):
    """ONNX's rows, gate after gate, as our columns."""
    parts = numpy.split(rows, len(ORDER[word]))
    return numpy.concatenate([parts[i] for i in ORDER[word]]).T


def weights(word, inputs):
    """Of the one direction; both biases are added to one sum."""
    _, kernel, recurrent, *rest = (value[0] if i else value for i, value in enumerate(inputs))
    named = {"kernel": columns(word, kernel), "recurrent_kernel": columns(word, recurrent)}
    if rest:
        named["bias"] = columns(word, sum(numpy.split(rest[0], 2)))
    return {f"{word}/{name}": value for name, value in named.items()}


def recurrent(word, **settings):
    """A file of the last h, and one of all of them where the node gives them; rows are the batch."""
    def node(attributes, inputs, outputs):
        check(attributes, "hidden_size", "layout")
        assert len(inputs) < 5, "a start that is not zeros, or gates that see c"
        batch_first = attributes.get("layout", 0) == 1
        x = inputs[0] if batch_first else inputs[0].swapaxes(0, 1)
        layer = {"units": attributes["hidden_size"], "use_bias": len(inputs) > 3, **settings}
        last = outputs[-1][:, 0] if batch_first else outputs[-1][0]
        yield "", outputs_of([{word: layer}], x, weights(word, inputs), last)
        if len(outputs) > 1:
            every = outputs[0][:, :, 0] if batch_first else outputs[0][:, 0].swapaxes(0, 1)
            yield "_sequences", outputs_of([{word: {**layer, "return_sequences": True}}], x, weights(word, inputs), every)
    return node


# ONNX's GRU has r before the product, unless told otherwise.
NODES = {"RNN": recurrent("simple_rnn"), "LSTM": recurrent("lstm"), "GRU": recurrent("gru", reset_after=False)}
