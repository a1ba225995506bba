"""The speaker's network on NumPy arrays: spectra of texts, step by step."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from gruta.cells import CellName
from gruta.codec.audio.mel import Frames
from gruta.codec.audio.saying import SayingCodec
from gruta.runtime.architecture import Positive
from gruta.runtime.blocks import (
    Array,
    Linear,
    Recurrent,
    Shapes,
    linear_shapes,
    recurrent_shapes,
    require_shapes,
    sigmoid,
    silu,
    step_of,
)
from gruta.runtime.convolution import Convolution
from gruta.runtime.door import Door, Parts
from gruta.runtime.paced_attention import PacedAttention, paced_shapes
from gruta.tasks.speak.reading import Reader, reader_of

WIDTH = 5
"""Units of a text that a convolution sees."""

_ENDS, _OVER = 0.5, 3.0
"""So likely an end has to be; and steps after the text's own end at which it is cut off."""

Numbers = NDArray[np.int64]


@dataclass(frozen=True)
class Architecture:
    """The settings that the head goes by."""

    cell: CellName
    hidden: Positive
    embedding: Positive
    encoder: Positive
    prenet: Positive
    variety: float


@dataclass(frozen=True, eq=False)
class Spectrum:
    """frames: `[T, bands]`, as the codec encodes them. attention: `[steps, S]`. ended: whether it
    came to an end by itself.
    """

    frames: Frames
    attention: Array
    ended: bool


class SpeakHead:
    """What `SpeakNetwork` computes; ValueError if the weights are of another network.

    reader: makes numbers of texts; by default a codec's of characters.
    """

    def __init__(
        self,
        weights: Mapping[str, Array],
        codec: SayingCodec,
        settings: Any,
        reader: Reader | None = None,
    ) -> None:
        s = settings
        self.reader = reader or Reader(codec)
        require_shapes(weights, _shapes(codec, s))
        self.size = sum(w.size for w in weights.values())
        self._codec, self._hidden, self._variety = codec, s.hidden, s.variety
        self._text = weights["text.weight"]
        self._convolutions = [Convolution(weights, name, (1,)) for name in ("first", "second")]
        self._text_layer = Recurrent(weights, "reader", s.cell)
        self._before, self._last = (Linear(weights, name) for name in ("before", "last"))
        self._follower, self._maker = (
            step_of(s.cell, weights, name) for name in ("follower", "maker")
        )
        self._followers, self._makers = (
            Recurrent(weights, name, s.cell) for name in ("follower", "maker")
        )
        self._attention = PacedAttention(weights, "attention")
        self._frames, self._stop = (Linear(weights, name) for name in ("frames", "stop"))
        self._states = 2 if s.cell == "lstm" else 1

    def __call__(self, arrays: tuple[Numbers, Numbers, Array]) -> Array:
        """Frames `[T, B, together · bands]`; see `SpeakNetwork.forward`."""
        text, lengths, before = arrays
        h, _last = self._followers.sequence(self._read(before))
        c = np.zeros((*h.shape[:2], 2 * self._text_layer.hidden), np.float32)
        for b, n in enumerate(lengths.tolist()):
            along = self._attention.over(self.memory(text[:n, b]))
            for t in range(len(h)):
                c[t, b] = along(h[t, b : b + 1])[0]
        g, _last = self._makers.sequence(np.concatenate((h, c), -1))
        return self._frames(np.concatenate((g, c), -1))

    def memory(self, numbers: Numbers) -> Array:
        """`[S, M]` of one text `[S]`."""
        return self._text_layer.sequence(self.entering(numbers)[:, None])[0][:, 0]

    def entering(self, numbers: Numbers) -> Array:
        """What the layer over its units reads of a text `[S]`: `[S, E]`."""
        y = self._text[numbers]
        for layer in self._convolutions:
            y = silu(layer(y))
        return y

    def say(self, numbers: Numbers, *, seed: int = 0, variety: float | None = None) -> Spectrum:
        """The spectrum of one text `[S]`, of as many steps as the network takes it to have.

        variety: share of what the last frame became that is dropped, as drawn from the seed; None
        for that of training.
        """
        codec, bands = self._codec, self._codec.mel.bands
        share = self._variety if variety is None else variety
        draw = np.random.default_rng(seed)
        along = self._attention.over(self.memory(numbers))
        following, making = self._start(), self._start()
        y = np.zeros((1, bands), np.float32)
        frames, looks, ended = [], [], False
        while not ended and along.passed < along.end + _OVER:
            self._follower.step(self._read(y, draw if share else None, share), *following)
            c, weights = along(following[0])
            self._maker.step(np.concatenate((following[0], c), -1), *making)
            both = np.concatenate((making[0], c), -1)
            some = self._frames(both).reshape(codec.together, bands)
            frames.append(some)
            looks.append(weights)
            y = some[-1:]
            ended = bool(sigmoid(self._stop(both))[0, 0] > _ENDS)
        return Spectrum(np.concatenate(frames), np.stack(looks), ended)

    def _read(self, y: Array, draw: np.random.Generator | None = None, share: float = 0.0) -> Array:
        for layer in (self._before, self._last):
            y = np.maximum(layer(y), 0)
            if draw is not None:
                y = y * (draw.random(y.shape) >= share).astype(np.float32) / np.float32(1 - share)
        return y

    def _start(self) -> list[Array]:
        return [np.zeros((1, self._hidden), np.float32) for _ in range(self._states)]


def _shapes(codec: SayingCodec, s: Any) -> Shapes:
    E, H, M, bands = s.embedding, s.hidden, 2 * s.encoder, codec.mel.bands
    shapes: dict[str, tuple[int, ...]] = {"text.weight": (codec.size, E)}
    for name in ("first", "second"):
        shapes |= {f"{name}.weight": (E, E, WIDTH), f"{name}.bias": (E,)}
    shapes |= recurrent_shapes("reader", s.cell, E, s.encoder, 1, 2)
    shapes |= linear_shapes("before", bands, s.prenet)
    shapes |= linear_shapes("last", s.prenet, s.prenet)
    shapes |= recurrent_shapes("follower", s.cell, s.prenet, H)
    shapes |= paced_shapes("attention", H, M)
    shapes |= recurrent_shapes("maker", s.cell, H + M, H)
    shapes |= linear_shapes("frames", H + M, codec.together * bands)
    return {**shapes, **linear_shapes("stop", H + M, 1)}


def head_of(parts: Parts[SayingCodec]) -> SpeakHead:
    """Of a run or a model file."""
    reader = reader_of(parts.codec, parts.inner)
    return SpeakHead(parts.weights, parts.codec, parts.settings, reader)


def units_of(codec: SayingCodec) -> Mapping[str, str]:
    """What is read, and what is made."""
    about = {"input": "text", "language": codec.language}
    if codec.units.kind != "characters":
        about["read"] = codec.units.kind
    return about | {"output": "samples", "rate": str(codec.rate), "bands": str(codec.mel.bands)}


DOOR: Door[SayingCodec] = Door(SayingCodec, Architecture, head_of, units_of)
