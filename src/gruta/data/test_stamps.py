"""Stamps are read as they were meant, by all rows of a column, or both readings are told."""

import datetime as dt

import numpy as np
import pandas as pd
import polars as pl
import pytest

from gruta.data.table import read_table
from gruta.errors import InputError
from gruta.reading import Reading


def moments(cells, **how):
    table = read_table(pl.DataFrame({"ds": cells}), ["ds"], Reading(**how))
    found = table.moments("ds")
    shown = [np.datetime_as_string(one, "auto") for one in found.times]
    return shown, found.zone, [guess.value for guess in table.guesses]


@pytest.mark.parametrize(
    ("cells", "expected"),
    [
        (["2024-1-5", "2024-01-15"], ["2024-01-05", "2024-01-15"]),
        (["2024/01/05 7:30", "2024.01.05"][:1], ["2024-01-05T07:30"]),
        (["20240105", "20240106"], ["2024-01-05", "2024-01-06"]),
        (["2024-01-05 24:00", "2024-01-06T01:00:00,25"], ["2024-01-06", "2024-01-06T01:00:00.250"]),
        (["2024-W05", "2020W53", "2021-W01-3"], ["2024-01-29", "2020-12-28", "2021-01-06"]),
        (["2005Q1", "2005-Q2", "2005 q4"], ["2005-01-01", "2005-04-01", "2005-10-01"]),
        (["Q1 2005", "4T2005"], ["2005-01-01", "2005-10-01"]),
        (["1960", "1961"], ["1960-01-01", "1961-01-01"]),
        (["2024-02", "2024-3"], ["2024-02-01", "2024-03-01"]),
        (["02/2024", "3-2024"], ["2024-02-01", "2024-03-01"]),
        (["1960M01", "1960M12"], ["1960-01-01", "1960-12-01"]),
        (["202401", "202402"], ["2024-01-01", "2024-02-01"]),
        (["Jan 5, 2024", "fev. 6 2024"], ["2024-01-05", "2024-02-06"]),
        (["5 de março de 2024", "06-APR-2024 1:00"], ["2024-03-05", "2024-04-06T01:00"]),
        (["mar/2024", "December 2023"], ["2024-03-01", "2023-12-01"]),
        (["2024-01-01/2024-01-07"], ["2024-01-01"]),
        ([1960, 1961], ["1960-01-01", "1961-01-01"]),
    ],
)
def test_a_stamp_that_means_one_thing_is_no_guess(cells, expected):
    assert moments(cells) == (expected, "", [])


@pytest.mark.parametrize(
    ("cells", "expected", "guess"),
    [
        (["01/02/2024", "13/02/2024"], ["2024-02-01", "2024-02-13"], "day-first"),
        (["01/02/2024", "01/13/2024"], ["2024-01-02", "2024-01-13"], "month-first"),
        (["01.01.2009 00:10:00", "31.01.2009"], ["2009-01-01T00:10", "2009-01-31"], "day-first"),
        (
            ["1/5/2024 12:30 AM", "1/13/2024 1:05:06 p.m."],
            ["2024-01-05T00:30", "2024-01-13T13:05:06"],
            "month-first",
        ),
        (["1704067200", "1704067200.5"], ["2024-01-01", "2024-01-01T00:00:00.500"], "epoch-s"),
        ([1704067200123], ["2024-01-01T00:00:00.123"], "epoch-ms"),
        ([1704067200.0], ["2024-01-01"], "epoch-s"),
    ],
)
def test_what_all_rows_tell_is_told_as_a_guess(cells, expected, guess):
    assert moments(cells) == (expected, "", [guess])


@pytest.mark.parametrize("part", [1_000, 500_000])
def test_the_order_is_found_far_from_the_first_row(monkeypatch, part):
    monkeypatch.setattr("gruta.data.source._AT_ONCE", part)
    days = [f"{1 + i % 12:02d}/03/{1900 + i // 12}" for i in range(5_000)]
    assert moments([*days, "25/12/2400"])[2] == ["day-first"]
    with pytest.raises(InputError, match=r"row 5002, .*the day first, found '12/25/2400'"):
        moments([*days, "25/12/2400", "12/25/2400"])


