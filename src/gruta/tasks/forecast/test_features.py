from dataclasses import replace

import pytest
import torch
from torch.utils._python_dispatch import TorchDispatchMode
from torch.utils._pytree import tree_leaves

from gruta.locale import spoken
from gruta.tasks.forecast.features import (
    Table,
    future_features,
    future_names,
    lags,
    past_features,
    past_names,
    windows,
)


@pytest.fixture
def squares() -> Table:
    """y is n², known 100 + n, past −n, the calendar n mod 2."""
    n = torch.arange(20.0)
    return Table(
        y=n**2,
        known=(100 + n)[:, None],
        past=-n[:, None],
        calendar=(n % 2)[:, None],
        seasons=(4,),
        lookback=3,
        horizon=5,
    )


FUTURE_OF_10 = {
    # known then and now, calendar, y now; a season before: y less y now, two changes, known
    1: [111, 110, 1, 100, 49 - 100, 49 - 36, 36 - 25, 107],
    4: [114, 110, 0, 100, 100 - 100, 100 - 81, 81 - 64, 110],
    5: [115, 110, 1, 100, 49 - 100, 49 - 36, 36 - 25, 107],  # row 11 is to come: two seasons
}


@pytest.mark.parametrize("step", FUTURE_OF_10)
def test_what_is_known_of_a_step_to_come(squares, step):
    found = future_features(squares, torch.tensor([10]), torch.tensor([step]))
    assert found[0, 0].tolist() == FUTURE_OF_10[step]


def test_what_the_encoder_reads_at_a_row(squares):
    past = past_features(squares)
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
    past = past_features(squares)
    batch = windows(squares, past, torch.tensor([12, 14]), torch.tensor([[0, 2], [1, 2]]), 3)
    assert torch.equal(batch["past"], torch.stack([past[10:13], past[12:15]]))
    assert batch["lags"].tolist() == [
        [[64 - 100, 81 - 100, 0], [100 - 144, 121 - 144, 0]],
        [[121 - 169, 144 - 169, 0], [144 - 196, 169 - 196, 0]],
    ]
    assert batch["future"].shape == (2, 2, 5, squares.future_width)
    assert batch["future"][0, 0, 4].tolist() == FUTURE_OF_10[5]
    assert batch["target"][0, 0].tolist() == [21, 44, 69, 96, 125]


def test_first_origin_needs_its_window_and_the_lags_of_that(squares):
    assert squares.first_origin == 3 + 2 * 4 + 2
    y = squares.y.clone()
    y[squares.first_origin - squares.lookback] = torch.nan  # the window begins a row later
    last = torch.tensor([squares.first_origin])
    batch = windows(squares, past_features(squares), last, torch.tensor([[2]]), 3)
    assert all(value.isfinite().all() for value in batch.values())


def seen_from(table: Table, origin: int) -> dict[str, torch.Tensor]:
    """All that a forecast from this row reads."""
    last = torch.tensor([origin])
    positions = torch.tensor([[table.lookback - 1]])
    batch = windows(table, past_features(table), last, positions, table.lookback)
    del batch["target"]
    return batch


def same(a, b):
    return all(torch.equal(a[name], b[name]) for name in a)


@pytest.mark.parametrize("seasons", [(), (4,), (2, 7)])
@pytest.mark.parametrize("horizon", [1, 3, 9])
def test_nothing_after_the_origin_is_seen(random_table, seasons, horizon):
    table = random_table(seasons=seasons, horizon=horizon)
    origin = 40
    before = seen_from(table, origin)
    rows = torch.arange(len(table.y))

    def shaken(column, after):
        return torch.where((rows > after).view(-1, *[1] * (column.dim() - 1)), 99.0, column)

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
    sizes = [past_features(table).untyped_storage().nbytes() for table in (short, long)]
    assert sizes[0] == sizes[1] == 2000 * short.past_width * 4


class Largest(TorchDispatchMode):
    """The largest storage, in bytes, that an operation inside has made."""

    def __init__(self, given):
        super().__init__()
        self.bytes, self._given = 0, {t.untyped_storage().data_ptr() for t in given}

    def __torch_dispatch__(self, func, types, args=(), kwargs=None):
        result = func(*args, **(kwargs or {}))
        for tensor in tree_leaves(result):
            storage = tensor.untyped_storage()
            if storage.data_ptr() not in self._given:
                self.bytes = max(self.bytes, storage.nbytes())
        return result


@pytest.mark.parametrize("rows", [2_000, 20_000])
def test_batch_takes_no_more_memory_than_itself(random_table, rows):
    table = random_table(rows=rows, lookback=480)
    past = past_features(table)
    last, positions = torch.arange(1000, 1004), torch.full((4, 2), 479)
    with Largest([table.y, table.known, table.past, table.calendar, past]) as largest:
        batch = windows(table, past, last, positions, 480)
    assert largest.bytes == 4 * 480 * table.past_width * 4
    assert max(v.untyped_storage().nbytes() for v in batch.values()) == largest.bytes


def test_lags_are_changes_from_the_value_at_the_origin(squares):
    assert lags(squares, torch.tensor([10])).tolist() == [[64 - 100, 81 - 100, 0]]
