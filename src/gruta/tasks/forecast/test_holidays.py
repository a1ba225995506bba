"""Holidays: which they are, what a forecaster makes of them, and that a run keeps them."""

import datetime as dt
import sys

import numpy as np
import polars as pl
import pytest

from gruta.codec.series.holidays import Holidays
from gruta.codec.series.infer import parse
from gruta.codec.series.rows import Rows
from gruta.codec.series.series import Columns, Series
from gruta.errors import InputError
from gruta.tasks.forecast import Forecaster

SMALL = {"horizon": 7, "hidden": 4, "steps": 8, "batch_size": 8, "log_every": 4}


@pytest.fixture(scope="module")
def of_sao_paulo():
    pytest.importorskip("holidays")
    from gruta.data.holidays import holidays_of

    return holidays_of(["BR-SP"], np.datetime64("2023-01-01"), np.datetime64("2026-12-31"))


def stamps(*texts):
    return [np.array(texts, "M8[us]")]


def test_holidays_of_brazil_are_by_law_or_optional_and_of_the_state(of_sao_paulo):
    public, optional = of_sao_paulo.days["BR-SP"]
    days = np.array(["2026-07-09", "2024-11-20", "2023-11-20", "2026-02-17", "2026-06-04"], "M8[D]")
    assert np.isin(days, public).tolist() == [True, True, False, False, False]
    assert np.isin(days, optional).tolist() == [False, False, False, True, True]
    assert not np.isin(public, optional).any()


def test_a_stamp_is_told_of_its_local_day_and_both_beside_it(of_sao_paulo):
    hours = parse("1h in America/Sao_Paulo")
    times = stamps("2026-07-08T02:59", "2026-07-09T02:59", "2026-07-09T03:00", "2026-07-10T03:00")
    found = of_sao_paulo.features(times, hours, "frame")
    assert found[:, :3].tolist() == [[0, 0, 0], [0, 1, 0], [1, 0, 0], [0, 0, 1]]
    carnival = of_sao_paulo.features(stamps("2026-02-17"), parse("1d"), "frame")
    assert carnival.tolist() == [[0, 0, 0, 1, 1, 1]]  # between its Monday and Ash Wednesday
    assert len(of_sao_paulo.names(hours)) == 6


def test_steps_beyond_a_day_are_told_how_many_lie_in_them(of_sao_paulo):
    months = of_sao_paulo.features(stamps("2026-04-01", "2026-05-01"), parse("1 month"), "frame")
    assert months[:, :2].tolist() == [[0, 2], [3, 1]]  # 1 May ends a step, and begins one
    ends = of_sao_paulo.features(stamps("2026-04-30"), parse("1 month (end)"), "frame")
    assert ends[0, 0] == 2
    assert len(of_sao_paulo.names(parse("1w"))) == 4


@pytest.mark.parametrize(
    ("place", "expected"),
    [
        ("XX", r"holidays: expected the code of a country, BR, .*, got 'XX'"),
        ("BR-ZZ", r"holidays: expected after BR- one of AC, .*, got 'ZZ'"),
    ],
)
def test_a_place_without_holidays_is_refused(place, expected, of_sao_paulo):
    from gruta.data.holidays import holidays_of

    day = np.datetime64("2024-01-01")
    with pytest.raises(InputError, match=expected):
        holidays_of([place], day, day)


def test_an_exchange_is_closed_on_carnival():
    pytest.importorskip("holidays")
    from gruta.data.holidays import holidays_of

    day = np.datetime64("2026-01-01")
    public, optional = holidays_of(["b3"], day, day).days["B3"]
    assert np.datetime64("2026-02-17") in public
    assert not len(optional)


def daily(rows, dips):
    """Orders with a week, which fall to a fifth on these days."""
    start = dt.date(2021, 1, 1)
    days = [start + dt.timedelta(days=i) for i in range(rows)]
    rng = np.random.default_rng(0)
    y = 100 + 10 * np.sin(2 * np.pi * np.arange(rows) / 7) + rng.normal(size=rows)
    falls = np.isin(np.array(days, "M8[D]"), dips)
    return pl.DataFrame({"ds": days, "y": np.where(falls, y / 5, y)})


@pytest.fixture(scope="module")
def orders(of_sao_paulo):
    return daily(1_640, np.concatenate(of_sao_paulo.days["BR-SP"]))  # up to 28 June 2025


def test_a_forecast_knows_the_holidays_to_come(orders):
    before = orders.filter(pl.col("ds") < dt.date(2025, 6, 17))
    told = Forecaster(**SMALL, holidays="br-sp").fit(before)
    untold = Forecaster(**SMALL).fit(before)
    truth = orders.filter(pl.col("ds").is_between(dt.date(2025, 6, 17), dt.date(2025, 6, 23)))
    missed = [
        float((f.predict(before)["forecast"] - truth["y"]).abs().mean()) for f in (told, untold)
    ]
    assert missed[0] < missed[1] / 3  # 19 June 2025 was Corpus Christi


def test_a_run_forecasts_the_same_without_the_package(orders, tmp_path, monkeypatch):
    settings = SMALL | {"holidays": ("BR-SP", "BR-RJ")}
    fitted = Forecaster(**settings).fit(orders, run=tmp_path / "run")
    expected = fitted.predict(orders)
    monkeypatch.setitem(sys.modules, "holidays", None)
    loaded = Forecaster.load(tmp_path / "run")
    assert loaded.predict(orders).equals(expected)
    assert loaded.trained_.codec.to_json() == fitted.trained_.codec.to_json()
    table = loaded.trained_.codec.encoding.empty_table()
    assert len(loaded.trained_.codec.encoding.future_names()) == table.future_width


def test_years_that_a_run_does_not_know_are_refused(of_sao_paulo):
    with pytest.raises(InputError, match=r"frame: expected stamps from 1993-01-01 to 2056-12-31"):
        of_sao_paulo.features(stamps("2057-01-01"), parse("1d"), "frame")


def test_what_is_no_list_of_days_is_refused(of_sao_paulo):
    content = of_sao_paulo.to_json()
    assert Holidays.from_json(content).to_json() == content
    with pytest.raises(ValueError, match="increasing days"):
        Holidays.from_json(content | {"days": {"BR": [[3, 2], []]}})


def test_numbered_rows_have_no_holidays():
    pytest.importorskip("holidays")
    y, none = np.random.default_rng(0).normal(size=200), np.empty((200, 0))
    times = np.arange(200).astype("M8[us]")
    series = Series.lone(times, y, none, none, Columns(), Rows(1, numbered=True), "frame")
    with pytest.raises(InputError, match="holidays: expected stamps with dates"):
        Forecaster(**SMALL, holidays="BR").fit(series)
