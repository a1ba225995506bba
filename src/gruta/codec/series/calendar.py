"""What a stamp itself tells a model: where in the day, the week or the year it lies."""

from collections.abc import Iterable
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from gruta.codec.series.frequency import Frequency, Stamps, weekday
from gruta.locale import translate as _

Values = NDArray[np.float32]

_MOST_PHASES = 200
_HARMONICS = 10


@dataclass(frozen=True, eq=False)
class Calendar:
    """Features `[N, F]` of N stamps, kept as what each looks up.

    codes: K of them, each `[N]`; tables: what they look up, each `[codes, F_k]`; the features stand
    side by side.
    """

    codes: tuple[NDArray[np.unsignedinteger], ...]
    tables: tuple[Values, ...]
    rows: int

    @property
    def shape(self) -> tuple[int, int]:
        """Rows and features."""
        return self.rows, sum(table.shape[1] for table in self.tables)

    def take(self, rows: NDArray[np.int64], axis: int = 0) -> Values:
        """`[..., F]` of rows `[...]`; the axis is that of rows, as an array of features has it."""
        assert axis == 0
        found = np.empty((*rows.shape, self.shape[1]), np.float32)
        place = 0
        for codes, table in zip(self.codes, self.tables, strict=True):
            found[..., place : place + table.shape[1]] = table[codes[rows]]
            place += table.shape[1]
        return found

    def beside(self, codes: NDArray[np.unsignedinteger], table: Values) -> "Calendar":
        """The same with one more code `[N]`, and what it looks up, at the end."""
        return replace(self, codes=(*self.codes, codes), tables=(*self.tables, table))


def calendar(pieces: Iterable[Stamps], frequency: Frequency) -> Calendar:
    """Of stamps `[N]`, which come in pieces, from the stamps alone.

    The phase in the shortest season, one-hot, or as sines and cosines where a column a phase would
    be too many; then, for steps within a day, the day of the week, one-hot.
    """
    season = next(iter(frequency.seasons()), 1)
    kind = np.uint16 if season < 2**16 else np.uint32
    phases, days, rows = [np.empty(0, kind)], [np.empty(0, np.uint8)], 0
    for times in pieces:
        rows += len(times)
        if season > 1:
            phases.append(frequency.phase(times).astype(kind))
        if frequency.within_day:
            days.append(weekday(frequency.local(times)).astype(np.uint8))
    codes: list[NDArray[np.unsignedinteger]] = []
    tables = []
    if season > 1:
        codes.append(np.concatenate(phases))
        turns = np.arange(season) / season
        tables.append(_harmonics(turns) if season > _MOST_PHASES else np.eye(season))
    if frequency.within_day:
        codes.append(np.concatenate(days))
        tables.append(np.eye(7))
    return Calendar(tuple(codes), tuple(table.astype(np.float32) for table in tables), rows)


def calendar_names(frequency: Frequency) -> list[str]:
    """What the features of `calendar` are called, in their order."""
    names = []
    season = next(iter(frequency.seasons()), 1)
    if season > _MOST_PHASES:
        waves = _("sine {k} of the cycle"), _("cosine {k} of the cycle")
        names += [wave.format(k=k) for wave in waves for k in range(1, _HARMONICS + 1)]
    elif season > 1:
        names += [_("phase {k}").format(k=k) for k in range(season)]
    if frequency.within_day:
        names += [
            _("Monday"),
            _("Tuesday"),
            _("Wednesday"),
            _("Thursday"),
            _("Friday"),
            _("Saturday"),
            _("Sunday"),
        ]
    return names


def _harmonics(turn: NDArray[np.float64]) -> NDArray[np.float64]:
    """Sines, then cosines [N, 2 · harmonics] of the first multiples of `turn`, in full turns."""
    angle = 2 * np.pi * turn[:, None] * np.arange(1, _HARMONICS + 1)
    return np.concatenate([np.sin(angle), np.cos(angle)], axis=1)
