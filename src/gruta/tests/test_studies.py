"""Each study through the command line, and whether what its report says is so."""

import json
import sys

import numpy as np
import pytest
import torch

from gruta.cli import main
from gruta.studies import exploding, vanishing
from gruta.studies.adding import CONSTANT, adding


@pytest.fixture
def study(monkeypatch, capfd, tmp_path):
    """The numbers of a quick study, and its page in a language."""

    def run(name, language="en"):
        where = ["--out", str(tmp_path / language), "--quick", "--json"]
        monkeypatch.setattr(sys, "argv", ["gruta", "--lang", language, "study", name, *where])
        monkeypatch.setenv("GRUTA_LANG", language)
        with pytest.raises(SystemExit) as end:
            main()
        assert not end.value.code
        told = json.loads(capfd.readouterr().out)
        page = tmp_path / language / "report.html"
        assert told["report"] == str(page)
        return told, page.read_text(encoding="utf-8")

    return run


def test_vanishing_study_shows_who_loses_the_gradient(study, monkeypatch):
    monkeypatch.setattr(vanishing, "LENGTHS", (20, 60))
    monkeypatch.setattr(vanishing, "TRAINED_AT", 10)
    told, page = study("vanishing")
    for cell, slope in told["slope"].items():
        assert slope < -0.1
        assert told["reach"][cell]["60"] < 1e-3 * told["reach"][cell]["20"]
    for cell in ("gru", "lstm"):
        assert told["slope_chrono"][cell] > 0.2 * told["slope"][cell]
    assert told["depth"]["gru"][-1] < 0.01 < 0.5 < told["depth"]["gru residual"][-1]
    assert "The gradient that vanishes" in page
    told, page = study("vanishing", "pt_BR")
    assert "A dissipação do gradiente" in page


def test_exploding_study_shows_what_clipping_saves_and_turns(study):
    told, page = study("exploding")
    assert told["none"]["survived"] < told["none"]["of"]
    for way in ("value", "norm"):
        assert told[way]["survived"] == told[way]["of"]
        assert told[way]["largest_norm"] > 10
    assert told["norm"]["smallest_cosine"] == 1.0
    assert told["value"]["smallest_cosine"] < 0.9
    assert "by norm" in page


def test_loss_of_the_cliff_is_that_of_the_recurrence_by_hand():
    w, b, h = 5.0, -2.0, 0.5
    for _ in range(50):
        h = w / (1 + np.exp(-h)) + b
    by_hand = (1 / (1 + np.exp(-h)) - 0.7) ** 2
    found = exploding.loss_of(torch.tensor(w).double(), torch.tensor(b).double())
    assert float(found) == pytest.approx(by_hand)


@pytest.mark.parametrize("T", [2, 3, 50])
def test_adding_marks_one_number_in_each_half(T):
    x, y = adding(T, 2000, torch.Generator().manual_seed(0))
    numbers, marks = x[..., 0], x[..., 1]
    half = T // 2
    assert marks[:half].sum(0).eq(1).all()
    assert marks[half:].sum(0).eq(1).all()
    torch.testing.assert_close((numbers * marks).sum(0), y)
    assert y.var().item() == pytest.approx(CONSTANT, rel=0.1)