@pytest.mark.parametrize(
    ("cells", "zone", "expected"),
    [
        (["2024-01-05 00:00:00 UTC"], "UTC", "2024-01-05"),
        (["2024-01-05 10:00-03"], "UTC", "2024-01-05T13:00"),
        (["05/Jan/2024:13:30:00 +0530"], "UTC", "2024-01-05T08:00"),
        (["20240105T133000Z"], "UTC", "2024-01-05T13:30"),
        (pd.date_range("2024-01-05", periods=1, tz="Asia/Tokyo"), "Asia/Tokyo", "2024-01-04T15:00"),
    ],
)
def test_a_zone_is_kept_beside_moments_in_utc(cells, zone, expected):
    assert moments(cells) == ([expected], zone, [])


@pytest.mark.parametrize(
    ("cells", "problem"),
    [
        (["01/02/2024", "02/02/2024"], "reads as 2024-02-01 and as 2024-01-02, .*say day-first or"),
        (["2024010513"], "reads as 2024-01-05 13:00 and as 2034-02-20 .*dates: say epoch-s or"),
        (["200101", "200212"], "'200101' reads as 2001-01-01 and as 2020-01-01"),
        (["31/01/2024", "02/13/2024"], "row 2, .*, the day first, found '02/13/2024'"),
        (
            ["05/01/24"],
            "found '05/01/24'; correct or remove it; dates: says how all are .*%d/%m/%y",
        ),
        (["240105"], "found '240105'"),
        (["2024-02-30"], "found '2024-02-30'"),
        (["2023-W53"], "found '2023-W53'"),
        (["1/5/2024 13:00 PM"], "found '1/5/2024 13:00 PM'"),
        (["2024-01-05", "2024-01-06T00:00Z"], "row 2, .*expected a zone in every stamp or in none"),
        (["0", "1"], "row 1, .*found '0'"),
        ([45296.5], "row 1, .*found 45296.5"),
        ([dt.time(10)], "found Time; convert the column"),
    ],
)
def test_what_means_nothing_or_two_things_is_refused(cells, problem):
    with pytest.raises(InputError, match=problem):
        moments(cells)


@pytest.mark.parametrize(
    ("cell", "dates", "expected"),
    [
        ("05/02/2024", "day-first", "2024-02-05"),
        ("05/02/2024", "month-first", "2024-05-02"),
        ("05/02/24", "%d/%m/%y", "2024-02-05"),
        ("2024010513", "%Y%m%d%H", "2024-01-05T13:00"),
        ("2001-12", "%Y-%m", "2001-12-01"),
        ("fev/24", "%b/%y", "2024-02-01"),
        ("05-April-24T10", "%d-%B-%yT%H", "2024-04-05T10:00"),
        ("100000", "epoch-s", "1970-01-02T03:46:40"),
        ("2024-02-05 10:00 -0300", "%Y-%m-%d %H:%M %z", "2024-02-05T13:00"),
    ],
)
def test_a_person_decides(cell, dates, expected):
    found, _, guesses = moments([cell], dates=dates)
    assert (found, guesses) == ([expected], [])
    with pytest.raises(InputError, match="row 1, column 'ds': expected a stamp"):
        moments(["nothing"], dates=dates)


def test_a_year_of_two_digits_is_none_of_four():
    with pytest.raises(InputError, match="expected a stamp as '%d/%m/%Y' says, found '05/01/24'"):
        moments(["05/01/24"], dates="%d/%m/%Y")


def test_an_order_that_cannot_be_is_refused():
    with pytest.raises(InputError, match=r"dates: expected day-first, .* got 'dmy'"):
        moments(["05/02/2024"], dates="dmy")
