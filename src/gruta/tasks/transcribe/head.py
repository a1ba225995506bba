"""The recogniser's network on NumPy arrays: whole recordings, or frames as they come."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

from gruta.cells import CellName
from gruta.codec.audio.ctc_beam import Language, Silent
from gruta.codec.audio.language import from_arrays
from gruta.codec.audio.speech import SpeechCodec
from gruta.errors import InputError
from gruta.locale import translate as _
from gruta.runtime.architecture import Count, Positive
from gruta.runtime.blocks import (
    Array,
    Linear,
    Recurrent,
    Shapes,
    State,
    linear_shapes,
    recurrent_shapes,
    require_shapes,
    silu,
)
from gruta.runtime.convolution import Convolution, Stream, layer_norm
from gruta.runtime.door import Door, Parts
from gruta.tasks.transcribe.front import STRIDES, bands, kernels, of_maps, wide

_AT_ONCE = 16


@dataclass(frozen=True)
class Architecture:
    """The settings that the head goes by."""

    cell: CellName
    hidden: Positive
    layers: Count
    filters: Count
    stride: Count
    norm: bool
    direction: Literal["both", "forward"]
    front: Literal["auto", "maps", "channels"]


class TranscribeHead:
    """What `TranscribeNetwork` computes; ValueError if the weights are of another network.

    language: what is asked beside it when a text is searched, if anything was counted.
    """

    def __init__(
        self,
        weights: Mapping[str, Array],
        codec: SpeechCodec,
        settings: Any,
        language: Language | None = None,
    ) -> None:
        s = settings
        require_shapes(weights, _shapes(codec, s))
        self.size = sum(w.size for w in weights.values())
        self.language, self.silent = language, Silent(codec.size)
        self._maps = of_maps(codec, s)
        strides: list[tuple[int, ...]] = [(one,) for one in STRIDES[s.stride]]
        if self._maps:
            strides = [(one, 2) for (one,) in strides]
        self._front = [
            Convolution(weights, f"front.{name}", stride)
            for name, stride in zip(("first", "second"), strides, strict=True)
        ]
        self._channels = len(codec.names)
        self.stride, self.units = s.stride, codec.size
        self._layers = [Recurrent(weights, f"layers.{k}", s.cell) for k in range(s.layers)]
        self._norms = [
            (weights[f"norms.{k}.weight"], weights[f"norms.{k}.bias"]) if s.norm else None
            for k in range(s.layers)
        ]
        self._output = Linear(weights, "output")
        self.streams = s.direction == "forward"

    def __call__(self, arrays: tuple[Array, NDArray[np.int64]]) -> Array:
        """Scores `[T', B, V]` of x `[T, B, C]`, with lengths `[B]`; anything behind their ends."""
        x, lengths = arrays
        found = self.scores([x[:n, b] for b, n in enumerate(lengths.tolist())])
        steps = max(map(len, found))
        bias = self._output(np.zeros((1, self._output_width), np.float32))
        scores = np.broadcast_to(bias, (steps, len(found), bias.shape[-1])).copy()
        for b, own in enumerate(found):
            scores[: len(own), b] = own
        return scores

    def scores(self, recordings: Sequence[Array]) -> list[Array]:
        """`[T', V]` of each, from `[T, C]` as the codec encodes it; those of a length together."""
        order = np.argsort([len(one) for one in recordings], kind="stable")
        found: dict[int, Array] = {}
        for start in range(0, len(order), _AT_ONCE):
            some = [int(i) for i in order[start : start + _AT_ONCE]]
            fronts = [self.front(recordings[i]) for i in some]
            lengths = np.array([len(one) for one in fronts])
            h = np.zeros((lengths.max(), len(some), fronts[0].shape[1]), np.float32)
            for b, own in enumerate(fronts):
                h[: len(own), b] = own
            for norm, layer in zip(self._norms, self._layers, strict=True):
                h, _last = layer.sequence(_normed(h, norm), None, lengths)
            scores = self._output(h)
            for b, i in enumerate(some):
                found[i] = scores[: lengths[b], b]
        return [found[i] for i in range(len(recordings))]

    def front(self, x: Array) -> Array:
        """`[T', width]` of one recording `[T, C]`."""
        y = x[..., None] if self._maps else x
        for layer in self._front:
            y = silu(layer(y))
        return y.reshape(len(y), -1)

    def entering(self, x: Array) -> Array:
        """What the lowest layer reads of a recording `[T, C]`: `[T', width]`."""
        return _normed(self.front(x), self._norms[0])

    def stream(self) -> "Listening":
        """A recording whose frames come; InputError where the network reads backwards too."""
        if not self.streams:
            problem = _(
                "sound can be heard as it comes by a network that reads forward alone; train with "
                "direction forward"
            )
            raise InputError(direction=problem)
        return Listening(self)

    @property
    def _output_width(self) -> int:
        last = self._layers[-1]
        return int(last.hidden * last.directions)

    def streams_in_front(self) -> list[Stream]:
        """The convolutions, of a recording that begins."""
        first, second = self._front
        if not self._maps:
            return [Stream(first, (self._channels,)), Stream(second, (first.filters,))]
        half = -(-self._channels // 2)
        return [Stream(first, (self._channels, 1)), Stream(second, (half, first.filters))]

    def read(self, found: Sequence[Array], states: Sequence[list[State]]) -> list[Array]:
        """Scores `[T', V]` of what the convolutions found of recordings that are under way, each
        `[T', …]`, as it would get them alone; states of each layer go on in place.
        """
        lengths = np.array([len(one) for one in found])
        h = np.zeros((lengths.max(), len(found), found[0][0].size), np.float32)
        for b, one in enumerate(found):
            h[: len(one), b] = one.reshape(len(one), -1)
        for k, (norm, layer) in enumerate(zip(self._norms, self._layers, strict=True)):
            before = tuple(np.concatenate(p, 1) for p in zip(*(s[k] for s in states), strict=True))
            h, after = layer.sequence(_normed(h, norm), before, lengths)
            for b, own in enumerate(states):
                own[k] = tuple(np.ascontiguousarray(part[:, b : b + 1]) for part in after)
        return [self._output(np.ascontiguousarray(h[:n, b])) for b, n in enumerate(lengths)]

    def start(self) -> list[State]:
        """The state of each layer, of who has heard nothing."""
        return [layer.start(1) for layer in self._layers]

    @property
    def vectors(self) -> bool:
        """Whether the convolutions read all channels at once."""
        return not self._maps


class Listening:
    """A recording under way: what was heard so far is in the convolutions and in `states`, those
    of the layers.
    """

    def __init__(self, head: TranscribeHead) -> None:
        self._head = head
        self.front = head.streams_in_front()
        self.states = head.start()

    def add(self, x: Array) -> Array:
        """Scores `[n, V]` of the frames that are complete with these `[T, C]`."""
        return self._read(self.complete(x))

    def finish(self) -> Array:
        """Scores of those that only the end completes."""
        return self._read(self.rest())

    def complete(self, x: Array) -> Array:
        """What the convolutions find `[n, …]` that is complete with these frames `[T, C]`."""
        y = x if self._head.vectors else x[..., None]
        for layer in self.front:
            y = silu(layer.add(y))
        return y

    def rest(self) -> Array:
        """What they find that only the end completes."""
        first, second = self.front
        y = silu(second.add(silu(first.finish())))
        return np.concatenate((y, silu(second.finish())))

    def _read(self, y: Array) -> Array:
        if not len(y):
            return np.zeros((0, self._head.units), np.float32)
        return self._head.read([y], [self.states])[0]


def _normed(x: Array, norm: tuple[Array, Array] | None) -> Array:
    return x if norm is None else layer_norm(x, *norm)


def _shapes(codec: SpeechCodec, s: Any) -> Shapes:
    channels, directions = len(codec.names), 2 if s.direction == "both" else 1
    (k, f), (m, g) = kernels(s)
    if of_maps(codec, s):
        shapes: dict[str, tuple[int, ...]] = {
            "front.first.weight": (s.filters, 1, k, f),
            "front.second.weight": (s.filters, s.filters, m, g),
        }
        filters, width = s.filters, s.filters * bands(channels)
    else:
        filters = width = wide(s)
        shapes = {
            "front.first.weight": (filters, channels, k),
            "front.second.weight": (filters, filters, m),
        }
    shapes |= {f"front.{name}.bias": (filters,) for name in ("first", "second")}
    states = directions * s.hidden
    for layer in range(s.layers):
        inputs = states if layer else width
        shapes |= recurrent_shapes(f"layers.{layer}", s.cell, inputs, s.hidden, 1, directions)
        if s.norm:
            shapes |= {f"norms.{layer}.{part}": (inputs,) for part in ("weight", "bias")}
    return {**shapes, **linear_shapes("output", states, codec.size)}


def head_of(parts: Parts[SpeechCodec]) -> TranscribeHead:
    """Of a run or a model file, with what was counted beside the network."""
    counted = parts.counted
    language = from_arrays(counted, parts.codec.size) if counted else None
    return TranscribeHead(parts.weights, parts.codec, parts.settings, language)


def units_of(codec: SpeechCodec) -> Mapping[str, str]:
    """What is heard, and what is written."""
    if codec.mel is None:
        given = {"input": "features", "channels": str(len(codec.names))}
    else:
        given = {"input": "samples", "rate": str(codec.mel.rate)}
    return given | {"output": "text"}


DOOR: Door[SpeechCodec] = Door(SpeechCodec, Architecture, head_of, units_of)
