"""The linear model beside the network, solved in closed form; torch computes, on its threads.

The lags are the same for every step of the horizon, so they are decomposed once (`ridge.py`), and
the second moments of a step come from those of the step before (`moments.py`).

Letters in shapes: S penalties, M origins, the others as in `features.py`.
"""

import time
from collections.abc import Callable, Iterator, Sequence
from typing import NamedTuple

import numpy as np
import torch
from torch import Tensor

from gruta.codec.series.features import Rows, Table, future_features, lags, recent
from gruta.codec.series.linear import LinearModel
from gruta.errors import InputError
from gruta.locale import translate as _
from gruta.locale.numbers import number
from gruta.tasks.forecast.columns import Columns
from gruta.tasks.forecast.ridge import MOST_DECOMPOSED, Ridge
from gruta.tasks.forecast.sample import SomeColumns
from gruta.tasks.forecast.split import Origins, Split

PENALTIES = (1e-8, 1e-6, 1e-4, 1e-2, 1e-1, 1e0, 1e1, 1e2, 1e3)

FEW_PENALTIES = (1e-6, 1e-2, 1e0)
"""Where there are very many lags: each penalty takes a factor of their moments."""

MOST_WEIGHTS = 2**21
"""So many weights, of all penalties together, are held until one penalty is chosen for them."""

MOST_ROWS = 2**20
"""Of longer tables, as of those with gaps or differences, a sample of origins makes the moments."""

QUIET_SECONDS = 5.0
"""A solution that takes longer says every so often how long it still will."""

Note = Callable[[str], None]


def solve(table: Table, split: Split, ridge: float, note: Note | None = None) -> LinearModel:
    """Ridge regression on standardised columns over the training origins, which increase.

    ridge: the penalty, relative to the number of rows; 0 takes the one of `PENALTIES` with the
    lowest mean absolute error in the validation part; where that is short, earlier cuts have a say,
    and a larger penalty is taken where it is as good. The model's error is that of the training
    part. Memory grows with the columns, but neither with the rows nor with the horizon.
    note: is told how long it will take, where that is long.
    """
    return _chosen(table, split, ridge, note)[0]


def solve_twice(
    table: Table, split: Split, ridge: float, note: Note | None = None
) -> tuple[LinearModel, LinearModel]:
    """The same, and with the penalties that were chosen what is solved on the origins of the
    validation part too, whose error stays that of the first.
    """
    first, penalties = _chosen(table, split, ridge, note)
    return first, _again(table, split.every, penalties, first, note)


