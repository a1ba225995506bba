"""Outliers from the file to the forecast: told, and read as the run's policy has it."""

import numpy as np
import polars as pl
import pytest

from gruta.errors import InputError
from gruta.tasks.forecast import Forecaster
from gruta.tasks.forecast.conftest import SMALL
from gruta.tasks.forecast.source import series_for

TRAINED, TESTED, NEWEST = 300, 400, 419
"""Rows of the training part, of the test, and of the file's end."""


def with_value(frame, value, *rows):
    spoilt = pl.Series(np.isin(np.arange(len(frame)), rows))
    return frame.with_columns(y=pl.when(spoilt).then(pl.lit(value, pl.Float64)).otherwise("y"))


def trained(frame, **settings):
    return Forecaster(**SMALL | {"known": ()} | settings).fit(frame)


@pytest.fixture(scope="module")
def spoilt(frame):
    return with_value(frame, 1e3, TRAINED)


@pytest.mark.parametrize("policy", ["flag", "mask", "clip"])
def test_where_outliers_are_is_told_and_a_run_keeps_its_policy(spoilt, tmp_path, policy):
    trained(spoilt, outliers=policy, steps=2).save(tmp_path / "run")
    again = Forecaster.load(tmp_path / "run")
    longer = with_value(spoilt, -1e3, TESTED)
    (found,) = series_for(again.trained_, longer).repairs
    assert (found.count, found.kind) == (2, "values of y unlike all before them")
    assert found.places == ("2024-01-13 12:00", "2024-01-17 16:00")
    assert {"flag": "left as", "mask": "around", "clip": "edge"}[policy] in found.done


def test_masked_ones_are_to_a_forecast_as_if_they_were_missing(spoilt):
    forecaster = trained(spoilt, outliers="mask")
    missing = trained(with_value(spoilt, None, TRAINED), outliers="mask")
    again, holed = with_value(spoilt, -1e3, 415), with_value(spoilt, None, 415)
    same = forecaster.predict(holed)
    assert forecaster.predict(again).equals(same)
    np.testing.assert_allclose(missing.predict(holed)["forecast"], same["forecast"], rtol=1e-5)
    newest = forecaster.predict(with_value(spoilt, 1e3, NEWEST))
    assert newest["ds"].equals(same["ds"])
    assert newest["forecast"].is_between(10, 30).all()


def test_a_score_is_against_what_came_and_the_simple_forecasts_read_what_the_network_does(spoilt):
    longer = with_value(spoilt, 1e3, TESTED)
    found = trained(spoilt, outliers="mask", steps=2).evaluate(longer)
    assert found.truth.max() == 1e3
    assert max(values.max() for values in found.baselines.values()) < 50


def test_what_lies_behind_the_training_part_has_no_say(spoilt, tmp_path):
    held = np.arange(340, 420)
    wild = with_value(spoilt, None, *held).with_columns(
        y=pl.when(pl.int_range(420) >= 340).then(pl.int_range(420) ** 3.0).otherwise("y")
    )
    one, other = (trained(f, outliers="mask", steps=2) for f in (spoilt, wild))
    limits = [f.trained_.codec.encoding.outliers.limits.tolist() for f in (one, other)]
    assert limits[0] == limits[1]
    assert one.trained_.codec.encoding.target.scale == other.trained_.codec.encoding.target.scale


def test_a_carried_state_takes_clipped_ones_but_no_masked_ones(spoilt):
    assert trained(spoilt, outliers="clip", tbptt=24, steps=2).predict(spoilt).height == 3
    with pytest.raises(InputError, match="needs one series without gaps"):
        trained(spoilt, outliers="mask", tbptt=24, steps=2)
