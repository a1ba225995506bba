import sys

import numpy as np
import pytest

from gruta.tasks import warping
from gruta.tasks.warping import nearest


def series(seed, length):
    """One wave of two, drawn out over so many steps."""
    t = np.linspace(0, 1, length)
    wave = np.sin(2 * np.pi * (1 + seed) * t)
    return np.stack([wave, t], 1)


def test_the_nearest_is_found_whatever_the_length(monkeypatch):
    pytest.importorskip("tslearn")
    notes = []
    train = [series(0, 30), series(1, 40), series(2, 25)]
    found = nearest(train, [series(2, 50), series(0, 20), series(1, 33)], notes)
    assert found.tolist() == [2, 0, 1]
    assert not notes


def test_too_many_are_said(monkeypatch):
    monkeypatch.setattr(warping, "MOST_PAIRS", 100)
    notes = []
    assert nearest([series(0, 30)], [series(0, 30)], notes) is None
    assert "too many cases" in notes[0]


def test_a_missing_library_is_said(monkeypatch):
    monkeypatch.setitem(sys.modules, "tslearn", None)
    monkeypatch.setitem(sys.modules, "tslearn.neighbors", None)
    notes = []
    assert nearest([series(0, 30)], [series(0, 30)], notes) is None
    assert "needs pip install tslearn" in notes[0]
