"""What the forecaster sees of a series: columns, lags, and what is known about the steps to come.

Letters in shapes: N rows, B windows, P origins inside a window, K steps of the horizon, L lookback,
C columns, F features of a step to come.
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass

import torch
from torch import Tensor

from gruta.locale import translate as _


@dataclass(frozen=True)
class Table:
    """A series as scaled float32 columns; y is NaN in the rows to come."""

    y: Tensor  # [N]
    known: Tensor  # [N, C] covariates that are known for the steps to come
    past: Tensor  # [N, C] covariates that are known up to the origin
    calendar: Tensor  # [N, C]
    seasons: tuple[int, ...]
    lookback: int
    horizon: int

    @property
    def first_origin(self) -> int:
        """The first row that can be an origin: its window, and the lags of that, all exist."""
        return first_origin(self.seasons, self.lookback, self.horizon)

    @property
    def future_width(self) -> int:
        """Columns that `future_features` gives."""
        known = self.known.shape[1]
        return 2 * known + self.calendar.shape[1] + 1 + len(self.seasons) * (3 + known)

    @property
    def past_width(self) -> int:
        """Columns that `past_features` gives."""
        return 2 + self.past.shape[1] + self.future_width

    def changes(self, origin: Tensor) -> Tensor:
        """`[..., K]`: what came after rows `origin [...]`, less the value there."""
        at = origin.unsqueeze(-1) + torch.arange(1, self.horizon + 1)
        return self.y[at] - self.y[origin].unsqueeze(-1)


def first_origin(seasons: tuple[int, ...], lookback: int, horizon: int) -> int:
    """Rows of history before the first origin: the window, then the longest seasonal lag."""
    longest = max((s * math.ceil(horizon / s) for s in seasons), default=0)
    return lookback + longest + SEASONAL_NEIGHBOURS


SEASONAL_NEIGHBOURS = 2
"""Rows before a seasonal lag that are read with it: its own change, and the change before that."""


def future_features(table: Table, origin: Tensor, steps: Tensor) -> Tensor:
    """`[..., K, F]`: what is known at rows `origin [...]` about each of `steps [K]` after them.

    Covariates then and now, the calendar, the value at the origin, and for each season the same
    phase in the last season before the origin: its value, its last two changes, its covariates.
    """
    y, known = table.y, table.known
    at = origin.unsqueeze(-1) + steps
    now = y[origin].unsqueeze(-1).expand(at.shape)
    known_now = known[origin].unsqueeze(-2).expand(*at.shape, -1)
    parts = [rows(known, at), known_now, rows(table.calendar, at), now.unsqueeze(-1)]
    for season in table.seasons:
        then = at - season * ((steps - 1) // season + 1)
        last, before, earlier = (rows(y, then - back) for back in range(3))
        changes = [last - now, last - before, before - earlier]
        parts += [torch.stack(changes, -1), rows(known, then)]
    return torch.cat(parts, -1)


def future_names(
    target: str, known: Sequence[str], calendar: Sequence[str], seasons: Sequence[int]
) -> list[str]:
    """What the columns of `future_features` are called, in their order."""
    then, now = _("{column} then"), _("{column} now")
    names = [then.format(column=column) for column in known]
    names += [now.format(column=column) for column in known]
    names += [*calendar, now.format(column=target)]
    for season in seasons:
        of_target = (
            _("{column} a season ({steps}) before, less now"),
            _("change of {column} a season ({steps}) before"),
            _("change of {column} a season ({steps}) and a step before"),
        )
        names += [text.format(column=target, steps=season) for text in of_target]
        before = _("{column} a season ({steps}) before")
        names += [before.format(column=column, steps=season) for column in known]
    return names


def rows(columns: Tensor, at: Tensor) -> Tensor:
    """`columns[at]` for columns `[N]` or `[N, C]`; several times faster than indexing."""
    return columns.index_select(0, at.reshape(-1)).view(*at.shape, *columns.shape[1:])


def past_features(table: Table) -> Tensor:
    """`[N, C]`: what the encoder reads at a row: value, change, covariates, and the step to come.

    Rows before the first window, and those with no step to come, hold zeros.
    """
    y = table.y
    at = torch.arange(table.first_origin - table.lookback, len(y) - 1)
    change = y[at] - y[at - 1]
    coming = future_features(table, at, torch.tensor([1])).squeeze(-2)
    seen = torch.cat([torch.stack([y[at], change], -1), table.past[at], coming], -1)
    features = seen.new_zeros(len(y), seen.shape[1])
    features[at] = seen
    return features


def past_names(target: str, past: Sequence[str], coming: Sequence[str]) -> list[str]:
    """What the columns of `past_features` are called; coming: those of the step to come."""
    return [target, _("change of {column}").format(column=target), *past, *coming]


def lags(table: Table, origin: Tensor) -> Tensor:
    """`[..., L]`: the values up to each row of `origin [...]`, less the value at that row."""
    windows = table.y.unfold(0, table.lookback, 1)
    return rows(windows, origin - table.lookback + 1) - table.y[origin].unsqueeze(-1)


def windows(
    table: Table, past: Tensor, last: Tensor, positions: Tensor, length: int
) -> dict[str, Tensor]:
    """The windows of `length` rows that end at rows `last [B]`, with origins inside them.

    positions: `[B, P]`, the origins' places in their window, 0 to length - 1.
    Gives past `[B, length, C]`, positions, lags `[B, P, L]`, future `[B, P, K, F]`, and target
    `[B, P, K]`, the change from the origin's value.
    """
    steps = torch.arange(1, table.horizon + 1)
    first = last.unsqueeze(-1) - (length - 1)
    origin = first + positions
    return {
        "past": rows(past, first + torch.arange(length)),
        "positions": positions,
        "lags": lags(table, origin),
        "future": future_features(table, origin, steps),
        "target": table.changes(origin),
    }
