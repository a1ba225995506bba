"""Forecasts as a table: a row for each value, under names that nothing else has."""

import numpy as np
import polars as pl
import pytest

from gruta.codec.series.series import Columns
from gruta.tasks.forecast import Forecaster
from gruta.tasks.forecast.conftest import SMALL
from gruta.tasks.forecast.records import own_names


def test_every_forecast_stands_beside_what_came(frame, fitted):
    found = fitted.evaluate(frame, stride=3)
    table = found.frame()
    assert table.columns == [
        "origin", "ds", "step", "y", "forecast", "q10", "q50", "q90",
        "naive", "drift", "seasonal naive 24", "linear",
    ]  # fmt: skip
    assert table["step"].to_list() == [1, 2, 3] * len(found.origins)
    then = frame.select("ds", came="y", at=pl.col("ds").shift(1))
    joined = table.join(then, on="ds")
    assert joined["came"].to_list() == table["y"].to_list()
    first = joined.filter(step=1)
    assert first["at"].to_list() == first["origin"].to_list()
    np.testing.assert_array_equal(table["forecast"], found.median.ravel())
    missed = (table["forecast"] - table["y"]).abs().mean()
    assert missed == pytest.approx(found.scores[0].mae, rel=1e-12)
    assert not found.renamed


def test_columns_of_the_data_keep_their_names(frame):
    names = {"ds": "forecast", "y": "origin", "plan": "q10", "wind": "step"}
    settings = {"time": "forecast", "target": "origin", "known": "q10", "past": "step"}
    data = frame.rename(names)
    forecaster = Forecaster(**SMALL | settings).fit(data)
    found = forecaster.evaluate(data)
    ours = {"origin", "step", "forecast", "q10"}
    assert found.renamed == {name: f"{name}_gruta" for name in ours}
    table = found.frame()
    assert table["forecast"].dtype == pl.Datetime("us")
    assert table["origin"].to_list() == found.truth.ravel().tolist()
    rest = pl.col("origin").is_null()
    coming = data.with_columns(
        origin=pl.when(pl.int_range(pl.len()) < len(data) - 3).then("origin")
    )
    assert coming.filter(rest).height == 3
    asked = forecaster.predict(coming)
    assert asked.columns == ["forecast", "forecast_gruta", "q10_gruta", "q50", "q90"]
    assert asked["forecast"].to_list() == data["forecast"].to_list()[-3:]


def test_a_name_is_free_however_often_it_was_taken():
    columns = Columns("", "a", known=("a_gruta",))
    assert own_names(["a", "", "b"], columns) == {"a": "a_gruta_gruta", "": "_gruta", "b": "b"}


def test_rows_of_several_series_name_theirs(frame):
    two = pl.concat([frame.with_columns(unique_id=pl.lit(name)) for name in "ab"])
    found = Forecaster(**SMALL | {"series": "unique_id"}).fit(two).evaluate(two, stride=3)
    table = found.frame()
    assert table.columns[:2] == ["unique_id", "origin"]
    assert table["unique_id"].unique(maintain_order=True).to_list() == ["a", "b"]
    assert table.filter(unique_id="a")["ds"].equals(table.filter(unique_id="b")["ds"])