@torch.no_grad()
def _chosen(
    table: Table, split: Split, ridge: float, note: Note | None
) -> tuple[LinearModel, list[float]]:
    """The model, and the penalty of each step."""
    many = table.lookback > MOST_DECOMPOSED
    penalties = (ridge,) if ridge else FEW_PENALTIES if many else PENALTIES
    if many and note:
        text = _("linear path: {lags} lags may take minutes, a shorter lookback less")
        note(text.format(lags=number(table.lookback)))
    cuts = [(split.train, split.validation)] if ridge or many else split.cuts(table.horizon)
    at_once = max(1, MOST_WEIGHTS // (len(penalties) * (table.lookback + table.past_width)))
    remaining = _Remaining(table.horizon, note)
    found: list[tuple[Tensor, ...]] = []
    waiting: list[tuple[_Weights, ...]] = []
    chosen: list[float] = []
    solutions = [_solutions(table, learned, penalties) for learned, _behind in cuts]
    for step, weights in enumerate(zip(*solutions, strict=True), 1):
        waiting.append(weights)
        if len(waiting) == at_once or step == table.horizon:
            steps = np.arange(step - len(waiting) + 1, step + 1)
            of_cuts = [_Weights.stacked(own) for own in zip(*waiting, strict=True)]
            behind = [origins for _learned, origins in cuts]
            place = _best(table, behind, steps, of_cuts)
            best = of_cuts[-1].of(place)
            chosen += [penalties[place]] * len(steps)
            error = _error(table, split.train, steps, best)[0].clamp_min(1e-4)
            found.append((*(part[0] for part in best), error))
            waiting = []
        remaining.after(step)
    return _model(found), chosen


@torch.no_grad()
def _again(
    table: Table,
    origins: Origins,
    penalties: Sequence[float],
    first: LinearModel,
    note: Note | None,
) -> LinearModel:
    """Solved on these origins, each step with its own penalty; the first where rounding leaves
    nothing to solve.
    """
    some, remaining = sorted(set(penalties)), _Remaining(table.horizon, note)
    found: list[tuple[Tensor, ...]] = []
    for step, weights in enumerate(_solutions(table, origins, some)):
        own = weights.of(some.index(penalties[step]))
        found.append((*own, torch.from_numpy(first.error[step : step + 1])))
        remaining.after(step + 1)
    solved = all(bool(part.isfinite().all()) for parts in found for part in parts)
    return _model(found) if solved else first


def _model(steps: Sequence[tuple[Tensor, ...]]) -> LinearModel:
    return LinearModel(*(torch.cat(parts).float().numpy() for parts in zip(*steps, strict=True)))


class _Weights(NamedTuple):
    """Weights on lags `[S, L]`, past `[S, R]` and step `[S, F]`, bias `[S]`; or of K steps each."""

    on_lags: Tensor
    on_recent: Tensor
    on_future: Tensor
    bias: Tensor

    @classmethod
    def stacked(cls, weights: Sequence["_Weights"]) -> "_Weights":
        """Those of K steps from those of each."""
        return cls(*(torch.stack(parts, 1) for parts in zip(*weights, strict=True)))

    def of(self, penalty: int) -> "_Weights":
        """Those of one penalty."""
        return _Weights(*(part[penalty : penalty + 1] for part in self))


def _best(table: Table, behind: Sequence[Origins], steps: Rows, of_cuts: Sequence[_Weights]) -> int:
    """Which penalty's models `[S, K, …]`, those of each cut after the origins behind it, forecast
    best over all of these; of several cuts the largest penalty that is as good but for chance.

    A cut's errors count by their ratios, so that years of great errors decide no more than others.
    As good: not worse than the best by more than half a standard error over the cuts, compare the
    rule of one standard error (Breiman et al. 1984).
    """
    every = zip(behind, of_cuts, strict=True)
    errors = torch.stack([_error(table, rows, steps, own).mean(1) for rows, own in every]).log()
    means = errors.nan_to_num(torch.inf, torch.inf).mean(0)
    best = int(means.argmin())
    if len(errors) > 1 and means[best] < torch.inf:
        above = errors - errors[:, best : best + 1]
        chance = above.std(0) / len(errors) ** 0.5
        best = int((above.mean(0) <= chance / 2).nonzero().max())
    if not means[best] < torch.inf:
        raise InputError(
            ridge=_(
                "too small for these columns, which are nearly the same; give a larger one, or 0"
            )
        )
    return best


def _error(table: Table, origins: Origins, steps: Rows, models: _Weights) -> Tensor:
    """`[S, K]`: the mean absolute error of models over about a thousand of these origins."""
    rows = origins[:: max(1, len(origins) // 1024)]
    on_past = torch.cat([models.on_lags, models.on_recent], -1)
    missed, counts = torch.zeros_like(models.bias), torch.zeros_like(models.bias)
    for start in range(0, len(rows), 64):
        some = rows[start : start + 64]
        past = np.concatenate([lags(table, some), recent(table, some)], -1)
        base = torch.from_numpy(past).double() @ on_past.flatten(0, 1).T
        base = base.view(-1, *models.bias.shape) + models.bias  # [M, S, K]
        for first in range(0, len(steps), 16):
            k = slice(first, first + 16)
            future = torch.from_numpy(future_features(table, some, steps[k])).double()
            target = torch.from_numpy(table.changes(some, steps[k]))
            by_step = future.transpose(0, 1) @ models.on_future[:, k].permute(1, 2, 0)
            found = base[..., k] + by_step.permute(1, 2, 0)
            there = ~target.isnan()
            missed[:, k] += ((target.nan_to_num()[:, None] - found).abs() * there[:, None]).sum(0)
            counts[:, k] += there.sum(0)
    return missed / counts.clamp_min(1)


def _solutions(table: Table, origins: Origins, penalties: Sequence[float]) -> Iterator[_Weights]:
    """The models of step 1, 2, … of the horizon, for each of the penalties."""
    columns: Columns | SomeColumns
    if table.absent is None and table.level is None and len(table.y) <= MOST_ROWS:
        columns = Columns(table, torch.from_numpy(origins[:]))
    else:
        columns = SomeColumns(table, origins)
    ridge = Ridge(columns.covariance, penalties)
    for cross, own, mean in columns.of_steps():
        shared, moving = ridge(cross, own)
        bias = mean[-1] - shared @ columns.mean - moving @ mean[:-1]
        yield _Weights(*columns.by_kind(shared, moving), bias)


class _Remaining:
    """Says how long a long solution will still take."""

    def __init__(self, steps: int, note: Note | None) -> None:
        self._steps, self._note = steps, note
        self._start = self._told = time.perf_counter()

    def after(self, step: int) -> None:
        """A line, where the last one is some time ago and there is much left."""
        now = time.perf_counter()
        left = (now - self._start) / step * (self._steps - step)
        if self._note is None or now - self._told < QUIET_SECONDS or left < QUIET_SECONDS:
            return
        self._told = now
        self._note(
            _("linear path: step {step} of {steps}, about {seconds} s to go").format(
                step=number(step), steps=number(self._steps), seconds=number(left, 0)
            )
        )
