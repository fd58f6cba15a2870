# SPDX-License-Identifier: Apache-2.0
"""Models that PyTorch exports are imported and give what PyTorch gives.

    torch_import_test.py IMPORT_ROWS
"""
import io
import pathlib
import sys
import tempfile
import unittest
import warnings

import torch
from torch import nn

from imported import run

TOLERANCE = 1e-5
ROWS = 3


class Reshaped(nn.Module):
    """Flattens by the size of the batch, as older code does."""
    def forward(self, x):
        return x.view(x.size(0), -1)


class Image(nn.Module):
    def forward(self, x):
        return x.view(-1, 8, 2, 2)


class Block(nn.Module):
    """The basic block of a residual network."""
    def __init__(self, channels, filters, stride):
        super().__init__()
        self.conv1 = nn.Conv2d(channels, filters, 3, stride, 1, bias=False)
        self.bn1 = nn.BatchNorm2d(filters)
        self.conv2 = nn.Conv2d(filters, filters, 3, 1, 1, bias=False)
        self.bn2 = nn.BatchNorm2d(filters)
        self.relu = nn.ReLU()
        self.downsample = None if stride == 1 and channels == filters else nn.Sequential(
            nn.Conv2d(channels, filters, 1, stride, bias=False), nn.BatchNorm2d(filters))

    def forward(self, x):
        y = self.bn2(self.conv2(self.relu(self.bn1(self.conv1(x)))))
        return self.relu(y + (x if self.downsample is None else self.downsample(x)))


class Separable(nn.Module):
    """An inverted residual, as in MobileNetV2."""
    def __init__(self):
        super().__init__()
        self.body = nn.Sequential(nn.Conv2d(4, 8, 1), nn.ReLU6(), nn.Conv2d(8, 8, 3, padding=1, groups=8), nn.ReLU6(),
                                  nn.Conv2d(8, 4, 1))

    def forward(self, x):
        return x + self.body(x)


class Recurrent(nn.Module):
    """Classifies by the last step, its state, or the mean of all."""
    def __init__(self, kind, read, embedded=False, **settings):
        super().__init__()
        self.embedding = nn.Embedding(11, 6) if embedded else None
        self.layer = kind(6, 5, batch_first=True, **settings)
        self.read = read
        width = 10 if settings.get("bidirectional") else 5
        self.last = nn.Linear(width, 4)

    def forward(self, x):
        if self.embedding is not None:
            x = self.embedding(x)
        y, state = self.layer(x)
        if self.read == "step":
            y = y[:, -1, :]
        elif self.read == "state":
            y = (state[0] if isinstance(state, tuple) else state)[-1]
        elif self.read == "both states":
            h = state[0] if isinstance(state, tuple) else state
            y = torch.cat((h[-2], h[-1]), dim=1)
        else:
            y = y.mean(dim=1)
        return self.last(y)


class TwoEnds(nn.Module):
    """Two inputs, two outputs."""
    def __init__(self):
        super().__init__()
        self.left, self.right, self.out = nn.Linear(4, 6), nn.Linear(5, 6), nn.Linear(12, 3)

    def forward(self, a, b):
        left, right = torch.tanh(self.left(a)), torch.sigmoid(self.right(b))
        return self.out(torch.cat((left, right), 1)), left * right


