"""What a forecaster reads, taken apart by where it comes from.

Every number that it reads is a sum of values from the file, each less its training mean: a lag is
one less the newest, a change two neighbours. So inputs are those of a reference, in which all
values are at their means, and a part from each source; the parts may be left out, or be taken from
another origin.

Letters in shapes: M origins, G sources, the others as in `features.py`.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

from gruta.codec.series.encoding import Encoding
from gruta.codec.series.features import Past, Rows, Table, Values, windows
from gruta.locale import translate as _
from gruta.locale.numbers import number

Inputs = dict[str, Values]
"""now `[M]`, the value at the origin; past, lags, recent and future as in `features.windows`, of a
lone origin a window. A first axis of parts may come before.
"""


@dataclass(frozen=True)
class Source:
    """Where some of what a forecast reads comes from.

    kind: own, values of the target from `first` to `last` rows before the origin; season, the same
    phase `first` steps before; a covariate, known or past; the calendar. place: among its kind.
    """

    kind: Literal["own", "season", "known", "past", "calendar"]
    column: str = ""
    first: int = 0
    last: int = 0
    place: int = 0

    @property
    def name(self) -> str:
        """As people read it."""
        if self.kind == "calendar":
            return _("calendar")
        if self.kind == "season":
            return _("{column} a season ({steps}) before").format(
                column=self.column, steps=number(self.first)
            )
        if self.kind != "own":
            return self.column
        if self.last == 0:
            return _("{column} now").format(column=self.column)
        if not self.first:
            return _("the past of {column}").format(column=self.column)
        text = _(
            "{column}, {lags} step before" if self.last == 1 else "{column}, {lags} steps before"
        )
        return text.format(column=self.column, lags=span(self.first, self.last))

    def to_json(self) -> dict[str, Any]:
        """For a program; lags and season in steps."""
        found: dict[str, Any] = {"kind": self.kind}
        if self.column:
            found["column"] = self.column
        if self.kind == "own":
            found["lags"] = [self.first, self.last]
        if self.kind == "season":
            found["season"] = self.first
        return found


def span(first: int, last: int) -> str:
    """4–15, or a single number."""
    return number(first) if first == last else f"{number(first)}–{number(last)}"


def ranges(last: int) -> list[tuple[int, int]]:
    """Lags from 0 to `last` in stretches: 0, then 1–3, 4–15, …, each four times as far."""
    found, first = [(0, 0)], 1
    while first <= last:
        found.append((first, min(4 * first - 1, last)))
        first *= 4
    return found


def sources(encoding: Encoding, *, coarse: bool = False) -> list[Source]:
    """All that a forecaster of this encoding reads; coarse: the target's past in one piece."""
    names, last = encoding.columns, encoding.lookback - 1
    stretches = [(0, last)] if coarse else ranges(last)
    found = [Source("own", names.target, *lags) for lags in stretches]
    for i, steps in enumerate(encoding.seasons):
        found.append(Source("season", names.target, first=steps, place=i))
    found += [Source("known", name, place=i) for i, name in enumerate(encoding.known_labels)]
    found += [Source("past", name, place=i) for i, name in enumerate(encoding.past.labels)]
    if encoding.empty_table().calendar.shape[1]:
        found.append(Source("calendar"))
    return found


def inputs_at(table: Table, origins: Rows) -> Inputs:
    """What is read at origins `[M]`."""
    newest = np.full((len(origins), 1), table.lookback - 1)
    found = windows(table, Past(table, keep=False), origins, newest, table.lookback)
    alone = {name: found[name][:, 0] for name in ("lags", "recent", "future")}
    which = {name: found[name] for name in ("series",) if name in found}
    return {"now": table.y[origins], "past": found["past"], **alone, **which}


def batch(inputs: Inputs) -> dict[str, NDArray[Any]]:
    """As the head takes them."""
    length = inputs["past"].shape[1]
    alone = {name: inputs[name][:, None] for name in ("lags", "recent", "future")}
    newest = np.full((len(inputs["past"]), 1), length - 1)
    which = {name: inputs[name] for name in ("series",) if name in inputs}
    return {"past": inputs["past"], "positions": newest, **alone, **which}


