"""What the linear path says of training rows that it was not solved on.

On a short series it fits the rows that it was solved on far better than those to come: a year ahead
on a few hundred months its errors there are half as large. A network that learned to correct those
would learn of noise, and intervals made from them would be too narrow.
"""

from dataclasses import replace

import numpy as np

from gruta.codec.series.features import Rows, Table, Values, future_features, lags, recent
from gruta.tasks.forecast.linear import solve
from gruta.tasks.forecast.split import Origins, Split

FOLDS = 5
FEWEST_ROWS = 10

ROWS_PER_COLUMN, MOST_ROWS = 50, 2**12
"""With more rows a linear path misses the others by as much, within a few per cent."""


def unlearned(table: Table, split: Split, ridge: float) -> Values | None:
    """`[N, K]`: after each training origin, the change that a linear path forecasts which was
    solved without the fifth of the training part about it; NaN after other rows.

    None where that would be much the same, or where there are too few rows to leave some out.
    """
    count, K = len(split.train), table.horizon
    columns = table.lookback + table.recent_width + table.future_width
    if count > min(MOST_ROWS, ROWS_PER_COLUMN * columns) or count < FOLDS:
        return None
    rows = split.train[:]
    found: Values = np.full((len(table.y), K), np.nan, np.float32)
    for held in np.array_split(rows, FOLDS):
        others = rows[(rows <= held[0] - K) | (rows >= held[-1] + K)]  # what they forecast is apart
        if len(others) < FEWEST_ROWS:
            return None
        model = solve(table, replace(split, train=_in_runs(others)), ridge)
        future = future_features(table, held, np.arange(1, K + 1))
        found[held] = model(lags(table, held), recent(table, held), future)
    return found


def _in_runs(rows: Rows) -> Origins:
    ends = np.flatnonzero(np.diff(rows, append=rows[-1] + 2) > 1)
    begins = np.concatenate([[0], ends[:-1] + 1])
    return Origins(rows[begins], rows[ends] + 1)
