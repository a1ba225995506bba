import numpy as np
import polars as pl
import pytest

from gruta.errors import InputError
from gruta.tasks.forecast import Forecaster
from gruta.tasks.forecast.conftest import ROWS, SMALL, hourly

END = ROWS - 3
"""The first row to come."""


def coming(plan, rows=3):
    """A file whose last rows are to come, with this plan for them."""
    frame = hourly()[: END + rows]
    later = pl.int_range(pl.len()) >= END
    y, wind = (pl.when(~later).then(pl.col(name)).alias(name) for name in ("y", "wind"))
    own = pl.Series("plan", [*frame["plan"][:END], *plan], pl.Float64)
    return frame.with_columns(y, wind, own)


def test_steps_to_come_without_their_known_values_are_refused(fitted):
    where = r"column 'plan': expected a value for each of the 3 steps to come, .* none at "
    for plan, rows, first in (([0, None, None], 3, 10), ([], 0, 9), ([1, 0], 2, 11)):
        place = rf"2024-01-18 {first:02}:00 \({12 - first} in all\).*missing_known: hold or season"
        with pytest.raises(InputError, match=where + place):
            fitted.predict(coming(plan, rows))
        with pytest.raises(InputError, match=where + place):
            fitted.explain(coming(plan, rows))


def test_known_values_that_lack_are_held_or_taken_from_a_season_before(fitted):
    assert fitted.trained_.codec.encoding.seasons[0] == 24
    before = list(hourly()["plan"][END - 24 : END - 21])
    assert before[1:] != [1, 1]
    for policy, plan in (("hold", [1, 1, 1]), ("season", [1, *before[1:]])):
        for lacking, rows in (([1, None, None], 3), ([1], 1)):
            found = fitted.predict(coming(lacking, rows), missing_known=policy)
            assert found.equals(fitted.predict(coming(plan)))
    told = fitted.explain(coming([1], 1), missing_known="season").forecast
    np.testing.assert_allclose(told, found["forecast"], rtol=1e-6)


def test_the_policy_of_a_run_counts_where_none_is_given():
    forecaster = Forecaster(**SMALL, missing_known="hold").fit(hourly())
    expected = forecaster.predict(coming([1, 1, 1]))
    assert forecaster.predict(coming([1, None, None])).equals(expected)
    with pytest.raises(InputError, match="missing_known: hold or season"):
        forecaster.predict(coming([1, None, None]), missing_known="error")


def test_a_season_is_not_made_up():
    rows = hourly(60).with_columns(ds=pl.int_range(60))
    forecaster = Forecaster(known=("plan",), horizon=1, lookback=4, hidden=2, steps=1).fit(rows)
    with pytest.raises(InputError, match="missing_known: 'season' needs one"):
        forecaster.predict(rows, missing_known="season")