class Parts:
    """Inputs as a reference `[1, …]` and a part from each source, `[G, M, …]`.

    means: of the columns of `Past` and of `future_features` in training. Values and covariates are
    scaled by theirs, so these are 0 but for the calendar, and for marks of what is missing.
    """

    def __init__(
        self, table: Table, inputs: Inputs, every: Sequence[Source], means: tuple[Values, Values]
    ) -> None:
        self._step = _Step.of(table)
        self._lags = np.arange(table.lookback)[::-1]
        self._covariates, self._past_lags = table.past.shape[1], table.past_lags
        self._gaps = table.absent is not None
        self.reference = {name: np.zeros_like(x[:1]) for name, x in inputs.items()}
        if "series" in inputs:  # no source: which one it is stays
            self.reference["series"] = inputs["series"]
        of_row, of_step = means
        marks = self._step.marks
        self.reference["future"][..., marks] = of_step[marks]
        self._ahead(self.reference)[..., marks] = of_row[2 + self._covariates :][marks]
        if self._gaps:
            self.reference["past"][..., -1] = of_row[-1]
        less = {name: x - self.reference[name] for name, x in inputs.items()}
        parts = [self._of(source, less) for source in every]
        self.parts: Inputs = {name: np.stack([p[name] for p in parts]) for name in self.reference}

    def together(self, chosen: NDArray[np.bool_]) -> Inputs:
        """The inputs `[N, …]` of a lone origin with the chosen parts `[N, G]` alone."""
        weights = chosen.astype(np.float32)
        return {
            name: self.reference[name] + np.tensordot(weights, part[:, 0], 1)
            for name, part in self.parts.items()
        }

    def exchanged(self, source: int, order: Rows) -> Inputs:
        """The inputs of all origins, each with this part of the one that `order [M]` gives it."""
        return {
            name: self.reference[name] + part.sum(0) - part[source] + part[source][order]
            for name, part in self.parts.items()
        }

    def _ahead(self, inputs: Inputs) -> Values:
        """Of each row of the window, the columns of the step after it; a view."""
        first = 2 + self._covariates
        return inputs["past"][..., first : first + self._step.width]

    def _of(self, source: Source, less: Inputs) -> Inputs:
        part = {name: np.zeros_like(x) for name, x in less.items()}
        if source.kind == "own":
            self._own(source, less, part)
        elif source.kind == "past":
            i = source.place
            part["past"][..., 2 + i] = less["past"][..., 2 + i]
            lags = slice(i * self._past_lags, (i + 1) * self._past_lags)
            part["recent"][..., lags] = less["recent"][..., lags]
        else:
            columns = self._step.columns(source)
            for rows, found in ((self._ahead(less), self._ahead(part)), _futures(less, part)):
                found[..., columns] = rows[..., columns]
                if source.kind == "season":  # which is read less the value now
                    found[..., columns[0]] += rows[..., self._step.now]
        return part

    def _own(self, source: Source, less: Inputs, part: Inputs) -> None:
        """Values of the target at some lags, wherever they are read, but as a season before."""
        some = (source.first <= self._lags) & (self._lags <= source.last)
        # The oldest row's change is from a value beyond the window, which counts with its last.
        before = np.append(some[0], some[:-1])
        y, change = less["past"][..., 0], less["past"][..., 1]
        own, firsts = y * some, [season[0] for season in self._step.seasons]
        part["past"][..., 0] = own
        part["past"][..., 1] = own - (y - change) * before
        ahead = self._ahead(part)
        ahead[..., self._step.now] = own
        ahead[..., firsts] = -own[..., None]
        if self._gaps:
            part["past"][..., -1] = less["past"][..., -1] * some
        now = less["now"] * some[-1]
        part["now"][:] = now
        part["future"][..., self._step.now] = now[:, None]
        part["future"][..., firsts] = -now[:, None, None]
        part["lags"][:] = (less["lags"] + less["now"][:, None]) * some - now[:, None]


def _futures(less: Inputs, part: Inputs) -> tuple[Values, Values]:
    return less["future"], part["future"]


@dataclass(frozen=True)
class _Step:
    """Where the columns of `future_features` stand.

    now: the target's value at the origin. seasons: of each, value, changes and mark.
    """

    known: tuple[tuple[int, ...], ...]
    calendar: tuple[int, ...]
    now: int
    seasons: tuple[tuple[int, ...], ...]
    marks: list[int]
    width: int

    @classmethod
    def of(cls, table: Table) -> "_Step":
        """Of this table."""
        C, D, gaps = table.known.shape[1], table.calendar.shape[1], table.absent is not None
        now = 2 * C + D
        firsts = [now + 1 + i * (3 + C + gaps) for i in range(len(table.seasons))]
        marks = [first + 3 + C for first in firsts] if gaps else []
        return cls(
            known=tuple((c, C + c, *(first + 3 + c for first in firsts)) for c in range(C)),
            calendar=tuple(range(2 * C, now)),
            now=now,
            seasons=tuple(
                (first, first + 1, first + 2, *([first + 3 + C] if gaps else []))
                for first in firsts
            ),
            marks=[*range(2 * C, now), *marks],
            width=table.future_width,
        )

    def columns(self, source: Source) -> list[int]:
        """Of a season, a known covariate or the calendar."""
        if source.kind == "calendar":
            return list(self.calendar)
        return list((self.known if source.kind == "known" else self.seasons)[source.place])
