import pytest
import torch

from gruta.tasks.forecast.moments import ROWS_AT_ONCE, History, Moving, slide, standing

ORIGINS = {
    "one run": torch.arange(20, 20 + ROWS_AT_ONCE + 9),
    "runs": torch.cat([torch.arange(20, 50), torch.arange(57, 58), torch.arange(80, 130)]),
    "none beside another": torch.arange(20, 60, 3),
}
"""Rows with 19 before them and 12 after."""


def signals(columns):
    generator = torch.Generator().manual_seed(columns)
    return torch.randn(ROWS_AT_ONCE + 60, columns, dtype=torch.float64, generator=generator)


def direct(history, origins):
    """`[M, W]`: the history's columns, signal by signal, the oldest first."""
    before = torch.arange(1 - history.depth, 1)
    return history.signals[origins[:, None] + before].transpose(1, 2).flatten(1)


@pytest.mark.parametrize("origins", ORIGINS.values(), ids=ORIGINS)
def test_sums_that_slide_are_the_sums_over_all_rows(origins):
    histories = [History(signals(1), 5), History(signals(2), 1), History(signals(3), 3)]
    a, b = signals(4), signals(2)
    found = slide(histories, [Moving(a, 1), Moving(b, -4)], origins, 9)
    still = torch.cat([direct(h, origins) for h in histories], 1)
    for step, (cross, gram) in enumerate(found):
        moving = torch.cat([a[origins + 1 + step], b[origins - 4 + step]], 1)
        torch.testing.assert_close(cross, still.T @ moving)
        torch.testing.assert_close(gram, moving.T @ moving)
    assert step == 8


@pytest.mark.parametrize("origins", ORIGINS.values(), ids=ORIGINS)
def test_columns_that_stand_still_with_each_other(origins):
    histories = [History(signals(1), 5), History(signals(2), 1), History(signals(3), 3)]
    still = torch.cat([direct(h, origins) for h in histories], 1)
    sums, products = standing(histories, origins)
    torch.testing.assert_close(sums, still.sum(0))
    torch.testing.assert_close(products, still.T @ still)
