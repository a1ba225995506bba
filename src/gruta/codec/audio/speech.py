"""What a recogniser knows but for its weights: how a recording enters, and which texts leave."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from gruta.codec.audio.ctc import Numbers
from gruta.codec.audio.mel import Mel
from gruta.codec.audio.transcripts import Capitals, Marks, spelled
from gruta.codec.scaler import Scaler
from gruta.codec.text.units import UNKNOWN, Units
from gruta.errors import InputError
from gruta.locale import translate as _

Frames = NDArray[np.float32]

_STILL = 1e-3
"""Frames that differ by less say nothing."""

FLATTEST = 0.05
"""A recording's deviation counts as no less than so much of the training part's, so that silence
stays silence.
"""


@dataclass(frozen=True, eq=False)
class SpeechCodec:
    """What codec.json holds.

    units: the characters that texts are made of, from 1 on; 0 is the blank. capitals, marks: how
    texts are spelled. names: of the C channels. scaler: over the training part. by_recording:
    whether each recording has its own mean and deviation instead. mel: how sounds become frames;
    None where frames are given. hop: seconds from a frame to the next. longest: seconds of the
    longest recording of the training part.
    """

    units: Units
    capitals: Capitals
    marks: Marks
    names: tuple[str, ...]
    scaler: Scaler
    by_recording: bool
    hop: float
    longest: float
    mel: Mel | None = None

    @property
    def size(self) -> int:
        """How many numbers there are, the blank among them."""
        return self.units.size

    @property
    def space(self) -> int:
        """The number of the blank between words; 0 where no text has one."""
        return int(self.units.encode(" ")[0])

    @property
    def kind(self) -> str:
        """sound or frames: what is read."""
        return "frames" if self.mel is None else "sound"

    def spell(self, text: str) -> str:
        """A text as it would leave."""
        return spelled(text, self.capitals, self.marks)

    def numbers(self, text: str) -> Numbers:
        """Of a text as it is spelled, without the characters that training has not seen."""
        found = self.units.encode(self.spell(text))
        known: Numbers = found[found != UNKNOWN]
        return known

    def text(self, numbers: Sequence[int] | Numbers) -> str:
        """What numbers say, with single blanks."""
        return " ".join(self.units.decode(numbers).split())

    def encode(self, frames: Frames) -> Frames:
        """`[T, C]` as the network reads it."""
        if not self.by_recording or not len(frames):
            return self.scaler.encode(frames).astype(np.float32)
        mean = frames.mean(0, dtype=np.float64)
        deviation = np.maximum(frames.std(0, dtype=np.float64), FLATTEST * self.scaler.scale)
        found: Frames = ((frames - mean) / deviation).astype(np.float32)
        return found

    def is_silent(self, frames: Frames) -> bool:
        """Whether all frames `[T, C]` are alike, or there is none."""
        return not len(frames) or float(np.ptp(frames, axis=0).max()) < _STILL

    def to_json(self) -> dict[str, Any]:
        """Plain values."""
        return {
            "units": self.units.to_json(),
            "capitals": self.capitals,
            "marks": self.marks,
            "names": list(self.names),
            "scaler": self.scaler.to_json(),
            "by_recording": self.by_recording,
            "hop": self.hop,
            "longest": self.longest,
            "mel": None if self.mel is None else self.mel.to_json(),
        }

    @classmethod
    def from_json(cls, content: Mapping[str, Any]) -> "SpeechCodec":
        """What `to_json` gave; InputError if it is anything else."""
        try:
            mel = None if content["mel"] is None else Mel.from_json(content["mel"])
            found = cls(
                Units.from_json(content["units"]),
                content["capitals"],
                content["marks"],
                tuple(map(str, content["names"])),
                Scaler.from_json(content["scaler"]),
                bool(content["by_recording"]),
                float(content["hop"]),
                float(content["longest"]),
                mel,
            )
            whole = found.units.kind == "characters" and len(found.scaler.mean) == len(found.names)
            if not whole or not 0 < found.hop < np.inf or not 0 < found.longest < np.inf:
                raise ValueError(_("expected characters, and a scale for each channel"))
            if found.capitals not in ("fold", "keep") or found.marks not in ("drop", "keep"):
                raise ValueError(_("expected a way to spell"))
        except (KeyError, TypeError, ValueError) as error:
            if isinstance(error, InputError):
                raise
            problem = _("codec.json: not a recogniser's ({error})")
            raise InputError(problem.format(error=error)) from error
        return found
