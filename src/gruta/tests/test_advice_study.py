"""How a rule of the advice is held against trainings, and the study that does it."""

import math

import pytest

from gruta.studies.advice import measure
from gruta.studies.advice.verdict import Case, Verdict


def verdict(*cases, bound=1.0, below=True):
    """Cases: (measure, failed)."""
    return Verdict("of the test", bound, below, [Case("", m, 0.0, f) for m, f in cases])


def test_accuracy_is_the_mean_over_failed_and_fine():
    found = verdict((0.1, True), (0.2, True), (3.0, True), (0.5, False), (2.0, False))
    assert found.accuracy() == pytest.approx((2 / 3 + 1 / 2) / 2)
    assert found.accuracy(0.3) == pytest.approx((2 / 3 + 1) / 2)
    told = found.to_json()
    assert (told["told"], told["told_and_failed"]) == (3, 2)
    assert (told["not_told"], told["not_told_and_fine"]) == (2, 1)


def test_best_bounds_part_the_failed_from_the_fine():
    found = verdict((0.1, True), (0.2, True), (0.5, False), (2.0, False))
    assert found.best() == (0.2, 0.5)
    above = verdict((0.1, False), (0.2, False), (0.5, True), bound=1.0, below=False)
    assert above.best() == (0.2, 0.5)
    assert above.to_json()["best_accuracy"] == 1.0


@pytest.mark.parametrize(
    "cases",
    [
        [],
        [(0.5, True)],
        [(0.5, True), (0.5, False)],
        [(-0.5, True), (0.5, False)],
        [(math.inf, True), (0.5, False)],
        [(0.1, False), (0.2, False)],
    ],
)
def test_few_or_odd_cases_are_told_without_a_crash(cases):
    found = verdict(*cases).to_json()
    assert (found["best_bounds"] is None) == (len({m for m, _ in cases if math.isfinite(m)}) < 2)
    assert 0 <= found["accuracy"] <= 1


def test_study_reports_every_rule(study, monkeypatch):
    monkeypatch.setattr(measure, "STEPS", 30)
    monkeypatch.setattr(measure, "_entrants", lambda plan: list(entrants(plan))[:4])
    told, page = study("advice", "pt_BR")
    assert set(told) == {
        "gradient that arrives",
        "time constant over need",
        "growth of the gradient",
        "clipped share",
        "cosine",
        "update ratio, low",
        "update ratio, high",
        "report",
    }
    growth = told["growth of the gradient"]
    assert growth["told_and_failed"] > 0
    assert growth["accuracy"] > 0.5
    assert "Até onde se pode confiar nos conselhos" in page


entrants = measure._entrants
