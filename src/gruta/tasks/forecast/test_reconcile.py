"""Series that sum up to others: read, forecast, reconciled."""

import datetime as dt
import sys
from dataclasses import replace

import numpy as np
import polars as pl
import pytest
from hierarchicalforecast.methods import BottomUp, MinTrace

from gruta.codec.series.hierarchy import Hierarchy
from gruta.codec.series.series import Columns
from gruta.data.series import read_series
from gruta.errors import InputError
from gruta.runs import CHECKPOINT, Run, read_arrays
from gruta.tasks.forecast import Forecaster
from gruta.tasks.forecast.by_level import levels_of
from gruta.tasks.forecast.coming import with_rows_to_come
from gruta.tasks.forecast.evaluation import evaluate
from gruta.tasks.forecast.forecasts import unreconciled

SMALL = {
    "hidden": 4, "steps": 6, "batch_size": 8, "validate_every": 3, "horizon": 3, "lookback": 7,
    "series": "shop", "parent": ("city", "country"),
}  # fmt: skip
CITIES = {"a": "Rio", "b": "Rio", "c": "Recife", "d": "Recife", "e": "Recife"}


def sales(rows=120, late=0):
    """Five shops in two cities of a country; `a` begins so many days late."""
    draw, parts = np.random.default_rng(0), []
    mood = draw.normal(size=rows).cumsum()
    for i, (shop, city) in enumerate(CITIES.items()):
        day = np.arange(rows)
        y = 40 + 10 * i + 3 * np.sin(2 * np.pi * day / 7) + mood + draw.normal(size=rows)
        stamps = [dt.date(2024, 1, 1) + dt.timedelta(days=int(d)) for d in day]
        names = {"shop": [shop] * rows, "city": [city] * rows, "country": ["Brazil"] * rows}
        frame = pl.DataFrame(names | {"ds": stamps, "y": y.round(3)})
        parts.append(frame[late:] if shop == "a" else frame)
    return pl.concat(parts)


@pytest.fixture(scope="module")
def fitted():
    return Forecaster(**SMALL).fit(sales())


def require_coherent(found, columns):
    wide = {name: found.filter(pl.col("shop") == name) for name in found["shop"].unique()}
    for column in columns:
        rio = wide["a"][column] + wide["b"][column]
        total = sum(wide[shop][column] for shop in CITIES)
        np.testing.assert_allclose(wide["Rio"][column], rio, rtol=1e-12)
        np.testing.assert_allclose(wide["Brazil"][column], total, rtol=1e-12)
        assert np.abs(wide["Brazil"][column] - total).max() < 1e-9


def read(frame, parent=("city", "country")):
    return read_series(frame, Columns(series="shop", parent=parent))


def test_sums_that_the_file_lacks_are_built():
    series = read(sales(late=20))
    assert series.ids == ("a", "b", "c", "d", "e", "Rio", "Recife", "Brazil")
    assert series.parents == ("Rio", "Rio", *["Recife"] * 3, "Brazil", "Brazil", "")
    a, b, rio = (series.one(i).target for i in (0, 1, 5))
    np.testing.assert_array_equal(rio, b + np.r_[np.zeros(20), a])


def test_a_parent_that_is_there_is_checked_and_told():
    frame = sales()
    rio = frame.filter(city="Rio").group_by("ds").agg(pl.col("y").sum()).sort("ds")
    own = rio.select(shop=pl.lit("Rio"), city=pl.lit("Brazil"), country=None, ds="ds", y="y")
    whole = pl.concat([frame, own.with_columns(country=pl.lit(None, pl.String))])
    series = read(whole)
    assert sorted(series.ids) == sorted([*CITIES, "Rio", "Recife", "Brazil"])
    assert not series.repairs
    wrong = whole.with_columns(
        y=pl.when((pl.col("shop") == "Rio") & (pl.col("ds") == dt.date(2024, 1, 5)))
        .then(pl.col("y") + 5)
        .otherwise("y")
    )
    (told,) = read(wrong).repairs
    assert (told.count, told.places) == (1, ("2024-01-05",))
    assert told.kind == "values of Rio that are not the sum of the series below it"


def test_what_is_no_hierarchy_is_refused():
    frame = sales()
    country = pl.when(pl.col("shop") == "a").then(pl.lit("Chile")).otherwise("country")
    with pytest.raises(InputError, match="expected one parent of 'Rio', found"):
        read(frame.with_columns(country=country))
    with pytest.raises(InputError, match="parent: expected a hierarchy, found '"):
        read(frame.with_columns(country=pl.when(city="Rio").then(pl.lit("a"))))
    with pytest.raises(InputError, match="expected series that end together, found 'e' up to"):
        read(frame[:-2])
    with pytest.raises(InputError, match="parent: expected several series, whose names"):
        read_series(sales().filter(shop="a"), Columns(parent=("city",)))


