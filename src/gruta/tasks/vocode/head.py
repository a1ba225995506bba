"""The vocoder's network on NumPy arrays: scores of what was, and samples of what was not."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from gruta.cells import CellName
from gruta.codec.audio.mel import Frames, Samples
from gruta.codec.audio.vocoder import VocoderCodec
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
from gruta.tasks.vocode.making import Making


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
        self.codec, self._hidden = codec, s.hidden
        self._first = Convolution(weights, "first", (1,))
        self._second = Convolution(weights, "second", (1,))
        self._frame = Linear(weights, "frame")
        self.level = weights["level.weight"]
        self._layer = Recurrent(weights, "layer", s.cell)
        self.step = step_of(s.cell, weights, "layer").step
        self._states = 2 if s.cell == "lstm" else 1
        self._output = Linear(weights, "output")
        self.matrix, self.bias = weights["output.weight"], weights["output.bias"]

    def __call__(self, arrays: tuple[Array, NDArray[np.int64], Array]) -> Array:
        """Scores `[T, B, 256]`; see `VocodeNetwork.forward`."""
        frames, before, beside = arrays
        c = np.stack([self.told(frames[:, b]) for b in range(frames.shape[1])], 1)
        x = self.level[before] + c.repeat(self.codec.mel.step, 0)
        h, _last = self._layer.sequence(np.concatenate((x, beside), -1))
        return self._output(h)

    def entering(self, frames: Frames, before: NDArray[np.int64], beside: Array) -> Array:
        """What the layer reads of one stretch: `[T, embedding + 2]`."""
        x = self.level[before] + self.told(frames).repeat(self.codec.mel.step, 0)
        return np.concatenate((x, beside), -1)

    def told(self, around: Frames) -> Array:
        """What the layer is told of each frame `[F, embedding]`, of `[F + 4, bands]`."""
        return self._frame(silu(self._second.inside(silu(self._first.inside(around)))))

    def make(self, log_mel: Frames, *, seed: int = 0, temperature: float = 1.0) -> Samples:
        """Samples `[(T − 1) · step]` of log-mel spectra `[T, bands]`, one after the other.

        Each is drawn from what the network finds likely; temperature: below 1 the likeliest levels
        are likelier still, and the sound is clearer and flatter.
        """
        making = self.making(seed=seed, temperature=temperature)
        making.add(log_mel)
        making.finish()
        parts = []
        while making.ready:
            parts.append(making.frame())
        return np.concatenate(parts)

    def making(self, *, seed: int = 0, temperature: float = 1.0) -> Making:
        """A sound whose frames come."""
        return Making(self, seed, temperature)

    def start(self) -> list[Array]:
        """The layer's state `[1, H]` before the first sample."""
        return [np.zeros((1, self._hidden), np.float32) for _ in range(self._states)]


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
