"""Hours become days, weeks and months by the clock of their zone, each in one of them."""

import datetime as dt
from zoneinfo import ZoneInfo

import numpy as np
import polars as pl
import pytest

from gruta.codec.series.series import Columns
from gruta.data.periods import Every
from gruta.data.repair import Policies
from gruta.data.series import read_series
from gruta.errors import InputError

SAO_PAULO, NEW_YORK = "America/Sao_Paulo", "America/New_York"
CHANGES = [
    (SAO_PAULO, "2018-02-17", 25),  # at midnight, an hour back
    (SAO_PAULO, "2018-11-04", 23),  # at midnight, an hour on: the day begins at one
    ("America/Santiago", "2018-05-12", 25),
    ("America/Santiago", "2018-08-12", 23),
    (NEW_YORK, "2018-03-11", 23),
    (NEW_YORK, "2018-11-04", 25),
    ("Asia/Kolkata", "2018-11-04", 24),
]


def hours(zone, around, before=75, after=75):
    """Hours with a zone from so many before a day's noon to so many after; each counts 1."""
    noon = dt.datetime.fromisoformat(around).replace(hour=12, tzinfo=ZoneInfo(zone))
    first = noon.astimezone(dt.UTC) - dt.timedelta(hours=before)
    utc = [first + dt.timedelta(hours=i) for i in range(before + after)]
    if zone == "Asia/Kolkata":
        utc = [moment - dt.timedelta(minutes=30) for moment in utc]
    times = pl.Series("ds", utc).dt.convert_time_zone(zone)
    return pl.DataFrame({"ds": times, "y": 1.0 + 1e-3 * np.arange(len(utc))})


def read(frame, every, columns=None, policies=None, **how):
    policies = policies or Policies()
    return read_series(frame, columns or Columns(), None, policies, every=Every(every, **how))


def told(series):
    return [(r.kind, r.count, r.places[0], r.done) for r in series.repairs]


@pytest.mark.parametrize(("zone", "day", "count"), CHANGES)
def test_a_day_has_as_many_hours_as_its_clock_whichever_row_is_the_first(zone, day, count):
    for before in (75, 74, 70, 64, 63, 62):
        frame = hours(zone, day, before)
        found = read(frame, "1d", how="sum")
        assert found.frequency.key == f"1d in {zone}"
        dates = frame["ds"].dt.date()
        whole = frame.group_by(dates.alias("day"), maintain_order=True).agg(pl.len(), pl.sum("y"))
        starts = found.frequency.local(found.times).astype("M8[D]").astype(object).tolist()
        kept = whole.filter(pl.col("day").is_in(starts))
        assert starts == kept["day"].to_list()
        np.testing.assert_allclose(found.target, kept["y"])
        assert kept.filter(pl.col("day") == dt.date.fromisoformat(day))["len"].item() == count
        left_out = whole.filter(~pl.col("day").is_in(starts))
        assert left_out["day"].to_list() in (
            [whole["day"][0], whole["day"][-1]],
            [whole["day"][-1]],
        )
        assert [kind for kind, *_ in told(found)] == [
            "first and last steps of 1d that are not whole"
        ]
        everything = read(frame, "1d", how="sum", keep=True)
        np.testing.assert_allclose(everything.target.sum(), frame["y"].sum())


def test_an_hour_that_the_clock_shows_twice_is_two():
    frame = hours(SAO_PAULO, "2018-02-17").upsample("ds", every="15m").with_columns(y=pl.lit(1.0))
    frame = frame.with_columns(y=pl.int_range(pl.len()).cast(pl.Float64))
    found = read(frame[2:], "1h", how="sum")
    assert (np.diff(found.times) == np.timedelta64(1, "h")).all()
    assert found.target[:2].tolist() == [4 + 5 + 6 + 7, 8 + 9 + 10 + 11]


