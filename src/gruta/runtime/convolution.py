"""Convolutions along time on NumPy arrays, of whole sequences or of what comes."""

from collections.abc import Mapping

import numpy as np

from gruta.runtime.blocks import Array


class Convolution:
    """As torch.nn.Conv1d or Conv2d of this name, whose kernels have odd lengths, and with half of a
    kernel as zeros at each end; time comes first.

    Of Conv1d it reads `[T, I]`; of Conv2d `[T, F, I]`, maps last. stride: in time, and in
    frequency, where there is one.
    """

    def __init__(self, weights: Mapping[str, Array], name: str, stride: tuple[int, ...]) -> None:
        weight = weights[f"{name}.weight"]  # [O, I, time] or [O, I, time, frequency]
        self.strides = stride
        self._sizes: tuple[int, ...] = weight.shape[2:]
        self._matrix = np.ascontiguousarray(weight.reshape(len(weight), -1).T)
        self._bias = weights[f"{name}.bias"]
        self.filters = len(self._bias)
        self.before = self._sizes[0] // 2
        """Frames at each end that are zeros."""

    def __call__(self, x: Array) -> Array:
        """`[⌈T / stride⌉, …, O]`."""
        return self.inside(np.pad(x, [(self.before, self.before)] + [(0, 0)] * (x.ndim - 1)))

    def inside(self, x: Array) -> Array:
        """Of frames with those around them already there; none where they are too few."""
        if len(x) < self._sizes[0]:
            x = x[:0]
            width = -(-x.shape[1] // self.strides[1]) if x.ndim > 2 else 0
            return np.zeros((0, *((width,) if x.ndim > 2 else ()), len(self._bias)), np.float32)
        found: Array = self._windows(x) @ self._matrix + self._bias
        return found

    def _windows(self, x: Array) -> Array:
        """What each output sees, `[T', I · time]` or `[T', F', I · time · frequency]`."""
        if len(self._sizes) == 1:  # NumPy's own windows take longer to be set up than a few frames
            first = np.arange(0, len(x) - self._sizes[0] + 1, self.strides[0])
            places = first[:, None] + np.arange(self._sizes[0])
            found: Array = x[places].transpose(0, 2, 1).reshape(len(first), -1)
            return found
        around = self._sizes[1] // 2
        x = np.pad(x, ((0, 0), (around, around), (0, 0)))
        windows: Array = np.lib.stride_tricks.sliding_window_view(x, self._sizes, (0, 1))
        windows = windows[:: self.strides[0], :: self.strides[1]]
        return windows.reshape(*windows.shape[:2], -1)

    def passed(self, count: int) -> int:
        """Of so many frames, with those around them there, how many are done with."""
        outputs: int = max((count - self._sizes[0]) // self.strides[0] + 1, 0)
        return outputs * self.strides[0]


class Stream:
    """A convolution's frames as they come. held: those that outputs to come see."""

    def __init__(self, layer: Convolution, shape: tuple[int, ...]) -> None:
        self.layer = layer
        self.held: Array = np.zeros((layer.before, *shape), np.float32)

    def add(self, x: Array) -> Array:
        """What is complete with these frames."""
        self.held = np.concatenate((self.held, x))
        found = self.layer.inside(self.held)
        self.held = self.held[self.layer.passed(len(self.held)) :]
        return found

    def finish(self) -> Array:
        """What only the end completes."""
        return self.add(np.zeros((self.layer.before, *self.held.shape[1:]), np.float32))


def layer_norm(x: Array, gain: Array, bias: Array) -> Array:
    """As torch.nn.LayerNorm over the last axis."""
    mean = x.mean(-1, keepdims=True)
    variance = np.square(x - mean).mean(-1, keepdims=True)
    found: Array = (x - mean) / np.sqrt(variance + np.float32(1e-5)) * gain + bias
    return found
