"""Rows as they come are sorted, single and even in the end; what was done is told, or refused."""

import datetime as dt
from dataclasses import astuple

import numpy as np
import pandas as pd
import polars as pl
import pytest

from gruta.codec.series.series import Columns
from gruta.data.repair import Policies
from gruta.data.series import read_series
from gruta.errors import InputError

NEW_YORK = "America/New_York"
NAN = float("nan")


def days(**by_day):
    """A frame with a value for each day of January 2024: d3=7 is the third."""
    stamps = [dt.datetime(2024, 1, int(day[1:].partition("_")[0])) for day in by_day]
    return pl.DataFrame({"ds": stamps, "y": [float(v) for v in by_day.values()]})


def read(frame, columns=None, **policies):
    return read_series(
        frame, columns or Columns(), policies=Policies(**{"longest_gap": 0.9} | policies)
    )


def told(series):
    return [(r.kind, r.count, r.places[0], r.done) for r in series.repairs]


def utility():
    """Two years of hours by the clock of New York, the second autumn hour in its place."""
    utc = np.arange("2023-01-01T05", "2025-01-01T05", dtype="M8[h]")
    local = pd.DatetimeIndex(utc).tz_localize("UTC").tz_convert(NEW_YORK).tz_localize(None)
    hours = np.arange(len(utc))
    return pd.DataFrame({"ds": local, "y": 50 + 10 * np.sin(hours * np.pi / 12) + hours % 7})


def test_a_year_by_the_clock_is_even_hours_with_a_gap_and_a_mean_that_are_told():
    frame = utility().sample(frac=1, random_state=0)
    found = read(frame, longest_gap=0.1)
    assert found.frequency.name == "1h"
    assert len(found) == 2 * 8760 + 24  # 2024 is a leap year
    kinds = {kind: (count, place, done) for kind, count, place, done in told(found)}
    assert kinds["hours that a clock set back shows twice"] == (
        2,
        "2023-11-05 01:00",
        "their mean is kept",
    )
    assert kinds["rows that are missing"] == (2, "2023-03-12 02:00", "left as gaps")
    assert kinds["rows out of order"][0] > 8000
    gap = np.flatnonzero(np.isnan(found.target))
    assert found.times[gap].astype(str).tolist() == [
        "2023-03-12T02:00:00.000000",
        "2024-03-10T02:00:00.000000",
    ]


def test_with_its_zone_the_same_file_has_neither_gap_nor_double():
    found = read(utility(), zone=NEW_YORK)
    assert found.repairs == ()
    assert found.frequency.key == f"1h in {NEW_YORK}"
    hours = np.arange(len(found))
    np.testing.assert_array_equal(found.target, 50 + 10 * np.sin(hours * np.pi / 12) + hours % 7)


def test_stamps_with_an_offset_are_moments_of_a_zone_that_is_said():
    local = pd.DatetimeIndex(utility()["ds"][:9000]).tz_localize(NEW_YORK, ambiguous="infer")
    frame = pd.DataFrame({"ds": local.map(str), "y": np.sin(np.arange(9000.0))})
    found = read(frame, zone=NEW_YORK)
    assert (found.repairs, found.frequency.key) == ((), f"1h in {NEW_YORK}")
    assert found.times[0] == np.datetime64("2023-01-01T05", "us")


@pytest.mark.parametrize(("policy", "kept"), [("mean", 5.0), ("first", 4.0), ("last", 6.0)])
def test_of_rows_with_one_stamp_a_policy_says_what_is_kept(policy, kept):
    frame = days(d1=1, d2=2, d3=4, d3_again=6, d4=3, d5=5)
    found = read(frame, duplicates=policy)
    assert found.target.tolist() == [1, 2, kept, 3, 5]
    ((kind, count, place, done),) = told(found)
    assert (kind, count, place) == ("rows with a stamp that was there before", 1, "2024-01-03")
    assert done.startswith("the")
    assert policy in done
    with pytest.raises(InputError, match="row 4, column 'ds': the stamp 2024-01-03 is there twice"):
        read(frame, duplicates="error")


GAPS = {"d1": 1, "d2": 2, "d3": NAN, "d6": 6, "d7": 7, "d8": 8, "d9": 2, "d10": 3}


