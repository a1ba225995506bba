"""The columns of the linear models as signals along the series, and their second moments.

Letters in shapes: S penalties, M origins, W columns that all steps share, V columns of one step.
"""

from collections.abc import Iterator

import numpy as np
import torch
from torch import Tensor
from torch.nn.functional import pad

from gruta.codec.series.features import Table
from gruta.tasks.forecast.moments import History, Moving, slide, standing

LONGEST_SLIDE = 256
"""After so many steps the moments are formed anew: as many lags more are kept for them."""


class Columns:
    """Means and covariances over origins `[M]`, which increase.

    All steps share the lags, the value and the covariates at the origin, and the past covariates. A
    step's own are the covariates then, the calendar, what there is a season before, and the target.
    mean `[W]`, covariance `[W, W]`: of the shared columns.
    """

    def __init__(self, table: Table, origins: Tensor) -> None:
        self._table = table
        # Row 0 of the table is row `_before` of a signal, so that those reach beyond both ends.
        self._before = table.lookback + max(table.lookback, LONGEST_SLIDE)
        self._origins = origins + self._before
        y = torch.from_numpy(table.y).double().nan_to_num()[:, None]
        centre = y[origins].mean()
        y -= centre
        # Lags are sums of changes, which lose nothing to rounding where a series hardly moves.
        self._change, self._y = self._signal(y.diff(dim=0, prepend=y[:1])), self._signal(y)
        self._known = self._signal(torch.from_numpy(table.known).double())
        recent = self._signal(torch.from_numpy(table.past).double().nan_to_num())
        histories = (
            History(self._change, table.lookback - 1),
            History(self._y, 1),
            History(self._known, 1),
            History(recent, table.past_lags),
        )
        self._histories = [h for h in histories if h.width]
        self._now = table.lookback - 1
        sums, products = standing(self._histories, self._origins)
        self._sums, self._products = self._as_lags(sums), self._as_lags(self._as_lags(products).T)
        mean = self._sums / len(origins)
        self.covariance = self._products / len(origins) - torch.outer(mean, mean)
        self.mean = mean.clone()
        self.mean[self._now] += centre

    def of_steps(self) -> Iterator[tuple[Tensor, Tensor, Tensor]]:
        """For step 1, 2, …: covariances `[W, V]` and `[V, V]` of its own columns, the target last,
        with the shared ones and with each other, and their means `[V]`.
        """
        less, products, count = self._less_now(), self._products, len(self._origins)
        for raw, gram in self._moments():
            cross = self._as_lags(raw)
            of_now = torch.outer(less, cross[self._now])
            gram = (
                gram - of_now - of_now.T + products[self._now, self._now] * torch.outer(less, less)
            )
            cross = cross - torch.outer(products[:, self._now], less)
            mean = gram[0, 1:] / count
            yield (
                cross[:, 1:] / count - torch.outer(self._sums / count, mean),
                gram[1:, 1:] / count - torch.outer(mean, mean),
                mean,
            )

    def by_kind(self, shared: Tensor, own: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        """Weights `[S, W]` and `[S, V]` as those of lags, past covariates and features of the step,
        in the orders of `features.py`.
        """
        table = self._table
        known, days, past = table.known.shape[1], table.calendar.shape[1], table.recent_width
        lagged, now, known_now, recent = torch.split(shared, [self._now, 1, known, past], 1)
        seasons = own.shape[1] - known - days
        then, calendar, before = torch.split(own, [known, days, seasons], 1)
        return pad(lagged, (0, 1)), recent, torch.cat([then, known_now, calendar, now, before], 1)

    def _moments(self) -> Iterator[tuple[Tensor, Tensor]]:
        """The sums over products of a step's own columns, before a column of ones, step by step."""
        table, first = self._table, 1
        while first <= table.horizon:
            # Up to where a season turns over, all columns lie a step further each.
            turns = [season - (first - 1) % season for season in table.seasons]
            steps = min([*turns, LONGEST_SLIDE, table.horizon + 1 - first])
            yield from slide(self._histories, self._own(first), self._origins, steps)
            first += steps

    def _own(self, step: int) -> list[Moving]:
        rows = np.arange(len(self._table.y))
        calendar = torch.from_numpy(self._table.calendar.take(rows, 0))
        own = [
            Moving(torch.ones_like(self._y), 0),
            Moving(self._known, step),
            Moving(calendar, step - self._before),
        ]
        for season in self._table.seasons:
            then = step - season * ((step - 1) // season + 1)
            own += [Moving(self._y, then), Moving(self._change, then)]
            own += [Moving(self._change, then - 1), Moving(self._known, then)]
        return [*own, Moving(self._y, step)]

    def _less_now(self) -> Tensor:
        """1 for the columns that are changes from the value now: the seasons' and the target."""
        known, days = self._table.known.shape[1], self._table.calendar.shape[1]
        season = [1, 0, 0, *[0] * known]
        columns = [0, *[0] * (known + days), *season * len(self._table.seasons), 1]
        return self._y.new_tensor(columns)

    def _as_lags(self, sums: Tensor) -> Tensor:
        """The same sums with lags in the place of changes, which are the first rows."""
        lagged = -sums[: self._now].flip(0).cumsum(0).flip(0)
        return torch.cat([lagged, sums[self._now :]])

    def _signal(self, rows: Tensor) -> Tensor:
        return pad(rows, (0, 0, self._before, self._table.lookback))
