"""`gruta.nn.folded` on NumPy arrays: neighbours side by side, then one product."""

from collections.abc import Mapping

import numpy as np
from numpy.lib.stride_tricks import sliding_window_view

from gruta.runtime.blocks import Array, Shapes

SMALL = 1e-5
"""Added to a variance."""
_NEIGHBOURS = 2**24
"""Numbers that lie side by side for one product, at most, but for those of one picture."""


def folded_shapes(name: str, inputs: int, widths: tuple[int, ...]) -> Shapes:
    """Of the weights of such blocks."""
    shapes: dict[str, tuple[int, ...]] = {}
    for k, wide in enumerate(widths):
        shapes[f"{name}.conv{k}.weight"] = (wide, inputs, 3, 3)
        shapes[f"{name}.norm{k}.weight"] = shapes[f"{name}.norm{k}.bias"] = (wide,)
        inputs = wide
    return shapes


class Folded:
    """What the `gruta.nn.folded.Folded` of this name computes.

    steps: of each block, by how many places it goes on.
    """

    def __init__(self, weights: Mapping[str, Array], name: str, steps: tuple[int, ...]) -> None:
        parts = ("conv{}.weight", "norm{}.weight", "norm{}.bias")
        self._blocks = [
            [weights[f"{name}.{part.format(k)}"] for part in parts] for k in range(len(steps))
        ]
        self._steps = steps

    def __call__(self, x: Array) -> Array:
        """`[N, C, h, w]` from `[N, I, H, W]`."""
        for (weight, gain, bias), step in zip(self._blocks, self._steps, strict=True):
            x = np.maximum(normed(convolved(x, weight, step), gain, bias, groups(len(gain))), 0)
        return x


def groups(wide: int) -> int:
    """Of a norm over so many numbers: eight, or the most below that divides them."""
    return next(n for n in range(8, 0, -1) if wide % n == 0)


def convolved(x: Array, weight: Array, step: int) -> Array:
    """`[N, O, h, w]` from `[N, I, H, W]` by `[O, I, k, k]`, the edges padded with 0 by k // 2."""
    out, inputs, k = weight.shape[:3]
    edge = ((0, 0), (0, 0), (k // 2, k // 2), (k // 2, k // 2))
    windows = sliding_window_view(np.pad(x, edge), (k, k), (2, 3))[:, :, ::step, ::step]
    N, h, w = len(x), *windows.shape[2:4]
    flat = weight.reshape(out, -1).T
    found = np.empty((N, out, h, w), np.float32)
    at_once = max(1, _NEIGHBOURS // (h * w * inputs * k * k))
    for start in range(0, N, at_once):
        some = windows[start : start + at_once]
        rows = some.transpose(0, 2, 3, 1, 4, 5).reshape(-1, inputs * k * k)
        y = (rows @ flat).reshape(len(some), h, w, out)
        found[start : start + at_once] = y.transpose(0, 3, 1, 2)
    return found


def normed(x: Array, gain: Array, bias: Array, parts: int) -> Array:
    """x `[N, C, h, w]` with mean 0 and variance 1 in each of `parts` groups of channels, then gain
    and bias.
    """
    of_each = x.reshape(len(x), parts, -1)
    mean = of_each.mean(2, keepdims=True, dtype=np.float64)
    variance = of_each.var(2, keepdims=True, dtype=np.float64)
    scaled = ((of_each - mean) / np.sqrt(variance + SMALL)).astype(np.float32).reshape(x.shape)
    found: Array = scaled * gain[:, None, None] + bias[:, None, None]
    return found
