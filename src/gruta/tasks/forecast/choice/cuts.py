"""Where candidates are compared: rolling origins at the end of what training sees."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from gruta.codec.series.series import Rows, Series
from gruta.tasks.forecast.backtest import cuts_of
from gruta.tasks.forecast.scores import Values, quantile_losses
from gruta.tasks.forecast.settings import ForecastSettings
from gruta.tasks.forecast.split import steps_before

CUTS = 2
"""Each candidate is fitted so often, on what lies before a cut, and forecasts what follows it."""

TESTED = 0.2
"""Share of what training sees that the cuts divide."""

ORIGINS = 256
"""About so many origins are forecast from."""


@dataclass(frozen=True, eq=False)
class Cut:
    """What begins at a stamp, forecast from rows `origins [M]`; settings end all that is learned
    from before it.
    """

    settings: ForecastSettings
    origins: Rows


@dataclass(frozen=True, eq=False)
class Cuts:
    """Rolling origins over the end of `series`, in which there is no row of the test.

    units `[S]`: of the errors of each series, the deviation of its target.
    """

    series: Series
    every: Sequence[Cut]
    units: Values
    overlap: int

    @classmethod
    def of(cls, seen: Series, settings: ForecastSettings) -> "Cuts":
        """InputError where the series are too short for them."""
        held_out = {"test_from": "", "validation_from": "", "test_share": TESTED}
        quiet = {"auto": 0.0, "tracker": "none", "watch_every": 0}
        lone = settings.one("direct", settings.seed)  # whatever is trained with what is found
        own, seen = lone.model_copy(update=held_out | quiet), seen.nonempty()
        parts = cuts_of(seen, own, CUTS)
        runs = [_runs(seen, stamp, end, own.horizon) for stamp, end in parts]
        count = sum(int((last - first).clip(0).sum()) for first, last in runs)
        stride = max(1, count // ORIGINS)
        cuts = []
        for (stamp, _end), run in zip(parts, runs, strict=True):
            origins = [np.arange(a, b, stride) for a, b in zip(*run, strict=True)]
            cuts.append(
                Cut(own.model_copy(update={"test_from": str(stamp)}), np.concatenate(origins))
            )
        return cls(seen, cuts, _units(seen), -(-own.horizon // stride))

    def missed(self, cut: Cut, quantiles: Values) -> Values:
        """`[M]`: the CRPS of quantiles `[M, K, Q]` after the origins of a cut, in the unit of each
        series; NaN where nothing is there to compare with.
        """
        steps = np.arange(1, quantiles.shape[1] + 1)
        truth = self.series.target[cut.origins[:, None] + steps].astype(np.float64)
        losses = quantile_losses(truth, quantiles, cut.settings.quantiles).mean(-1)
        scaled = 2 * losses / self.units[self.series.of(cut.origins)][:, None]
        there = ~np.isnan(scaled)
        found: Values = np.full(len(scaled), np.nan)
        total = np.where(there, scaled, 0.0).sum(1)
        np.divide(total, there.sum(1), out=found, where=there.any(1))
        return found


def _runs(
    seen: Series, stamp: np.datetime64, end: np.datetime64 | None, horizon: int
) -> tuple[Rows, Rows]:
    """`[S]`: the first row to forecast from whose first step is at the stamp or later, and that
    after the last whose first step lies before the end.
    """
    firsts, lasts = seen.starts[:-1], seen.ends - horizon
    before = np.maximum(steps_before(seen, stamp), 1)
    if end is not None:
        lasts = np.minimum(lasts, firsts + steps_before(seen, end) - 1)
    return firsts + before - 1, lasts


def _units(seen: Series) -> Values:
    """The deviation of each series' target; 1 where it does not vary."""
    found = np.ones(seen.count)
    for i in range(seen.count):
        own = seen.target[seen.starts[i] : seen.ends[i]]
        own = own[~np.isnan(own)].astype(np.float64)
        if len(own) and own.std() > 0:
            found[i] = own.std()
    return found
