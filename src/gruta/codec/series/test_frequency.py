import json
import re

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from gruta.codec.series.frequency import FixedStep, Frequency
from gruta.codec.series.infer import infer, parse
from gruta.codec.series.months import BusinessMonths, Months
from gruta.codec.series.rows import Rows
from gruta.codec.series.weeks import BusinessDays, WeekPattern
from gruta.codec.series.zones import Zone
from gruta.errors import InputError

DAY = 86_400_000_000


def stamps(*text: str) -> np.ndarray:
    return np.array(text, dtype="M8[us]")


moments = st.datetimes(
    min_value=np.datetime64("1900-01-01", "us").item(),
    max_value=np.datetime64("2100-01-01", "us").item(),
).map(lambda moment: np.datetime64(moment, "us"))
frequencies = st.one_of(
    # Steps of 28 days and more may fall on the same day of every month.
    st.integers(1, 28 * DAY - 1).map(FixedStep),
    st.just(BusinessDays()),
    st.builds(Months, st.integers(1, 36), st.integers(1, 31)),
)
named = st.one_of(
    frequencies,
    st.builds(BusinessMonths, st.integers(1, 36), st.booleans()),
    st.sets(st.integers(0, 23), min_size=2, max_size=20).map(
        lambda slots: WeekPattern(7 * DAY // 24, tuple(sorted(slots)))
    ),
    st.builds(Rows, st.integers(1, 40 * DAY), st.booleans()),
)


@given(named)
def test_a_frequency_survives_json_by_its_name(frequency: Frequency) -> None:
    assert parse(json.loads(json.dumps(frequency.name))) == frequency
    zoned = f"{frequency.name} in America/Sao_Paulo"
    assert (parse(zoned).key, parse(zoned).name) == (zoned, frequency.name)


@given(named, moments, st.integers(-500, 500))
def test_place_counts_the_steps_that_shift_takes(
    frequency: Frequency, start: np.datetime64, steps: int
) -> None:
    start = frequency.after(start, 1)[0]
    if not isinstance(frequency, Rows):
        assert frequency.place(frequency.shift(np.array([start]), steps), start) == [steps]


@given(frequencies, moments)
def test_infer_finds_the_frequency_that_made_the_stamps(
    frequency: Frequency, start: np.datetime64
) -> None:
    times = frequency.after(start, 80)
    found = infer(times)
    assert (found.after(times[0], 79) == times[1:]).all()
    # Five business days in a row are days, and days clipped by every month are its end: 80 stamps
    # leave no such doubt, except for months that always have the same lengths.
    if not isinstance(frequency, Months):
        assert found == frequency


@given(frequencies, moments, st.integers(1, 30), st.integers(1, 30))
def test_after_goes_on_where_it_stopped(
    frequency: Frequency, start: np.datetime64, first: int, more: int
) -> None:
    times = frequency.after(start, first)
    assert (
        frequency.after(start, first + more) == np.append(times, frequency.after(times[-1], more))
    ).all()


@pytest.mark.parametrize(
    ("frequency", "times"),
    [
        ("1d", stamps("2024-02-28", "2024-02-29", "2024-03-01")),
        ("1d", stamps("2023-02-28", "2023-03-01", "2023-03-02")),
        ("1w", stamps("2020-12-21", "2020-12-28", "2021-01-04")),
        ("30min", stamps("2014-01-01T23:00", "2014-01-01T23:30", "2014-01-02")),
        # Clocks go forward in this night where there is daylight saving; here no hour is lost.
        ("1h", stamps("2024-03-31T00:00", "2024-03-31T01:00", "2024-03-31T02:00")),
        ("business day", stamps("2024-05-02T09:00", "2024-05-03T09:00", "2024-05-06T09:00")),
        ("1 month", stamps("2023-12-01", "2024-01-01", "2024-02-01", "2024-03-01")),
        ("1 month", stamps("2024-07-01", "2024-08-01", "2024-09-01")),
        ("1 month (end)", stamps("2024-01-31", "2024-02-29", "2024-03-31", "2024-04-30")),
        ("1 month (end)", stamps("2023-02-28", "2023-03-31", "2023-04-30", "2023-05-31")),
        ("1 month (day 30)", stamps("2023-01-30", "2023-02-28", "2023-03-30", "2023-04-30")),
        ("1 month (day 15)", stamps("2024-01-15T06:00", "2024-02-15T06:00", "2024-03-15T06:00")),
        ("3 months (end)", stamps("2023-03-31", "2023-06-30", "2023-09-30", "2023-12-31")),
        ("12 months", stamps("2023-01-01", "2024-01-01", "2025-01-01")),
        ("12 months (end)", stamps("2023-02-28", "2024-02-29", "2025-02-28")),
    ],
)
def test_known_stamps(frequency: str, times: np.ndarray) -> None:
    assert infer(times).name == frequency
    assert (parse(frequency).after(times[0], len(times) - 1) == times[1:]).all()


@pytest.mark.parametrize(
    "name", ["30min", "1h", "1d", "1w", "business day", "1 month", "3 months (end)"]
)
def test_a_missing_stamp_does_not_change_the_frequency(name: str) -> None:
    times = parse(name).after(np.datetime64("2024-01-31", "us"), 20)
    assert infer(np.delete(times, 7)).name == name
    assert infer(np.delete(times, [3, 4, 11])).name == name


def test_a_stray_stamp_does_not_change_the_frequency() -> None:
    months = parse("1 month").after(np.datetime64("2023-12-01", "us"), 7)
    assert infer(np.sort(np.append(months, stamps("2024-02-20")))).name == "1 month"
    workdays = parse("business day").after(np.datetime64("2024-05-05", "us"), 20)
    assert infer(np.sort(np.append(workdays, stamps("2024-05-11")))).name == "business day"


def test_weekdays_of_one_week_are_days() -> None:
    assert infer(stamps("2024-05-06", "2024-05-07", "2024-05-08")).name == "1d"


@pytest.mark.parametrize(
    ("name", "seasons"),
    [
        ("100ms", (600, 36_000)),
        ("1s", (3_600, 86_400)),
        ("1min", (1_440, 10_080)),
        ("15min", (96, 672)),
        ("30min", (48, 336)),
        ("1h", (24, 168)),
        ("7h", (24,)),
        ("8h", (3, 21)),
        ("5h", ()),
        ("1d", (7,)),
        ("2d", ()),
        ("business day", (5,)),
        ("1w", (52,)),
        ("2w", (26,)),
        ("3w", ()),
        ("1 month", (12,)),
        ("3 months (end)", (4,)),
        ("5 months", ()),
        ("12 months", ()),
    ],
)
def test_seasons(name: str, seasons: tuple[int, ...]) -> None:
    assert parse(name).seasons() == seasons


@pytest.mark.parametrize(
    ("name", "stamp", "phase"),
    [
        ("30min", "2024-05-08T00:00", 0),
        ("30min", "2024-05-08T23:30", 47),
        ("30min", "2024-05-08T23:45", 47),
        ("1s", "2024-05-08T13:00:01", 1),
        ("1d", "2024-05-06T12:00", 0),
        ("1d", "1969-12-28", 6),
        ("business day", "2024-05-10", 4),
        ("1w", "2024-01-01", 0),
        ("1w", "2021-01-03", 51),  # ISO week 53 of 2020
        ("1w", "2026-01-01", 0),  # a Thursday
        ("1w", "2024-12-30", 0),  # ISO week 1 of 2025
        ("2w", "2024-01-15", 1),
        ("1 month (end)", "2024-12-31", 11),
        ("3 months", "1969-07-01", 2),
        ("12 months", "2024-01-01", 0),
    ],
)
def test_phase_comes_from_the_stamp(name: str, stamp: str, phase: int) -> None:
    assert parse(name).phase(stamps(stamp)).tolist() == [phase]


@pytest.mark.parametrize(
    "name",
    [
        "",
        "1",
        "0h",
        "60min",
        "1 days",
        "1 month (day 32)",
        "1 month (day 1)",
        "9" * 12 + "w",
        "1d (5-2 of the week)",
        "1d (0-9 of the week)",
        "1d (0,-3 of the week)",
        "row (x)",
    ],
)
def test_other_names_are_refused(name: str) -> None:
    with pytest.raises(InputError, match=f"such as 30min, .*got {re.escape(repr(name))}"):
        parse(name)


@pytest.mark.parametrize(
    ("name", "step", "zone"),
    [
        ("1d in America/Sao_Paulo", "D", "America/Sao_Paulo"),
        ("1w in America/Santiago", "W", "America/Santiago"),
        ("1 month in America/Sao_Paulo", "M", "America/Sao_Paulo"),
        ("1d in Europe/Berlin", "D", "Europe/Berlin"),
        ("1d in Africa/Cairo", "D", "Africa/Cairo"),
    ],
)
def test_days_at_local_midnight_are_even_where_clocks_change(
    name: str, step: str, zone: str
) -> None:
    dates = np.arange("2017-01-01", "2027-01-01", dtype=f"M8[{step}]")
    midnights = Zone(zone).utc(dates.astype("M8[us]"))
    found = infer(midnights, Zone(zone))
    assert found.key == name
    for start in (0, 5, int(np.searchsorted(dates, np.datetime64("2018-11-04", step)))):
        assert (
            found.after(midnights[start], len(dates) - start - 1) == midnights[start + 1 :]
        ).all()
        assert (found.place(midnights, midnights[start]) == np.arange(len(dates)) - start).all()


def test_hours_are_even_in_utc_and_have_the_phase_of_the_clock() -> None:
    hours = np.arange("2018-02-17T00", "2018-02-19T12", dtype="M8[h]").astype("M8[us]")
    found = infer(hours, Zone("America/Sao_Paulo"))
    assert found.key == "1h in America/Sao_Paulo"
    midnight = int(np.flatnonzero(found.phase(hours) == 0)[1])  # of the 18th: 23:00 comes twice
    assert found.phase(hours)[midnight - 2 : midnight + 2].tolist() == [23, 23, 0, 1]


@pytest.mark.parametrize(
    ("rule", "name"),
    [
        ("1d", "1d (0-5 of the week)"),
        ("1h", "1h (9-16,33-40,57-64,81-88,105-112 of the week)"),
        ("BME", "1 month (last business day)"),
        ("BQS", "3 months (first business day)"),
    ],
)
def test_weeks_and_months_with_days_left_out_are_found(rule: str, name: str) -> None:
    if rule in ("1d", "1h"):
        step = {"1d": "D", "1h": "h"}[rule]
        whole = np.arange("2023-01-02", "2024-02-01", dtype=f"M8[{step}]").astype("M8[us]")
        slot = (whole - np.datetime64("2023-01-02", "us")) // np.timedelta64(1, step)
        day, hour = slot // (24 if step == "h" else 1) % 7, slot % 24
        kept = day < 6 if step == "D" else (day < 5) & (hour >= 9) & (hour < 17)
        times = whole[kept]
    else:
        months = np.arange("2020-01", "2025-01", 1 if rule == "BME" else 3, dtype="M8[M]")
        ends = (months + 1).astype("M8[D]") - 1 if rule == "BME" else months.astype("M8[D]")
        roll = "backward" if rule == "BME" else "forward"
        times = np.busday_offset(ends, 0, roll=roll).astype("M8[us]")
    found = infer(times)
    assert found.name == name
    assert infer(np.delete(times, [5, 17])).name == name
    assert (found.after(times[0], len(times) - 1) == times[1:]).all()
    assert (np.diff(found.phase(times)) % found.seasons()[0] == 1).all() or rule == "BQS"
