"""The vocoder's network on NumPy arrays: scores of what was, and samples of what was not."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from gruta.cells import CellName
from gruta.codec.audio.mel import Frames, Samples
from gruta.codec.audio.prediction import values
from gruta.codec.audio.vocoder import SILENCE, VocoderCodec
from gruta.codec.audio.waveform import LEVELS
from gruta.runtime.architecture import Positive
from gruta.runtime.blocks import (
    Array,
    Linear,
    Recurrent,
    Shapes,
    linear_shapes,
    recurrent_shapes,
    require_shapes,
    silu,
    step_of,
)
from gruta.runtime.convolution import Convolution
from gruta.runtime.door import Door, Parts

_AT_ONCE = 4096
"""Samples for which random numbers are drawn together."""


@dataclass(frozen=True)
class Architecture:
    """The settings that the head goes by."""

    cell: CellName
    hidden: Positive
    embedding: Positive
    filters: Positive


class VocodeHead:
    """What `VocodeNetwork` computes; ValueError if the weights are of another network."""

    def __init__(self, weights: Mapping[str, Array], codec: VocoderCodec, settings: Any) -> None:
        s = settings
        require_shapes(weights, _shapes(codec, s))
        self.size = sum(w.size for w in weights.values())
        self._codec, self._hidden = codec, s.hidden
        self._first = Convolution(weights, "first", (1,))
        self._second = Convolution(weights, "second", (1,))
        self._frame = Linear(weights, "frame")
        self._level = weights["level.weight"]
        self._layer = Recurrent(weights, "layer", s.cell)
        self._step = step_of(s.cell, weights, "layer").step
        self._states = 2 if s.cell == "lstm" else 1
        self._output = Linear(weights, "output")
        self._matrix, self._bias = weights["output.weight"], weights["output.bias"]

    def __call__(self, arrays: tuple[Array, NDArray[np.int64], Array]) -> Array:
        """Scores `[T, B, 256]`; see `VocodeNetwork.forward`."""
        frames, before, beside = arrays
        c = np.stack([self.told(frames[:, b]) for b in range(frames.shape[1])], 1)
        x = self._level[before] + c.repeat(self._codec.mel.step, 0)
        h, _last = self._layer.sequence(np.concatenate((x, beside), -1))
        return self._output(h)

    def entering(self, frames: Frames, before: NDArray[np.int64], beside: Array) -> Array:
        """What the layer reads of one stretch: `[T, embedding + 2]`."""
        x = self._level[before] + self.told(frames).repeat(self._codec.mel.step, 0)
        return np.concatenate((x, beside), -1)

    def told(self, around: Frames) -> Array:
        """What the layer is told of each frame `[F, embedding]`, of `[F + 4, bands]`."""
        return self._frame(silu(self._second.inside(silu(self._first.inside(around)))))

    def make(self, log_mel: Frames, *, seed: int = 0, temperature: float = 1.0) -> Samples:
        """Samples `[(T − 1) · step]` of log-mel spectra `[T, bands]`, one after the other.

        Each is drawn from what the network finds likely; temperature: below 1 the likeliest levels
        are likelier still, and the sound is clearer and flatter.
        """
        codec, step = self._codec, self._codec.mel.step
        prediction = codec.predicts(log_mel)
        told = self.told(codec.around(log_mel))
        made = np.zeros(codec.order + len(told) * step)
        draw, flat = np.random.default_rng(seed), np.float32(1 / temperature)
        state = [np.zeros((1, self._hidden), np.float32) for _ in range(self._states)]
        self._walk(made, told, prediction.a, prediction.g, state, draw, flat)
        first = codec.order + step // 2
        return made[first : first + (len(told) - 1) * step].astype(np.float32)

    def _walk(
        self,
        made: NDArray[np.float64],
        told: Array,
        a: NDArray[np.float32],
        g: NDArray[np.float32],
        state: list[Array],
        draw: np.random.Generator,
        flat: np.float32,
    ) -> None:
        """Fill `made [order + F · step]`, frame by frame. No function but the kernel's step and
        NumPy's is called between a sample and the next: they are tens of thousands a second.
        """
        order, step = self._codec.order, self._codec.mel.step
        matrix, bias = self._matrix * flat, self._bias * flat
        table, weight, wide = self._level, values().astype(np.float64), self._level.shape[1]
        x = np.zeros((1, wide + 2), np.float32)
        level_part, beside = x[0, :wide], x[0]
        scores, sums = np.empty(LEVELS, np.float32), np.empty(LEVELS, np.float32)
        h, one_step = state[0][0], self._step
        level, at = SILENCE, order
        dot, add, exp, accumulate = np.dot, np.add, np.exp, np.add.accumulate
        for frame in range(len(told)):
            c, gain = told[frame], float(g[frame])
            backward = a[frame, ::-1].astype(np.float64)
            inverse = 1 / gain
            uniform = draw.random(step).tolist()
            for u in uniform:
                p = float(dot(made[at - order : at], backward))
                add(table[level], c, out=level_part)
                q, s = p * inverse, float(made[at - 1]) * inverse
                beside[wide] = q / (4 + abs(q) / 2)
                beside[wide + 1] = s / (4 + abs(s) / 2)
                one_step(x, *state)
                dot(matrix, h, out=scores)
                add(scores, bias, out=scores)
                exp(scores, out=scores)
                accumulate(scores, out=sums)
                level = int(sums.searchsorted(u * float(sums[-1])))
                if level >= LEVELS:
                    level = LEVELS - 1
                sample = p + gain * float(weight[level])
                made[at] = sample if -1 < sample < 1 else (1.0 if sample > 0 else -1.0)
                at += 1


def _shapes(codec: VocoderCodec, s: Any) -> Shapes:
    bands = codec.mel.bands
    shapes: dict[str, tuple[int, ...]] = {
        "first.weight": (s.filters, bands, 3),
        "second.weight": (s.filters, s.filters, 3),
        "level.weight": (LEVELS, s.embedding),
    }
    shapes |= {f"{name}.bias": (s.filters,) for name in ("first", "second")}
    shapes |= linear_shapes("frame", s.filters, s.embedding)
    shapes |= recurrent_shapes("layer", s.cell, s.embedding + 2, s.hidden)
    return {**shapes, **linear_shapes("output", s.hidden, LEVELS)}


def head_of(parts: Parts[VocoderCodec]) -> VocodeHead:
    """Of a run or a model file."""
    return VocodeHead(parts.weights, parts.codec, parts.settings)


def units_of(codec: VocoderCodec) -> Mapping[str, str]:
    """What is read, and what is made."""
    about = {"input": "log-mel", "bands": str(codec.mel.bands)}
    return about | {"output": "samples", "rate": str(codec.rate)}


DOOR: Door[VocoderCodec] = Door(VocoderCodec, Architecture, head_of, units_of)