def test_weeks_begin_on_mondays_and_months_on_their_first():
    days = pl.date_range(dt.date(2024, 1, 3), dt.date(2024, 12, 30), eager=True).alias("ds")
    frame = pl.DataFrame({"ds": days, "y": days.dt.day().cast(pl.Float64)})
    weeks = read(frame, "1w")
    assert weeks.times[[0, -1]].astype("M8[D]").astype(str).tolist() == ["2024-01-08", "2024-12-23"]
    assert (weeks.frequency.name, weeks.target[0]) == ("1w", np.mean(range(8, 15)))
    months = read(frame, "1mo", how="sum")
    assert months.frequency.name == "1 month"
    assert months.target.tolist() == [
        sum(range(1, n + 1)) for n in (29, 31, 30, 31, 30, 31, 31, 30, 31, 30)
    ]
    assert told(months) == [
        ("first and last steps of 1mo that are not whole", 2, "2024-01-01", "left out")
    ]
    assert len(read(frame, "1mo", keep=True)) == 12
    (guess,) = [g for g in weeks.guesses if g.option == "aggregate"]
    assert guess.told() == "rows of each step: their mean (a guess; aggregate overrules it)"
    assert not [g for g in months.guesses if g.option == "aggregate"]


def test_a_step_that_is_not_over_is_the_first_to_come_and_covariates_are_means():
    frame = hours(NEW_YORK, "2018-11-04", before=24 * 5 + 13, after=24 * 3 + 12)
    day = pl.col("ds").dt.date()
    frame = frame.with_columns(
        y=pl.when(pl.int_range(pl.len()) < 24 * 6 + 6).then("y"),
        plan=pl.col("ds").dt.hour().cast(pl.Float64),
        kind=pl.when(day.dt.weekday() > 5).then(pl.lit("rest")).otherwise(pl.lit("work")),
    )
    found = read(frame, "1d", Columns(known=("plan", "kind")))
    assert (found.observed, len(found)) == (6, 9)
    autumn = sum([*range(24), 1]) / 25
    np.testing.assert_allclose(found.known[:, 0], [11.5] * 5 + [autumn] + [11.5] * 3)
    kinds = [found.words["kind"][int(code)] for code in found.known[:, 1]]
    assert kinds == ["work"] * 4 + ["rest"] * 2 + ["work"] * 3


def test_values_that_lack_are_the_mean_of_their_step_unless_most_do():
    frame = pl.DataFrame(
        {
            "ds": [dt.datetime(2024, 1, 1) + dt.timedelta(hours=6 * i) for i in range(40)],
            "y": [float(i % 4 + i // 4) for i in range(40)],
        }
    )
    lacking = [9, 21, 22, 23]
    found = read(frame.filter(~pl.int_range(pl.len()).is_in(lacking)), "1d", how="sum")
    expected = [6.0 + 4 * day for day in range(10)]
    expected[2], expected[5] = 4 * (2 + 4 + 5) / 3, np.nan
    np.testing.assert_allclose(found.target, expected)
    lines = {kind: (count, done) for kind, count, _, done in told(found)}
    assert lines["values of y that are missing within a step"] == (
        1,
        "the mean of the others in it stands for them",
    )
    assert lines["values of y that are missing"][0] == 1


def test_steps_that_rows_cannot_become_are_refused():
    frame = hours(NEW_YORK, "2018-11-04")
    for name in ("2d", "7min", "5mo", "day", ""):
        with pytest.raises(InputError, match=f"every: expected a step such as .*, got '{name}'"):
            Every(name)
    with pytest.raises(InputError, match="every: expected rows of a whole step of 1mo"):
        read(frame, "1mo")
    numbered = pl.DataFrame({"ds": range(50), "y": np.arange(50.0)})
    with pytest.raises(InputError, match="every: expected stamps with dates"):
        read(numbered, "1d")
    daily = frame.group_by_dynamic("ds", every="1d").agg(pl.sum("y"))
    with pytest.raises(InputError, match="every: the rows are farther apart than 1h"):
        read(daily, "1h")
