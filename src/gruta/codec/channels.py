"""Series of vectors as numbers: each channel scaled, and a mark where its value is missing."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np
from numpy.typing import NDArray

from gruta.codec.scaler import Scaler
from gruta.errors import InputError
from gruta.locale import translate as _

Values = NDArray[np.float64]


@dataclass(frozen=True, eq=False)
class Channels:
    """C channels by name, their scales, and those (by place) in which training met gaps."""

    names: tuple[str, ...]
    scaler: Scaler
    gaps: tuple[int, ...]

    @classmethod
    def fit(cls, names: Sequence[str], series: Sequence[Values]) -> "Channels":
        """Scales over all steps of all series `[T, C]`; NaN is a gap."""
        rows = np.concatenate(series)
        missing = np.isnan(rows)
        means = np.nanmean(np.where(missing.all(0), 0.0, rows), 0)
        scaler = Scaler.fit(np.where(missing, means, rows))
        return cls(tuple(names), scaler, tuple(np.flatnonzero(missing.any(0)).tolist()))

    @cached_property
    def may_lack(self) -> NDArray[np.bool_]:
        """`[C]`: in which channels training met gaps."""
        return np.isin(np.arange(len(self.names)), self.gaps)

    @property
    def width(self) -> int:
        """Columns of what `encode` gives."""
        return len(self.names) + len(self.gaps)

    def encode(self, series: Values) -> NDArray[np.float32]:
        """`[T, width]` from `[T, C]`: a gap is the mean, with a 1 in a column of its own."""
        missing = np.isnan(series)
        scaled = np.where(missing, 0.0, self.scaler.encode(series))
        return np.concatenate([scaled, missing[:, list(self.gaps)]], 1).astype(np.float32)

    def encode_whole(self, series: Values) -> NDArray[np.float32]:
        """The same of series without gaps, of channels without; in a fraction of the time."""
        return self.scaler.encode(series).astype(np.float32)

    def to_json(self) -> dict[str, Any]:
        """Plain values."""
        return {
            "names": list(self.names),
            "scaler": self.scaler.to_json(),
            "gaps": list(self.gaps),
        }

    @classmethod
    def from_json(cls, content: Mapping[str, Any]) -> "Channels":
        """What `to_json` gave; InputError if it is anything else."""
        try:
            names, gaps = tuple(map(str, content["names"])), tuple(map(int, content["gaps"]))
            scaler = Scaler.from_json(content["scaler"])
            if len(scaler.mean) != len(names) or not set(gaps) <= set(range(len(names))):
                raise ValueError(_("expected a scale for each of {names}").format(names=names))
            return cls(names, scaler, gaps)
        except (KeyError, TypeError, ValueError) as error:
            raise InputError(_("codec.json: not channels ({error})").format(error=error)) from error