class Shuffled(nn.Module):
    """Channels of groups mixed, as in ShuffleNet."""
    def forward(self, x):
        n, c, h, w = x.size()
        return x.view(n, 2, c // 2, h, w).transpose(1, 2).reshape(n, c, h, w)


IMAGE = (3, 12, 12)
STEPS = (7, 6)
MODELS = {
    "mlp": (nn.Sequential(nn.Linear(8, 16), nn.ReLU(), nn.Dropout(), nn.Linear(16, 16), nn.Tanh(), nn.Linear(16, 4), nn.Softmax(1)), [(8,)]),
    "functions": (nn.Sequential(nn.Linear(8, 16), nn.GELU(), nn.LayerNorm(16), nn.Linear(16, 16), nn.SiLU(), nn.Linear(16, 16), nn.Mish(),
                                nn.Linear(16, 16), nn.LeakyReLU(0.2), nn.Linear(16, 16), nn.ELU(), nn.SELU(), nn.Softplus(), nn.PReLU(),
                                nn.Hardtanh(), nn.Hardswish()), [(8,)]),
    "norm-of-rows": (nn.Sequential(nn.Linear(8, 16), nn.BatchNorm1d(16), nn.Sigmoid(), nn.Linear(16, 2, bias=False)), [(8,)]),
    "cnn": (nn.Sequential(nn.Conv2d(3, 8, 3, padding=1), nn.BatchNorm2d(8), nn.ReLU(), nn.MaxPool2d(2), nn.Conv2d(8, 6, 3), nn.ReLU(),
                          nn.AvgPool2d(2), nn.Flatten(), nn.Linear(24, 5)), [IMAGE]),
    "cnn-viewed": (nn.Sequential(nn.Conv2d(3, 4, 5, stride=2, padding=2), nn.PReLU(4), nn.MaxPool2d(3, 2, 1), Reshaped(), nn.Linear(36, 5)), [IMAGE]),
    "cnn-1d": (nn.Sequential(nn.Conv1d(6, 8, 3, padding=2, dilation=2), nn.ReLU(), nn.MaxPool1d(2), nn.Conv1d(8, 4, 2, padding=1), nn.Flatten(),
                             nn.Linear(16, 3)), [(6, 7)]),
    "resnet": (nn.Sequential(nn.Conv2d(3, 8, 7, 2, 3, bias=False), nn.BatchNorm2d(8), nn.ReLU(), nn.MaxPool2d(3, 2, 1), Block(8, 8, 1),
                             Block(8, 16, 2), Block(16, 16, 1), nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.Linear(16, 5)), [(3, 32, 32)]),
    "mobile": (nn.Sequential(nn.Conv2d(3, 4, 3, stride=2, padding=1), Separable(), nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.Linear(4, 3)), [IMAGE]),
    "shuffle": (nn.Sequential(nn.Conv2d(3, 8, 1, groups=1), Shuffled(), nn.Conv2d(8, 8, 3, groups=2)), [IMAGE]),
    "decoder": (nn.Sequential(nn.Linear(6, 32), nn.ReLU(), Image(), nn.ConvTranspose2d(8, 4, 3, 2, 1, 1), nn.ReLU(),
                              nn.ConvTranspose2d(4, 2, 2, 2), nn.Upsample(scale_factor=2), nn.Conv2d(2, 1, 3, padding=1), nn.Sigmoid()), [(6,)]),
    "lstm-step": (Recurrent(nn.LSTM, "step"), [STEPS]),
    "lstm-state": (Recurrent(nn.LSTM, "state", num_layers=2), [STEPS]),
    "lstm-mean": (Recurrent(nn.LSTM, "mean"), [STEPS]),
    "lstm-both": (Recurrent(nn.LSTM, "mean", bidirectional=True, num_layers=2), [STEPS]),
    "lstm-both-step": (Recurrent(nn.LSTM, "step", bidirectional=True), [STEPS]),
    "lstm-both-states": (Recurrent(nn.LSTM, "both states", bidirectional=True), [STEPS]),
    "gru-words": (Recurrent(nn.GRU, "state", embedded=True), ["words"]),
    "rnn-relu": (Recurrent(nn.RNN, "step", nonlinearity="relu", bias=False), [STEPS]),
    "two-ends": (TwoEnds(), [(4,), (5,)]),
}


def shaken(model):
    """Statistics and weights that tell axes and gates apart."""
    generator = torch.Generator().manual_seed(20)
    with torch.no_grad():
        for name, value in [*model.named_parameters(), *model.named_buffers()]:
            if name.endswith("running_var"):
                value.copy_(0.5 + torch.rand(value.shape, generator=generator))
            elif value.is_floating_point():
                value.copy_(torch.randn(value.shape, generator=generator) * 0.3 + (0.2 if "bn" in name else 0))
    return model.eval()


def rows(shape):
    generator = torch.Generator().manual_seed(21)
    if shape == "words":
        return torch.randint(0, 11, (ROWS, 7), generator=generator)
    return torch.randn(ROWS, *shape, generator=generator)


def exported(model, inputs, opset, open_batch):
    file = io.BytesIO()
    names = [f"x{i}" for i in range(len(inputs))]
    axes = {name: {0: "n"} for name in names} if open_batch else None
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        torch.onnx.export(model, tuple(inputs), file, input_names=names, dynamic_axes=axes, opset_version=opset)
    return file.getvalue()


class Imports(unittest.TestCase):
    def check(self, opset, open_batch):
        cases, expected = [], []
        for name, (model, shapes) in MODELS.items():
            if opset < 14 and name == "functions":
                continue  # hardswish
            inputs = [rows(shape) for shape in shapes]
            with torch.no_grad():
                outputs = shaken(model)(*inputs)
            cases.append((exported(model, inputs, opset, open_batch), [value.numpy() for value in inputs]))
            outputs = outputs if isinstance(outputs, tuple) else (outputs,)
            expected.append((name, torch.cat([value.reshape(-1) for value in outputs])))
        with tempfile.TemporaryDirectory() as folder:
            for (answer, found), (name, wanted) in zip(run(PROGRAM, pathlib.Path(folder), cases), expected):
                with self.subTest(name, opset=opset, open_batch=open_batch):
                    self.assertIsNotNone(found, answer)
                    self.assertEqual(found.size, wanted.numel())
                    difference = float((torch.from_numpy(found) - wanted).abs().max() / wanted.abs().max().clamp(min=1))
                    print(f"{name} opset {opset}: {difference:.2g}:{answer[2:]}")
                    self.assertLessEqual(difference, TOLERANCE)

    def test_models_for_any_batch(self):
        self.check(14, True)

    def test_models_for_one_size_of_batch(self):
        self.check(13, False)

    def test_newer_operators(self):
        self.check(17, True)

    def test_older_operators(self):
        self.check(11, True)
        self.check(9, False)


if __name__ == "__main__":
    PROGRAM = pathlib.Path(sys.argv.pop()).resolve()
    unittest.main()
