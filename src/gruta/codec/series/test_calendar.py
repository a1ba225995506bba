import numpy as np
import pytest

from gruta.codec.series.calendar import Calendar, calendar, calendar_names
from gruta.codec.series.infer import parse
from gruta.locale import spoken

START = np.datetime64("2023-12-29T00:00", "us")


def rows_of(found: Calendar) -> np.ndarray:
    """All of them."""
    return found.take(np.arange(found.rows))


@pytest.mark.parametrize(
    ("name", "features"),
    [
        ("1min", 20 + 7),
        ("15min", 96 + 7),
        ("1h", 24 + 7),
        ("5h", 7),
        ("1d", 7),
        ("business day", 5),
        ("1w", 52),
        ("1 month (end)", 12),
        ("3 months", 4),
        ("12 months", 0),
    ],
)
def test_a_row_depends_on_its_stamp_alone(name: str, features: int) -> None:
    frequency = parse(name)
    times = frequency.after(START, 400)
    whole = rows_of(calendar([times[:30], times[30:]], frequency))
    assert whole.shape == (400, features)
    assert whole.dtype == np.float32
    assert len(set(calendar_names(frequency))) == features
    # The same stamps, read from a file that begins later.
    np.testing.assert_array_equal(rows_of(calendar([times[37:]], frequency)), whole[37:])


def test_one_column_a_phase_then_one_a_weekday() -> None:
    sunday_at_five = np.array(["2024-05-12T05:00"], "M8[us]")
    (row,) = rows_of(calendar([sunday_at_five], parse("1h")))
    assert np.flatnonzero(row).tolist() == [5, 24 + 6]
    assert row.sum() == 2
    with spoken("en"):
        names = calendar_names(parse("1h"))
    assert [names[k] for k in np.flatnonzero(row)] == ["phase 5", "Sunday"]


def test_many_phases_become_waves_that_close_at_midnight() -> None:
    times = np.array(["2024-05-12T00:00", "2024-05-12T06:00", "2024-05-13T00:00"], "M8[us]")
    midnight, six, next_midnight = rows_of(calendar([times], parse("1min")))[:, :20]
    np.testing.assert_array_equal(midnight, [0] * 10 + [1] * 10)
    np.testing.assert_array_equal(next_midnight, midnight)
    np.testing.assert_allclose(six[:4], [1, 0, -1, 0], atol=1e-6)
    np.testing.assert_allclose(six[10:14], [0, -1, 0, 1], atol=1e-6)
