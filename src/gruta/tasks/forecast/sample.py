"""The columns of the linear models at a sample of origins, where there are gaps or very many rows.

Letters in shapes: M origins, W columns that all steps share, V columns of one step.
"""

from collections.abc import Iterator

import numpy as np
import torch
from torch import Tensor

from gruta.codec.series.features import Rows, Table, Values, future_features, lags, recent
from gruta.tasks.forecast.split import Origins

MOST_ORIGINS = 2**17
MOST_NUMBERS = 2**24
MOST_PRODUCTS = 2e11
"""Origins, numbers of their shared columns, and products of all steps: a sample has no more."""

_AT_ONCE = 4096


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
        shared = [torch.from_numpy(_shared(table, some)) for some in _blocks(self._rows)]
        self._shared = torch.cat(shared)
        self.mean = self._shared.double().mean(0)
        squares = torch.zeros(width, width, dtype=torch.float64)
        for some in torch.split(self._shared, _AT_ONCE):
            centred = some.double() - self.mean
            squares.addmm_(centred.T, centred)
        self.covariance = squares / len(self._rows)

    def of_steps(self) -> Iterator[tuple[Tensor, Tensor, Tensor]]:
        """For step 1, 2, …: covariances `[W, V]` and `[V, V]` of its own columns, the target last,
        with the shared ones and with each other, and their means `[V]`.
        """
        for step in range(1, self._table.horizon + 1):
            own = torch.cat([self._own(some, step) for some in _blocks(self._rows)])
            mean = own.double().mean(0)
            cross = torch.zeros(len(self.mean), len(mean), dtype=torch.float64)
            among = torch.zeros(len(mean), len(mean), dtype=torch.float64)
            pairs = zip(
                torch.split(self._shared, _AT_ONCE), torch.split(own, _AT_ONCE), strict=True
            )
            for shared, columns in pairs:
                centred = columns.double() - mean
                cross.addmm_((shared.double() - self.mean).T, centred)
                among.addmm_(centred.T, centred)
            yield cross / len(own), among / len(own), mean

    def by_kind(self, shared: Tensor, own: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        """Weights `[S, W]` and `[S, V]` as those of lags, past covariates and features."""
        lookback = self._table.lookback
        return shared[:, :lookback], shared[:, lookback:], own

    def _own(self, origins: Rows, step: int) -> Tensor:
        """Features of the step and the target, `[M, V]`."""
        features = future_features(self._table, origins, np.array([step]))[:, 0]
        target = self._table.changes(origins, np.array([step]), told=False)
        return torch.from_numpy(np.column_stack([features, target]))


def _whole(table: Table, rows: Rows) -> Rows:
    """The origins whose horizon lacks nothing, if they are a quarter or more; else all."""
    lacking = table.lacking
    if lacking is None:
        return rows
    steps = np.arange(1, table.horizon + 1)
    whole = [~lacking[some[:, None] + steps].any(1) for some in _blocks(rows)]
    kept = rows[np.concatenate(whole)]
    return kept if 4 * len(kept) >= len(rows) else rows


def _shared(table: Table, origins: Rows) -> Values:
    return np.concatenate([lags(table, origins), recent(table, origins)], -1)


def _blocks(rows: Rows) -> list[Rows]:
    return [rows[i : i + _AT_ONCE] for i in range(0, len(rows), _AT_ONCE)]
