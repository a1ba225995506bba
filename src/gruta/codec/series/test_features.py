import tracemalloc
from dataclasses import replace

import numpy as np
import pytest

from gruta.codec.series.features import (
    Past,
    Table,
    future_features,
    future_names,
    lags,
    past_names,
    windows,
)
from gruta.locale import spoken


@pytest.fixture
def squares() -> Table:
    """y is n², known 100 + n, past −n, the calendar n mod 2."""
    n = np.arange(20, dtype=np.float32)
    return Table(
        y=n**2,
        known=(100 + n)[:, None],
        past=-n[:, None],
        calendar=(n % 2)[:, None],
        seasons=(4,),
        lookback=3,
        horizon=5,
    )


def rows_of(table: Table) -> np.ndarray:
    """All that the encoder may read of it."""
    return Past(table)(np.arange(len(table.y)))


FUTURE_OF_10 = {
    # known then and now, calendar, y now; a season before: y less y now, two changes, known
    1: [111, 110, 1, 100, 49 - 100, 49 - 36, 36 - 25, 107],
    4: [114, 110, 0, 100, 100 - 100, 100 - 81, 81 - 64, 110],
    5: [115, 110, 1, 100, 49 - 100, 49 - 36, 36 - 25, 107],  # row 11 is to come: two seasons
}


@pytest.mark.parametrize("step", FUTURE_OF_10)
def test_what_is_known_of_a_step_to_come(squares, step):
    found = future_features(squares, np.array([10]), np.array([step]))
    assert found[0, 0].tolist() == FUTURE_OF_10[step]


def test_what_the_encoder_reads_at_a_row(squares):
    past = rows_of(squares)
    assert past[10].tolist() == [100, 100 - 81, -10, *FUTURE_OF_10[1]]
    assert past.shape == (20, squares.past_width)


def test_features_have_names_in_their_order(squares):
    with spoken("en"):
        coming = future_names("y", ["plan"], ["odd"], squares.seasons)
        whole = past_names("y", ["wind"], coming)
    assert coming == [
        "plan then",
        "plan now",
        "odd",
        "y now",
        "y a season (4) before, less now",
        "change of y a season (4) before",
        "change of y a season (4) and a step before",
        "plan a season (4) before",
    ]
    assert whole == ["y", "change of y", "wind", *coming]
    assert (len(coming), len(whole)) == (squares.future_width, squares.past_width)


def test_windows_of_a_tiny_series(squares):
    past = rows_of(squares)
    batch = windows(squares, Past(squares), np.array([12, 14]), np.array([[0, 2], [1, 2]]), 3)
    assert np.array_equal(batch["past"], np.stack([past[10:13], past[12:15]]))
    assert batch["lags"].tolist() == [
        [[64 - 100, 81 - 100, 0], [100 - 144, 121 - 144, 0]],
        [[121 - 169, 144 - 169, 0], [144 - 196, 169 - 196, 0]],
    ]
    assert batch["future"].shape == (2, 2, 5, squares.future_width)
    assert batch["future"][0, 0, 4].tolist() == FUTURE_OF_10[5]
    assert batch["target"][0, 0].tolist() == [21, 44, 69, 96, 125]


def test_first_origin_needs_its_window_and_the_lags_of_that(squares):
    assert squares.first_origin == 3 + 2 * 4 + 2
    y = squares.y.copy()
    y[squares.first_origin - squares.lookback] = np.nan  # the window begins a row later
    last = np.array([squares.first_origin])
    batch = windows(squares, Past(squares), last, np.array([[2]]), 3)
    assert all(np.isfinite(value).all() for value in batch.values())


def seen_from(table: Table, origin: int) -> dict[str, np.ndarray]:
    """All that a forecast from this row reads."""
    last = np.array([origin])
    positions = np.array([[table.lookback - 1]])
    batch = windows(table, Past(table), last, positions, table.lookback)
    del batch["target"]
    return batch


