"""What a speaker knows but for its weights: how texts enter, and which spectra leave."""

import unicodedata
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, get_args

import numpy as np
from numpy.typing import NDArray

from gruta.codec.audio.distortion import DECIBELS
from gruta.codec.audio.mel import Frames, Mel
from gruta.codec.scaler import Scaler
from gruta.codec.text.numerals import Language
from gruta.codec.text.signs import BLANK, Signs
from gruta.codec.text.spoken import spoken
from gruta.codec.text.units import UNKNOWN
from gruta.errors import InputError
from gruta.locale import translate as _

END = "\n"
"""What a text ends with, as the network reads it."""

DEPTH = 70 / DECIBELS
"""What lies so much below the loudest is silence."""

_HEARD, _BEFORE, _BEHIND = 40 / DECIBELS, 3, 6
"""A frame is heard that is so near to the loudest; and frames that are kept beside those."""

Numbers = NDArray[np.int64]


@dataclass(frozen=True, eq=False)
class SayingCodec:
    """What codec.json holds.

    units: the characters or phonemes that texts are made of; 0 is padding, and no unknown one is
    ever read. language: how numbers and short forms are said. mel: the spectra that leave. scaler:
    of their bands. floor: what is softer is silence. together: frames that are made at a step.
    longest: units of the longest text of the training part. pace: units a step, on average.
    """

    units: Signs
    language: Language
    mel: Mel
    scaler: Scaler
    floor: float
    together: int
    longest: int
    pace: float

    @property
    def rate(self) -> int:
        """Samples a second."""
        return self.mel.rate

    @property
    def size(self) -> int:
        """How many numbers there are."""
        return self.units.size

    def written_out(self, text: str) -> str:
        """A text as it is read: in words, and in small letters."""
        return said(text, self.language)

    def unknown(self, units: Sequence[str]) -> list[str]:
        """The units of a text that training has not seen, each once."""
        numbers = self.units.numbers(units).tolist()
        return list(dict.fromkeys(u for u, n in zip(units, numbers, strict=True) if n == UNKNOWN))

    def numbers(self, units: Sequence[str]) -> Numbers:
        """`[S]`: a text's units that are known, with the end behind them."""
        found = self.units.numbers([*units, END])
        known: Numbers = found[found != UNKNOWN]
        return known

    def encode(self, log_mel: Frames) -> Frames:
        """`[T, bands]` as the network reads and makes them."""
        return self.scaler.encode(np.maximum(log_mel, self.floor)).astype(np.float32)

    def decode(self, frames: Frames) -> Frames:
        """The other way."""
        return self.scaler.decode(frames.astype(np.float64)).astype(np.float32)

    def to_json(self) -> dict[str, Any]:
        """Plain values."""
        return {
            "units": self.units.to_json(),
            "language": self.language,
            "mel": self.mel.to_json(),
            "scaler": self.scaler.to_json(),
            "floor": self.floor,
            "together": self.together,
            "longest": self.longest,
            "pace": self.pace,
        }

    @classmethod
    def from_json(cls, content: Mapping[str, Any]) -> "SayingCodec":
        """What `to_json` gave; InputError if it is anything else."""
        try:
            counts = [int(content[name]) for name in ("together", "longest")]
            reals = [float(content[name]) for name in ("floor", "pace")]
            found = cls(
                Signs.from_json(content["units"]),
                content["language"],
                Mel.from_json(content["mel"]),
                Scaler.from_json(content["scaler"]),
                reals[0],
                counts[0],
                counts[1],
                reals[1],
            )
            whole = len(found.scaler.mean) == found.mel.bands and found.mel.centred
            able = 1 <= found.together <= 100 and found.longest > 0 and np.isfinite(reals).all()
            if not whole or not able or found.pace <= 0:
                raise ValueError(_("expected a scale for each band, and lengths above 0"))
            if found.language not in get_args(Language):
                raise ValueError(_("expected units of a known language"))
        except (KeyError, TypeError, ValueError, OverflowError) as error:
            if isinstance(error, InputError):
                raise
            problem = _("codec.json: not a speaker's ({error})")
            raise InputError(problem.format(error=error)) from error
        return found


def said(text: str, language: Language) -> str:
    """A text in words and in small letters, accents composed."""
    return unicodedata.normalize("NFC", spoken(text, language).lower())


def heard(log_mel: Frames) -> slice:
    """The frames from the first that is heard to the last, and a few beside them."""
    loud = log_mel.max(1)
    places = np.flatnonzero(loud >= loud.max() - _HEARD)
    return slice(max(int(places[0]) - _BEFORE, 0), int(places[-1]) + 1 + _BEHIND)


def sentences(units: Sequence[str], most: int) -> list[Sequence[str]]:
    """A text's units in pieces of at most so many: cut behind sentences where that will do, else
    behind other marks, else between words, and in words that are longer.
    """
    spans = [(0, len(units))]
    for cuts in (_behind(".!?…"), _behind(",;:–—-"), lambda _before: True):
        spans = [
            piece
            for span in spans
            for piece in ([span] if _size(span) <= most else _gathered(units, span, cuts, most))
        ]
    return [units[i : min(i + most, end)] for begin, end in spans for i in range(begin, end, most)]


def _behind(marks: str) -> Callable[[str], bool]:
    """Whether a blank is behind one of these."""
    return lambda before: before in marks


def _size(span: tuple[int, int]) -> int:
    return span[1] - span[0]


def _gathered(
    units: Sequence[str], span: tuple[int, int], cuts: Callable[[str], bool], most: int
) -> list[tuple[int, int]]:
    """Parts of a span between blanks where it may be cut, neighbours together, as many as there is
    room for.
    """
    begin, end = span
    at = [i for i in range(begin + 1, end) if units[i] == BLANK and cuts(units[i - 1])]
    found: list[tuple[int, int]] = []
    for first, last in zip([begin, *(i + 1 for i in at)], [*at, end], strict=True):
        if first == last:
            continue
        if found and last - found[-1][0] <= most:
            found[-1] = (found[-1][0], last)
        else:
            found.append((first, last))
    return found