@pytest.mark.parametrize("method", ["bottom_up", "ols", "wls_struct", "wls_var", "mint_shrink"])
def test_forecasts_are_those_of_hierarchicalforecast_and_sum_up(method, tmp_path):
    frame, run = sales(), tmp_path / "run"
    forecaster = Forecaster(**SMALL, reconcile=method).fit(frame, run=run)
    found = forecaster.predict(frame)
    require_coherent(found, ["forecast", "q50"])
    trained, series = forecaster.trained_, read(frame)
    hierarchy = trained.codec.hierarchy
    padded = series.ends - 1 - 3  # from rows that are there
    base = unreconciled(trained, series, padded)[..., 1]
    order = np.array([7, 5, 6, 0, 1, 2, 3, 4])  # theirs: the bottom last
    sums = hierarchy.sums[order]
    missed = np.zeros((8, 1))
    if method.startswith(("wls_var", "mint")):
        rows = _rolling(series, trained)
        first = read_arrays(Run(run), CHECKPOINT)[0]  # of the path without the validation part
        path = {k: first[f"model/{k}"] for k in trained.weights if k.startswith("linear.")}
        unknowing = replace(trained, weights=trained.weights | path)
        moments = unreconciled(unknowing, series, rows.ravel()).reshape(*rows.shape, 3, 3)[..., 1]
        truth = series.target[rows[..., None] + np.arange(1, 4)]
        missed = (truth - moments).swapaxes(1, 2).reshape(-1, 8).T[order]
    reconciler = BottomUp() if method == "bottom_up" else MinTrace(method)
    how = {} if method == "bottom_up" else {"y_insample": missed, "y_hat_insample": 0 * missed}
    theirs = reconciler.fit_predict(sums, base[order], **how)["mean"]
    ours = evaluate(trained, series, padded).median
    np.testing.assert_allclose(ours[order], theirs, rtol=1e-7)


def _rolling(series, trained):
    """The rows of the rolling origins that training had: every one up to the validation's end."""
    from gruta.codec.series.intervals import apart
    from gruta.tasks.forecast.split import Parts, Split

    parts = Parts.of(series, trained.settings)
    split = Split.of(trained.codec.encoding.table(series), parts)
    last = int(parts.seen.min()) - 1 - 3
    rows = np.arange(last, -1, -apart(3))[:, None] + series.starts[:-1]
    return rows[(rows >= split.ends[0]).all(1)]


def test_intervals_hold_what_they_promise_at_each_level(fitted):
    found = fitted.evaluate(sales())
    depths = fitted.trained_.codec.hierarchy.depths[found.series.of(found.origins)]
    low, high = found.quantiles[..., 0], found.quantiles[..., -1]
    assert (low <= found.median).all()
    assert (found.median <= high).all()
    inside = (low <= found.truth) & (found.truth <= high)
    assert all(0.5 < inside[depths == depth].mean() <= 1 for depth in range(3))


def test_a_run_reconciles_without_the_package(fitted, tmp_path, monkeypatch):
    frame = sales()
    fitted.save(tmp_path / "run")
    monkeypatch.setitem(sys.modules, "hierarchicalforecast", None)
    loaded = Forecaster.load(tmp_path / "run")
    assert loaded.predict(frame).equals(fitted.predict(frame))
    with pytest.raises(InputError, match="missing: 'e'"):
        loaded.predict(frame.filter(pl.col("shop") != "e"))


def test_what_reconciling_was_worth_is_told_by_level(fitted):
    found = fitted.evaluate(sales())
    told = fitted.backtest(sales(), windows=1).to_json()["levels"]
    assert [(one["level"], one["series"]) for one in told] == [(1, 1), (2, 2), (3, 5)]
    top = found.series.of(found.origins) == 7
    moved = np.abs(found.reconciled.before[top, :, 1] - found.truth[top]).mean()
    assert told[0].keys() >= {"mae_before", "mae_after", "standard_error", "beyond_chance"}
    assert levels_of(found)[0].before == pytest.approx(moved)


def test_a_series_is_explained_as_it_was_forecast_for_itself(fitted):
    found, series = (
        fitted.explain(sales(), series="Rio"),
        with_rows_to_come(read(sales()), fitted.trained_.codec.encoding, "error"),
    )
    alone = unreconciled(fitted.trained_, series, series.ends[5:6] - 1)
    parts = found.baseline + found.linear.sum(0) + found.network.sum(0)
    np.testing.assert_allclose(parts + found.held, alone[0, :, 1], rtol=1e-5)
    assert "before it is reconciled" in fitted.report(found).lead


def test_nothing_is_forecast_below_zero_and_sums_still_hold():
    found = Hierarchy.bottom_up(("t", "a", "b"), ("", "t", "t"), 3)
    forecast = np.array([[[0.0, 9.0, 10.0], [-3.0, -2.0, 1.0], [3.0, 5.0, 6.0]]])[None]
    summed = found.reconciled(forecast[0], 1, positive=True)
    assert summed[0, :, 1].tolist() == [5.0, 0.0, 5.0]
    assert summed.min() == 0
