"""The captioner's network on NumPy arrays: pictures and clips, and texts unit by unit."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Annotated, Any, Literal

import numpy as np
from numpy.typing import NDArray

from gruta.cells import CellName
from gruta.codec.pictures.captions import TIMES, CaptionCodec
from gruta.codec.text.beam import Beam, Written, search
from gruta.codec.text.pairs import END
from gruta.data.pictures.shots import Shot
from gruta.runtime.architecture import Count, Positive, Sized
from gruta.runtime.blocks import (
    Array,
    Linear,
    Recurrent,
    linear_shapes,
    recurrent_shapes,
    require_shapes,
)
from gruta.runtime.door import Door, Parts
from gruta.runtime.folded import Folded, folded_shapes
from gruta.runtime.writing import Text, Writer, Writing
from gruta.tasks.caption import folds

Numbers = NDArray[np.int64]
GLANCE = 16
"""Numbers of a place that are read with those of all others."""
_AT_ONCE = 32
"""Frames that are folded side by side, at most, but for those of one clip."""


@dataclass(frozen=True)
class Architecture:
    """The settings that the head goes by."""

    cell: CellName
    hidden: Positive
    layers: Count
    embedding: Positive
    tied: bool
    input_feeding: bool
    attention: Literal["multiplicative", "additive", "none"]
    size: Annotated[int, Sized(16, 512)]
    channels: Annotated[int, Sized(4, 1024)]


@dataclass(frozen=True, eq=False)
class Seen:
    """What is looked at of B shots: states of places in frames `[B, F · P, M]`, which are there
    `[B, F · P]`, the end `[B, ·]` from which a text begins, and the mean over places and frames of
    what was folded `[B, C]`.
    """

    memory: Array
    inside: NDArray[np.bool_]
    end: Array
    mean: Array


class CaptionHead:
    """What `CaptionNetwork` computes; ValueError if the weights are of another network."""

    def __init__(self, weights: Mapping[str, Array], codec: CaptionCodec, settings: Any) -> None:
        s = settings
        what = writing_of(codec, s)
        wide, H = folds.widths(s.size, s.channels), s.hidden
        places = folds.places(s.size) ** 2
        expected = {
            **folded_shapes("fold", 3, wide),
            **linear_shapes("glance", wide[-1], GLANCE),
            **recurrent_shapes("reader", s.cell, reads(codec, places, wide[-1]), H, 1, 2),
            **linear_shapes("spot", wide[-1], H),
            **linear_shapes("moment", 2 * H, H),
            "place": (places, H),
            **what.shapes(),
        }
        require_shapes(weights, expected)
        if codec.size != s.size:
            raise ValueError(f"{codec.size} × {codec.size}, {s.size} × {s.size}")
        self.size = sum(w.size for w in weights.values())
        self._fold = Folded(weights, "fold", folds.steps_over(s.size))
        self._glance, self._spot = Linear(weights, "glance"), Linear(weights, "spot")
        self._moment, self._place = Linear(weights, "moment"), weights["place"]
        self._reader = Recurrent(weights, "reader", s.cell)
        self._writer, self._codec = Writer(weights, what), codec

    def __call__(self, arrays: tuple[Array, Numbers, Array, Numbers]) -> Array:
        """Scores `[T, B, V]` of what follows each unit that is written: frames, lengths, times and
        what is written, as the network takes them.
        """
        frames, lengths, times, written = arrays
        text = self._text(self.look(frames, lengths, times))
        return np.stack([text.step(units)[0] for units in written])

    def look(self, frames: Array, lengths: Numbers, times: Array) -> Seen:
        """At frames `[B, F, 3, S, S]`."""
        B, F = frames.shape[:2]
        f = self._folded(frames)
        P, C = f.shape[1:]
        told = self._told(f, B)
        s, last = self._reader.sequence(self._entering(f, told, times), None, lengths)
        moments = self._moment(s).swapaxes(0, 1)
        m = self._spot(f).reshape(B, F, P, -1) + self._place + moments[:, :, None]
        there = np.arange(F) < lengths[:, None]
        of_all = _over(told, there)
        return Seen(
            np.ascontiguousarray(m.reshape(B, F * P, -1)),
            there.repeat(P, 1),
            np.concatenate((*last[0][-2:], of_all[:, C:]), -1),
            of_all[:, :C],
        )

    def entering(self, shot: Shot) -> Array:
        """What the layer over frames reads of a shot: `[F, I]`."""
        frames, _lengths, times = self._codec.read([shot])
        f = self._folded(frames)
        return self._entering(f, self._told(f, 1), times)[:, 0]

    def _folded(self, frames: Array) -> Array:
        """Places of all frames `[B · F, P, C]`."""
        flat = frames.reshape(-1, *frames.shape[2:])
        parts = range(0, len(flat), _AT_ONCE)
        folded = np.concatenate([self._fold(flat[k : k + _AT_ONCE]) for k in parts])
        return np.ascontiguousarray(folded.reshape(*folded.shape[:2], -1).swapaxes(1, 2))

    def _told(self, f: Array, B: int) -> Array:
        """Of the frames of B shots the mean over places, and behind it the peaks where the network
        reads those, `[B, F, ·]`.
        """
        mean = f.mean(1).reshape(B, -1, f.shape[2])
        return np.concatenate((mean, _peaks(f, B)), 2) if self._codec.peaks else mean

    def _entering(self, f: Array, told: Array, times: Array) -> Array:
        """`[F, B, I]` of places, of what is told of frames, and of times `[B, F, 2]`."""
        g = np.maximum(self._glance(f), 0).reshape(*times.shape[:2], -1)
        return np.ascontiguousarray(np.concatenate((g, told, times), 2).swapaxes(0, 1))

    def seen(self, shots: Sequence[Shot]) -> Array:
        """Of each shot the mean over places and frames of what was folded `[N, C]`."""
        found = [self.look(*self._codec.read(shots[i : i + 1])).mean for i in range(len(shots))]
        return np.concatenate(found)

    def captioned(
        self, shots: Sequence[Shot], languages: Sequence[str], how: Beam
    ) -> list[list[Written]]:
        """Of each shot, in its language, the likeliest captions, the best first; the attention has
        frames and places behind each other, `[T, F · P]`.
        """
        codec, found = self._codec, dict[int, list[Written]]()
        first: dict[int, int] = {}  # where each stands first: those that are the same go together
        places = [first.setdefault(id(shot), i) for i, shot in enumerate(shots)]
        order = sorted(range(len(shots)), key=lambda i: (len(shots[i].frames), places[i]))
        longest = max((len(shot.frames) for shot in shots), default=1)
        at_once = max(1, _AT_ONCE // longest)
        for start in range(0, len(order), at_once):
            some = order[start : start + at_once]
            seen = self._looked([shots[i] for i in some])
            begin = np.array([codec.begin(languages[i]) for i in some])
            most = np.full(len(some), codec.longest)
            text = self._text(seen)
            texts = search(text, seen.inside, most, how, end=END, never=codec.never, begin=begin)
            found |= dict(zip(some, texts, strict=True))
        return [found[i] for i in range(len(shots))]

    def _looked(self, shots: Sequence[Shot]) -> Seen:
        """At shots of which several may be the same, once at each."""
        different = {id(shot): shot for shot in shots}
        seen = self.look(*self._codec.read(list(different.values())))
        rows = [list(different).index(id(shot)) for shot in shots]
        return Seen(seen.memory[rows], seen.inside[rows], seen.end[rows], seen.mean[rows])

    def _text(self, seen: Seen) -> Text:
        return Text(self._writer, seen.memory, seen.inside, seen.end)


def _peaks(f: Array, B: int) -> Array:
    """Of B shots, frame by frame, the most of each number over places, and how far that is from
    what it was one frame before `[B, F, 2 · C]`; f: `[B · F, P, C]`.
    """
    v = f.max(1).reshape(B, -1, f.shape[2])
    return np.concatenate((v, np.abs(np.diff(v, axis=1, prepend=v[:, :1]))), 2)


def _over(frames: Array, there: NDArray[np.bool_]) -> Array:
    """The mean over frames `[B, F, C]` that are there."""
    found: Array = (frames * there[:, :, None]).sum(1) / there.sum(1, keepdims=True)
    return found.astype(np.float32)


def reads(codec: CaptionCodec, places: int, wide: int) -> int:
    """How many numbers of a frame the layer over frames reads, of places with `wide` numbers."""
    return places * GLANCE + (3 if codec.peaks else 1) * wide + TIMES


def writing_of(codec: CaptionCodec, settings: Any) -> Writing:
    """What writes in a network of these settings."""
    s = settings
    return Writing(
        s.cell,
        s.layers,
        s.hidden,
        codec.units,
        s.embedding,
        s.hidden,
        2 * s.hidden + (2 * folds.widths(s.size, s.channels)[-1] if codec.peaks else 0),
        s.attention,
        s.input_feeding,
        s.tied,
    )


def head_of(parts: Parts[CaptionCodec]) -> CaptionHead:
    """Of a run or a model file."""
    return CaptionHead(parts.weights, parts.codec, parts.settings)


def units_of(codec: CaptionCodec) -> Mapping[str, str]:
    """What is seen, and what is written."""
    given = {"input": "pictures", "size": str(codec.size), "languages": ", ".join(codec.languages)}
    return given | {"output": "text"}


DOOR: Door[CaptionCodec] = Door(CaptionCodec, Architecture, head_of, units_of)
