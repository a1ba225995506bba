"""The columns of the linear models at a sample of origins, where there are gaps or very many rows.

Letters in shapes: M origins, W columns that all steps share, V columns of one step.
"""

from collections.abc import Iterator
from typing import TypeVar

import numpy as np
import torch
from torch import Tensor

from gruta.codec.series.features import Rows, Table, future_features, lags, recent
from gruta.tasks.forecast.split import Origins

MOST_ORIGINS = 2**17
MOST_NUMBERS = 2**24
MOST_PRODUCTS = 2e11
"""Origins, numbers of their shared columns, and products of all steps: a sample has no more."""

_AT_ONCE = 4096

Sliced = TypeVar("Sliced", Rows, Tensor)


class SomeColumns:
    """As `Columns`, of a sample: the shared columns are lags and past covariates, a step's own the
    features of the step and the target.

    Origins with their whole horizon are taken where these are a quarter or more; else what is
    missing counts as the value before it.
    """

    def __init__(self, table: Table, origins: Origins) -> None:
        self._table = table
        width = table.lookback + table.recent_width
        own = table.future_width + 1
        most = min(
            MOST_ORIGINS, MOST_NUMBERS // width, MOST_PRODUCTS / (width * own * table.horizon)
        )
        rows = origins[:: max(1, len(origins) // int(max(most, 8 * (width + own))))]
        self._rows = _whole(table, rows)
        self._shared, self._own = (
            torch.empty(len(self._rows), n, dtype=torch.float32) for n in (width, own)
        )
        for some, part in zip(_blocks(self._rows), _blocks(self._shared), strict=True):
            part[:] = torch.from_numpy(np.concatenate([lags(table, some), recent(table, some)], -1))
        self.mean = _mean(self._shared)
        squares = torch.zeros(width, width, dtype=torch.float64)
        for part in _blocks(self._shared):
            centred = part.double() - self.mean
            squares.addmm_(centred.T, centred)
        self.covariance = squares / len(self._rows)

    def of_steps(self) -> Iterator[tuple[Tensor, Tensor, Tensor]]:
        """For step 1, 2, …: covariances `[W, V]` and `[V, V]` of its own columns, the target last,
        with the shared ones and with each other, and their means `[V]`.
        """
        for step in range(1, self._table.horizon + 1):
            for some, part in zip(_blocks(self._rows), _blocks(self._own), strict=True):
                self._write_own(part, some, step)
            mean = _mean(self._own)
            cross = torch.zeros(len(self.mean), len(mean), dtype=torch.float64)
            among = torch.zeros(len(mean), len(mean), dtype=torch.float64)
            for shared, own in zip(_blocks(self._shared), _blocks(self._own), strict=True):
                centred = own.double() - mean
                cross.addmm_((shared.double() - self.mean).T, centred)
                among.addmm_(centred.T, centred)
            yield cross / len(self._rows), among / len(self._rows), mean

    def by_kind(self, shared: Tensor, own: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        """Weights `[S, W]` and `[S, V]` as those of lags, past covariates and features."""
        lookback = self._table.lookback
        return shared[:, :lookback], shared[:, lookback:], own

    def _write_own(self, own: Tensor, origins: Rows, step: int) -> None:
        """Features of the step and the target to `[M, V]`."""
        features = future_features(self._table, origins, np.array([step]))[:, 0]
        target = self._table.changes(origins, np.array([step]), told=False)
        own[:, :-1], own[:, -1] = torch.from_numpy(features), torch.from_numpy(target[:, 0])


def _whole(table: Table, rows: Rows) -> Rows:
    """The origins whose horizon lacks nothing, if they are a quarter or more; else all."""
    lacking = table.lacking
    if lacking is None:
        return rows
    steps = np.arange(1, table.horizon + 1)
    whole = [~lacking[some[:, None] + steps].any(1) for some in _blocks(rows)]
    kept = rows[np.concatenate(whole)]
    return kept if 4 * len(kept) >= len(rows) else rows


def _mean(columns: Tensor) -> Tensor:
    """Of columns `[M, W]`, in double precision."""
    sums = [part.sum(0, dtype=torch.float64) for part in _blocks(columns)]
    return torch.stack(sums).sum(0) / len(columns)


def _blocks(rows: Sliced) -> list[Sliced]:
    """Views of so many rows at a time that what is made of them takes little memory."""
    return [rows[i : i + _AT_ONCE] for i in range(0, len(rows), _AT_ONCE)]