def same(a, b):
    return all(np.array_equal(a[name], b[name]) for name in a)


@pytest.mark.parametrize("seasons", [(), (4,), (2, 7)])
@pytest.mark.parametrize("horizon", [1, 3, 9])
def test_nothing_after_the_origin_is_seen(random_table, seasons, horizon):
    table = random_table(seasons=seasons, horizon=horizon)
    origin = 40
    before = seen_from(table, origin)
    rows = np.arange(len(table.y))

    def shaken(column, after):
        return np.where((rows > after).reshape(-1, *[1] * (column.ndim - 1)), 99.0, column)

    hidden = replace(
        table,
        y=shaken(table.y, origin),
        past=shaken(table.past, origin),
        known=shaken(table.known, origin + horizon),
        calendar=shaken(table.calendar, origin + horizon),
    )
    assert same(seen_from(hidden, origin), before)
    for name, last in (("y", origin - 1), ("past", origin - 1), ("known", origin + horizon - 1)):
        nearer = replace(table, **{name: shaken(getattr(table, name), last)})
        assert not same(seen_from(nearer, origin), before)


def test_memory_does_not_grow_with_the_lookback(random_table):
    short, long = (random_table(rows=2000, lookback=lookback) for lookback in (48, 480))
    sizes = [rows_of(table).nbytes for table in (short, long)]
    assert sizes[0] == sizes[1] == 2000 * short.past_width * 4


@pytest.mark.parametrize("keep", [True, False])
def test_rows_of_the_past_are_the_same_kept_or_made_when_asked(random_table, keep):
    table = random_table()
    some = np.array([[20, 21], [40, 59]])
    assert np.array_equal(Past(table, keep)(some), rows_of(table)[some])


@pytest.mark.parametrize("rows", [2_000, 20_000])
def test_batch_takes_no_more_memory_than_itself(random_table, rows):
    table = random_table(rows=rows, lookback=480)
    past = Past(table)
    last, positions = np.arange(1000, 1004), np.full((4, 2), 479)
    tracemalloc.start()
    try:
        batch = windows(table, past, last, positions, 480)
        _, peak = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    own = sum(values.nbytes for values in batch.values())
    assert batch["past"].nbytes == 4 * 480 * table.past_width * 4
    assert peak < 2.5 * own


def test_lags_are_changes_from_the_value_at_the_origin(squares):
    assert lags(squares, np.array([10])).tolist() == [[64 - 100, 81 - 100, 0]]


def test_series_do_not_see_each_other_and_short_histories_are_told():
    n = np.arange(14, dtype=np.float32)
    y = np.r_[n, 100 - n]
    absent = np.zeros(28, bool)
    absent[16] = True  # the third row of the second series, which holds the value before
    y[16] = y[15]
    empty = np.empty((28, 0), np.float32)
    starts = np.array([0, 14, 28])
    two = Table(y, empty, empty, empty, (4,), 3, 2, starts=starts, absent=absent)
    batch = windows(two, Past(two), np.array([15]), np.array([[2]]), 3)
    assert batch["lags"].tolist() == [[[1, 1, 0]]]  # the row before the first stands for it
    assert batch["past"][0, :, -1].tolist() == [1, 0, 0]
    assert batch["past"][0, :, 0].tolist() == [100, 100, 99]
    assert np.isnan(batch["target"][0, 0]).tolist() == [True, False]
    assert batch["target"][0, 0, 1] == 97 - 99
    season = batch["future"][0, 0]
    assert season[:, 1].tolist() == [100 - 99] * 2
    assert season[:, -1].tolist() == [1, 1]
    shaken = replace(two, y=np.where(np.arange(28) < 14, 7.0, y).astype(np.float32))
    again = windows(shaken, Past(shaken), np.array([15]), np.array([[2]]), 3)
    assert all(np.array_equal(batch[k], again[k], equal_nan=True) for k in batch)