@pytest.mark.parametrize(
    ("policy", "filled"),
    [
        ("mask", [NAN, NAN, NAN]),
        ("interpolate", [3, 4, 5]),
        ("seasonal", [3, 4, 5]),
    ],
)
def test_gaps_are_left_or_filled_by_policy(policy, filled):
    found = read(days(**GAPS), gaps=policy)
    np.testing.assert_array_equal(found.target[2:5], filled)
    kinds = [(kind, count, place) for kind, count, place, _ in told(found)]
    assert kinds == [
        ("rows that are missing", 2, "2024-01-04"),
        ("values of y that are missing", 3, "2024-01-03"),
    ]
    with pytest.raises(InputError, match=r"column 'y': .* found none at 2024-01-03"):
        read(days(**GAPS), gaps="error")


def test_a_gap_is_filled_with_the_value_of_a_season_before():
    frame = pl.DataFrame(
        {
            "ds": [dt.datetime(2024, 1, 1 + i) for i in range(21)],
            "y": [float(i % 7) for i in range(21)],
        }
    ).with_row_index()
    holes = frame.filter(~pl.col("index").is_in([9, 10])).drop("index")
    assert read(holes, gaps="seasonal").target.tolist() == frame["y"].to_list()


def test_a_gap_too_long_for_its_series_is_refused():
    problem = r"column 'y': 3 of 10 values .* from 2024-01-03 on; begin"
    with pytest.raises(InputError, match=problem):
        read(days(**GAPS), longest_gap=0.2)


def test_covariates_stand_on_where_they_lack_and_that_is_told():
    frame = days(d1=1, d2=2, d3=3, d4=4, d5=NAN, d6=NAN).with_columns(
        plan=pl.Series([1.0, None, 3.0, 4.0, None, None]),
        wind=pl.Series([None, 2.0, 3.0, 4.0, None, None]),
    )
    found = read(frame, Columns(known=("plan",), past=("wind",)))
    np.testing.assert_array_equal(found.known[:, 0], [1, 1, 3, 4, NAN, NAN])  # of rows to come
    np.testing.assert_array_equal(found.past[:, 0], [2, 2, 3, 4, NAN, NAN])
    assert [r.count for r in found.repairs] == [1, 1]


def test_rows_without_a_value_at_the_ends_of_series_are_no_gap_and_told():
    rows = [
        (f"2024-01-{d:02d}", shop, value(d))
        for d in range(1, 31)
        for shop, value in (("a", float), ("b", lambda d: d * d if d > 20 else None))
    ]
    late = [(day, shop, None if shop == "a" and day > "2024-01-25" else y) for day, shop, y in rows]
    frame = pl.DataFrame(late, schema=["ds", "shop", "y"], orient="row")
    found = read(frame, Columns(series="shop"), longest_gap=0.1)
    assert (found.starts.tolist(), np.isnan(found.target).sum()) == ([0, 25, 35], 0)
    assert found.times[[0, 24, 25, 34]].astype("M8[D]").astype(str).tolist() == [
        "2024-01-01",
        "2024-01-25",
        "2024-01-21",
        "2024-01-30",
    ]
    assert told(found) == [
        ("rows before the first value of y", 20, "2024-01-01 (b)", "it begins later"),
        ("rows after the last value of y", 5, "2024-01-26 (a)", "it ends before them"),
    ]
    plan = frame.with_columns(plan=pl.col("ds").str.slice(8).cast(pl.Float64))
    coming = read(plan, Columns(series="shop", known=("plan",)))
    assert coming.starts.tolist() == [0, 30, 40]
    assert [kind for kind, *_ in told(coming)] == ["rows before the first value of y"]


def test_several_series_are_told_apart_by_their_column_in_any_order_of_rows():
    rows = [
        (f"2024-01-{d:02d}", shop, 10.0 * d + len(shop))
        for d in range(1, 11)
        for shop in ("b", "aa")
    ]
    frame = pl.DataFrame(rows, schema=["ds", "shop", "y"], orient="row")
    with pytest.raises(InputError, match="several series; name the column"):
        read(frame)
    found = read(frame, Columns(series="shop"))
    assert (found.ids, found.starts.tolist()) == (("aa", "b"), [0, 10, 20])
    assert found.target[[0, 10]].tolist() == [12, 11]
    again = read(frame.sample(fraction=1.0, shuffle=True, seed=1), Columns(series="shop"))
    assert again.fingerprint() == found.fingerprint()
    assert [astuple(r)[0] for r in again.repairs] == ["rows out of order"]


