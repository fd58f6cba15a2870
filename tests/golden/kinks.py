# SPDX-License-Identifier: Apache-2.0
"""How near a computation came to a point where a rounded one might go another way."""


class Kinks:
    def __init__(self):
        self.margin = float("inf")

    def near(self, values, at):
        """A function of these values has a kink at `at`. A value that is it exactly is a zero, not a rounding."""
        self._see((values - at).abs(), values.abs().max() + abs(at))

    def choice(self, values):
        """Along the last axis the largest one is taken."""
        first, second = values.topk(2, -1).values.unbind(-1)
        self._see(first - second, first.abs().max())

    def _see(self, distances, scale):
        distances = distances[distances > 0]
        if distances.numel() > 0:
            self.margin = min(self.margin, (distances.min() / scale).item())


KINKS = Kinks()


def watch():
    """Forgets what was seen."""
    KINKS.__init__()
