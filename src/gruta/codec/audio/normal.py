"""Features brought to mean 0 and deviation 1, channel by channel."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any, Literal, get_args

import numpy as np

from gruta.codec.audio.mel import Frames
from gruta.codec.scaler import Scaler
from gruta.errors import InputError
from gruta.locale import translate as _

Kind = Literal["training", "utterance", "none"]

_LEAST = 1e-4
"""A channel that varies by less in an utterance is taken not to vary."""


@dataclass(frozen=True, eq=False)
class Normal:
    """By what: means and deviations of the training part, which do for a stream; those of the
    utterance itself, which must be whole; or nothing. scaler: of "training".
    """

    kind: Kind
    scaler: Scaler | None = None

    @classmethod
    def fit(cls, kind: Kind, features: Iterable[Frames]) -> "Normal":
        """Of all frames of the training part, read once, one utterance `[T, C]` after the other."""
        if kind not in get_args(Kind):
            problem = _("expected training, utterance or none, got {kind!r}")
            raise InputError(normal=problem.format(kind=kind))
        return cls(kind, moments(features) if kind == "training" else None)

    @property
    def streams(self) -> bool:
        """Whether a frame needs none that come behind it."""
        return self.kind != "utterance"

    def encode(self, features: Frames) -> Frames:
        """`[T, C]`, of one utterance or, where it streams, of a part of one."""
        if self.kind == "none" or not len(features):
            return features
        if self.scaler is not None:
            return self.scaler.encode(features).astype(np.float32)
        rows = features.astype(np.float64)
        spread = rows.std(0)
        scaled = (rows - rows.mean(0)) / np.where(spread > _LEAST, spread, 1.0)
        return np.asarray(scaled, np.float32)

    def to_json(self) -> dict[str, Any]:
        """Plain values."""
        scaler = None if self.scaler is None else self.scaler.to_json()
        return {"kind": self.kind, "scaler": scaler}

    @classmethod
    def from_json(cls, content: Mapping[str, Any]) -> "Normal":
        """What `to_json` gave; InputError if it is anything else."""
        try:
            kind, scaler = content["kind"], content["scaler"]
            if kind not in get_args(Kind) or (scaler is None) == (kind == "training"):
                raise ValueError(_("expected a scaler for training, and none else"))
            return cls(kind, None if scaler is None else Scaler.from_json(scaler))
        except (KeyError, TypeError, ValueError) as error:
            problem = _("codec.json: not means of features ({error})")
            raise InputError(problem.format(error=error)) from None


def moments(features: Iterable[Frames]) -> Scaler:
    """Mean and deviation of all frames, in the memory of one utterance (Chan et al. 1979); a
    channel that never varies has scale 1. InputError where there is none.
    """
    count, mean, squares = 0, np.zeros(0), np.zeros(0)
    for one in features:
        if not len(one):
            continue
        rows = np.asarray(one, np.float64)
        own = rows.mean(0)
        apart = own - mean if count else own
        within = ((rows - own) ** 2).sum(0)
        both = count + len(rows)
        squares = (squares if count else 0) + within + apart**2 * (count * len(rows) / both)
        mean = (mean if count else 0) + apart * (len(rows) / both)
        count = both
    if not count:
        raise InputError(_("expected recordings long enough for one frame, found none"))
    spread = np.sqrt(squares / count)
    return Scaler(mean, np.where(spread > _LEAST, spread, 1.0))