DAYS = (1, 2, 2, 3, 4, 6, 7, 8)


@pytest.mark.parametrize("policy", ["mean", "first", "last"])
def test_of_rows_in_the_order_of_time_gaps_and_doubles_are_those_of_their_series(tmp_path, policy):
    rows = [(f"2024-01-{d:02d}", shop, d + 10.0 * i) for i, shop in enumerate("abc") for d in DAYS]
    schema = {"ds": pl.String, "shop": pl.String, "y": pl.Float64}
    frame = pl.DataFrame(rows, schema, orient="row").with_columns(pl.col("ds").str.to_date())
    frame = frame.with_columns(pl.col("y") + pl.int_range(pl.len()) / 100)
    by_time = frame.sort("ds", maintain_order=True)
    expected = read(frame, Columns(series="shop"), duplicates=policy)
    by_time.write_parquet(tmp_path / "by_time.parquet", row_group_size=4)
    for source in (by_time, tmp_path / "by_time.parquet"):
        found = read(source, Columns(series="shop"), duplicates=policy)
        assert found.fingerprint() == expected.fingerprint()
        assert told(found) == told(expected)
    with pytest.raises(InputError, match=r"row 5, column 'ds': the stamp 2024-01-02 is there tw"):
        read(by_time, Columns(series="shop"), duplicates="error")


@pytest.mark.parametrize(
    ("rule", "name"),
    [
        ("bh", "1h (9-16,33-40,57-64,81-88,105-112 of the week)"),
        ("BME", "1 month (last business day)"),
    ],
)
def test_steps_that_leave_days_out_are_even(rule, name):
    stamps = pd.date_range("2023-01-03", periods=120, freq=rule)
    found = read(pd.DataFrame({"ds": stamps, "y": np.arange(120.0)}))
    assert (found.frequency.name, found.repairs) == (name, ())


def test_days_of_the_week_with_rows_are_found_though_most_steps_are_longer():
    days = [day for day in pd.date_range("2023-01-02", periods=200) if day.weekday() in (0, 2, 4)]
    found = read(pd.DataFrame({"ds": days, "y": np.arange(float(len(days)))}))
    assert (found.frequency.name, found.repairs) == ("1d (0,2,4 of the week)", ())


@pytest.mark.parametrize("rule", ["WOM-3FRI", "SME"])
def test_stamps_that_follow_no_even_step_are_rows_and_that_is_told(rule):
    stamps = pd.date_range("2020-01-03", periods=60, freq=rule)
    found = read(pd.DataFrame({"ds": stamps, "y": np.arange(60.0)}))
    assert found.frequency.name.startswith("row (")
    assert found.guesses[-1].option == "frequency"
    assert (found.times == stamps.to_numpy().astype("M8[us]")).all()


def test_the_next_row_is_the_next_step_where_that_is_said():
    stamps = [
        "2024-01-01",
        "2024-01-02",
        "2024-01-05",
        "2024-01-05 07:00",
        "2024-01-09",
        "2024-02-01",
    ]
    frame = pd.DataFrame({"ds": stamps, "y": np.arange(6.0)})
    with pytest.raises(
        InputError, match=r"no even step: of 5 steps 1 are .*'row' to take each row"
    ):
        read(frame)
    found = read(frame, frequency="row")
    assert found.times.astype("M8[D]").astype(str).tolist() == [s[:10] for s in stamps]
    assert found.frequency.name.startswith("row (")


def test_a_row_without_a_stamp_is_named_wherever_a_file_was_cut(tmp_path):
    frame = days(d1=1, d2=2, d3=4, d4=3, d5=5).with_columns(
        pl.when(pl.col("y") != 3).then(pl.col("ds"))
    )
    frame.write_parquet(tmp_path / "days.parquet", row_group_size=2)
    with pytest.raises(InputError, match=r"row 4, column 'ds': .*, found no stamp"):
        read(tmp_path / "days.parquet")
