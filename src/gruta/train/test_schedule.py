"""The learning rate of a step."""

from itertools import pairwise

import pytest

from gruta.settings import StreamSettings
from gruta.train import (
    rate,
)


@pytest.mark.parametrize(
    ("schedule", "warmup", "expected"),
    [
        ("constant", 0.2, {0: 1, 5: 1, 9: 1}),
        ("cosine", 0.2, {0: 1 / 3, 1: 2 / 3, 2: 1, 9: 0}),
        ("cosine", 0.1, {0: 1 / 2, 1: 1, 5: 1 / 2, 9: 0}),
        ("cosine", 0.0, {0: 1, 3: 3 / 4, 6: 1 / 4, 9: 0}),
        ("onecycle", 0.2, {0: 0.28, 1: 0.76, 2: 1, 9: 1 / 250_000}),
        ("onecycle", 0.1, {0: 0.52, 1: 1, 5: (1 + 1 / 250_000) / 2, 9: 1 / 250_000}),
    ],
)
def test_rate_at_points_worked_out_by_hand(schedule, warmup, expected):
    settings = StreamSettings(steps=10, learning_rate=2.0, schedule=schedule, warmup=warmup)
    found = {step: rate(settings, step) for step in expected}
    assert found == pytest.approx({step: 2.0 * share for step, share in expected.items()})


@pytest.mark.parametrize("schedule", ["cosine", "onecycle"])
def test_rate_rises_then_falls_and_never_leaves_its_bounds(schedule):
    for steps in (1, 2, 7):
        for warmup in (0.0, 0.5, 0.99):
            settings = StreamSettings(steps=steps, schedule=schedule, warmup=warmup)
            rates = [rate(settings, step) for step in range(steps)]
            assert all(0 <= r <= settings.learning_rate for r in rates)
            top = rates.index(max(rates))
            assert all(a < b for a, b in pairwise(rates[: top + 1]))
            assert all(a > b for a, b in pairwise(rates[top:]))
