"""Pictures and captions in numbers: the scale of colours, the units of texts, and languages."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from gruta.codec.text.pairs import END, NEVER_SEEN, PADDING, Side
from gruta.codec.text.units import Units
from gruta.errors import InputError
from gruta.locale import translate as _

Array = NDArray[np.float32]
TIMES = 2
"""Numbers that tell when a frame is shown."""


@dataclass(frozen=True)
class Colours:
    """What red, green and blue are on average, 0 to 255, and how far they stray."""

    mean: tuple[float, float, float]
    spread: tuple[float, float, float]

    @classmethod
    def fit(cls, pictures: Iterable[NDArray[np.uint8]]) -> "Colours":
        """Of frames `[…, 3]`. A colour that never changes strays by 1."""
        count, total, squares = 0, np.zeros(3), np.zeros(3)
        for frames in pictures:
            values = frames.reshape(-1, 3).astype(np.float64)
            count += len(values)
            total += values.sum(0)
            squares += (values**2).sum(0)
        mean = total / count
        spread = np.sqrt(np.maximum(squares / count - mean**2, 0))
        r, g, b = (float(one) for one in mean)
        spreads = [float(one) if one >= 1 else 1.0 for one in spread]
        return cls((r, g, b), (spreads[0], spreads[1], spreads[2]))

    def encode(self, frames: NDArray[np.uint8]) -> Array:
        """`[…, 3, S, S]`, of about 0 and 1, from `[…, S, S, 3]`."""
        mean, spread = np.array(self.mean, np.float32), np.array(self.spread, np.float32)
        return np.moveaxis((frames.astype(np.float32) - mean) / spread, -1, -3)

    def to_json(self) -> dict[str, Any]:
        """Plain values."""
        return {"mean": list(self.mean), "spread": list(self.spread)}

    @classmethod
    def from_json(cls, content: Mapping[str, Any]) -> "Colours":
        """What `to_json` gave; ValueError if it is anything else."""
        mean, spread = (tuple(map(float, content[name])) for name in ("mean", "spread"))
        fit = len(mean) == len(spread) == 3 and np.isfinite((mean, spread)).all()
        if not fit or min(spread) <= 0:
            raise ValueError(_("expected the mean and spread of three colours"))
        return cls((mean[0], mean[1], mean[2]), (spread[0], spread[1], spread[2]))


@dataclass(frozen=True, eq=False)
class CaptionCodec:
    """What pictures are in numbers, and what captions are made of.

    size: S, pixels on a side. frames: of a clip at most. longest: units of a caption, at most.
    languages: of the captions; with several, a mark for each stands before a text. peaks: whether a
    frame is also told by the most of each number over all its places and how that changes, as all
    are but those of networks that were trained before that was there. near: how far a picture of
    the training data may be for its caption to be remembered: the mean square of what small copies
    differ by.
    """

    colours: Colours
    side: Side
    languages: tuple[str, ...]
    size: int
    frames: int
    longest: int
    peaks: bool = True
    near: float = 0.0

    @property
    def units(self) -> int:
        """How many numbers there are, with the marks of languages."""
        return self.side.size + (len(self.languages) if len(self.languages) > 1 else 0)

    @property
    def never(self) -> list[int]:
        """Numbers that are not written."""
        return [PADDING, NEVER_SEEN, *range(self.side.size, self.units)]

    def begin(self, language: str) -> int:
        """What stands before a text in a language."""
        at = self.languages.index(language)
        return self.side.size + at if len(self.languages) > 1 else END

    def require_language(self, language: str) -> str:
        """A language as captions have it, "" for the first; InputError where there is none."""
        if not language:
            return self.languages[0]
        if language not in self.languages:
            known = ", ".join(self.languages) if len(self.languages) > 1 else _("one alone")
            problem = _("expected a language of the captions ({known}), got {language!r}")
            raise InputError(language=problem.format(known=known, language=language))
        return language

    def read(self, shots: Sequence[Any]) -> tuple[Array, NDArray[np.int64], Array]:
        """Of B shots the frames `[B, F, 3, S, S]`, how many each has `[B]`, and when they are shown
        `[B, F, 2]`: the share of the clip that has gone by, and the seconds since the last one, as
        log(1 + s).
        """
        lengths = np.array([len(shot.frames) for shot in shots], np.int64)
        B, F, S = len(shots), int(lengths.max()), self.size
        frames = np.zeros((B, F, 3, S, S), np.float32)
        times = np.zeros((B, F, TIMES), np.float32)
        for b, shot in enumerate(shots):
            n = len(shot.frames)
            frames[b, :n] = self.colours.encode(shot.frames)
            times[b, :n] = when(shot)
        return frames, lengths, times

    def to_json(self) -> dict[str, Any]:
        """Plain values."""
        return {
            "colours": self.colours.to_json(),
            "units": self.side.units.to_json(),
            "languages": list(self.languages),
            "size": self.size,
            "frames": self.frames,
            "longest": self.longest,
            "peaks": self.peaks,
            "near": self.near,
        }

    @classmethod
    def from_json(cls, content: Mapping[str, Any]) -> "CaptionCodec":
        """What `to_json` gave; InputError if it is anything else."""
        try:
            size, frames, longest = (int(content[n]) for n in ("size", "frames", "longest"))
            languages = tuple(map(str, content["languages"]))
            if (
                min(size, frames, longest) < 1
                or not languages
                or len(set(languages)) < len(languages)
            ):
                raise ValueError(_("expected sizes above 0, and different languages"))
            side = Side(Units.from_json(content["units"]))
            peaks, near = content.get("peaks", False), float(content.get("near", 0.0))
            if not isinstance(peaks, bool) or not 0 <= near < np.inf:
                raise ValueError(_("peaks: expected true or false; near: 0 or more"))
            colours = Colours.from_json(content["colours"])
            return cls(colours, side, languages, size, frames, longest, peaks, near)
        except (KeyError, TypeError, ValueError) as error:
            if isinstance(error, InputError):
                raise
            problem = _("codec.json: not pictures and captions ({error})")
            raise InputError(problem.format(error=error)) from error


def when(shot: Any) -> Array:
    """When each frame of a shot is shown `[F, 2]`, as `CaptionCodec.read` has it."""
    since = shot.shown - shot.begin
    whole = max(shot.end - shot.begin, 1e-9)
    return np.stack([since / whole, np.log1p(np.diff(since, prepend=0.0))], 1).astype(np.float32)
