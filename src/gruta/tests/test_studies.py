"""Each study through the command line, and whether what its report says is so."""

import sys
from contextlib import nullcontext
from dataclasses import replace
from xml.etree import ElementTree

import numpy as np
import pytest
import torch

from gruta.cli import main
from gruta.cli.study import OFFERS
from gruta.errors import InputError
from gruta.locale import spoken
from gruta.report.mathml import mathml
from gruta.studies import equations, exploding, forgetting, memory, vanishing
from gruta.studies.contest import Entrant, compete, hidden_for, settings
from gruta.studies.plan import Plan
from gruta.studies.problems import Adding, Copying
from gruta.studies.problems.adding import CONSTANT
from gruta.studies.problems.paragraphs import Paragraphs
from gruta.studies.problems.recall import Recall
from gruta.studies.registry import STUDIES
from gruta.train import Interrupted, Progress


def test_vanishing_study_shows_who_loses_the_gradient(study, monkeypatch):
    monkeypatch.setattr(vanishing, "LENGTHS", (20, 60))
    monkeypatch.setattr(vanishing, "TRAINED_AT", 10)
    told, page = study("vanishing")
    for cell, slope in told["slope"].items():
        assert slope < -0.1
        assert told["reach"][cell]["60"] < 1e-3 * told["reach"][cell]["20"]
    for cell in ("gru", "lstm"):
        assert told["slope_chrono"][cell] > 0.2 * told["slope"][cell]
    for cell in ("rnn", "gru"):
        assert told["depth"][cell][-1] < 0.1 < 0.5 < told["depth"][f"{cell} residual"][-1]
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
    # Cut components turn a gradient of two by 45° at most.
    assert 0.7 < told["value"]["smallest_cosine"] < 0.95
    assert "by norm" in page


def test_loss_of_the_cliff_is_that_of_the_recurrence_by_hand():
    w, b, h = 5.0, -2.0, 0.5
    for _ in range(50):
        h = w / (1 + np.exp(-h)) + b
    by_hand = (1 / (1 + np.exp(-h)) - 0.7) ** 2
    found = exploding.loss_of(torch.tensor(w).double(), torch.tensor(b).double())
    assert float(found) == pytest.approx(by_hand)


def test_memory_study_shows_that_gates_ready_to_keep_remember(study, monkeypatch):
    starts = [memory.Start("rnn", "torch", 5e-3), memory.Start("gru", "chrono", 1e-2)]
    copiers = [memory.Start("rnn", "orthogonal", 3e-3)]
    rounds = [
        memory.Round(Adding(40), 3000, 600, starts),
        memory.Round(Copying(5), 3000, 300, copiers),
    ]
    monkeypatch.setattr(memory, "rounds", lambda effort: rounds)
    told, page = study("memory", "pt_BR")
    rnn, gru, copier = told["results"]
    assert gru["mean_squared_error"] < 0.1 * CONSTANT < rnn["mean_squared_error"]
    assert copier["accuracy"] > 0.25
    assert "Soma em 40 passos" in page
    assert "GRU, chrono" in page


def test_gates_study_finds_the_units_that_guard_the_fact(study):
    told, page = study("gates")
    for cell in ("gru", "lstm"):
        own = told[cell]
        assert own["accuracy"] > 0.95
        keep = own["keep_of_carriers"]
        assert keep["when_marked"] < keep["while_guarded"] > keep["lowest_after"]
        assert own["accuracy_without_carriers"] < own["accuracy_without_as_many_others"]
        (marked, asked), (_next, last) = told["times"]
        first, second = own["known"]
        assert first[str(asked)] > 0.9 > 0.5 > first[str(last)]
        assert asked < keep["lowest_after_at"] < _next
        assert second[str(marked)] < 0.3
        assert 0 < len(own["carriers"][0]) < 32
        assert f"{len(own['carriers'][0])} of 32 units carry the first fact" in page


def test_forgetting_study_shows_who_knows_the_beginning(study, monkeypatch):
    starts = (("gru", "torch", 5e-3), ("gru", "chrono", 5e-3))
    monkeypatch.setattr(forgetting, "STARTS", starts)
    told, page = study("forgetting", "pt_BR")
    reach = {own["init"]: own["distance"] for own in told["reach"]}
    assert reach["chrono"] == 20 > reach["torch"]
    assert told["accuracy_of_counting"]["20"] < told["accuracy_of_counting"]["5"]
    assert "a GRU aprende até 20 palavras" in page


def plan(directory, progress=None, **more):
    return Plan(directory, lambda line: None, lambda *_: nullcontext(progress), **more)


def entrant(directory, steps=120):
    how = settings(plan(directory), steps, 5e-3, batch_size=4)
    how = how.model_copy(update={"checkpoint_every": 10})
    return Entrant(Adding(12), "gru", 6, how, "chrono")


class Kill(Progress):
    """Stops the training once it has come to a step."""

    def step(self, record):
        if record["step"] >= 50:
            raise Interrupted("killed")


def test_training_that_was_killed_goes_on_to_the_same_numbers_and_is_not_done_twice(tmp_path):
    whole = compete(entrant(tmp_path), plan(tmp_path / "whole"))
    with pytest.raises(Interrupted):
        compete(entrant(tmp_path), plan(tmp_path / "parts", Kill()))
    resumed = compete(entrant(tmp_path), plan(tmp_path / "parts"))
    assert resumed.test == whole.test
    again = compete(entrant(tmp_path), plan(tmp_path / "parts", Kill()))  # has no step to take
    assert again.test == whole.test
    assert again.seconds == resumed.seconds


def test_run_of_other_settings_is_not_taken_for_this_one(tmp_path):
    first = entrant(tmp_path)
    compete(first, plan(tmp_path))
    other = replace(first, settings=first.settings.model_copy(update={"learning_rate": 1e-4}))
    with pytest.raises(InputError, match="trained with other settings"):
        compete(other, plan(tmp_path))


def test_run_of_another_network_is_not_taken_for_this_one(tmp_path):
    first = replace(entrant(tmp_path, steps=20), problem=Paragraphs(6, 6))
    compete(first, plan(tmp_path))
    other = replace(first, problem=Paragraphs(6, 4))
    assert other.name == first.name
    with pytest.raises(InputError, match=r"entrant\.json tells of another network"):
        compete(other, plan(tmp_path))


def test_shared_equations_are_typeset_whole():
    kinds = (equations.rnn, equations.gru, equations.lstm_keeps, equations.chrono)
    for line in (line for kind in kinds for line in kind()):
        assert not set("_{}") & set("".join(ElementTree.fromstring(mathml(line.text)).itertext()))


def test_every_study_is_a_command():
    assert [offer.name for offer in OFFERS] == list(STUDIES)


def test_quick_and_full_exclude_each_other(monkeypatch, capfd):
    monkeypatch.setattr(sys, "argv", ["gruta", "study", "memory", "--quick", "--full"])
    with pytest.raises(SystemExit) as end:
        main()
    assert end.value.code == 2
    assert "--quick and --full" in capfd.readouterr().err


@pytest.mark.parametrize("cell", ["rnn", "lstm", "gru"])
def test_networks_of_different_cells_have_about_as_many_parameters(cell):
    problem = Adding(5)
    found = Entrant(problem, cell, hidden_for(problem, cell, 70_000), settings(plan("."), 1, 1.0))
    count = sum(p.numel() for p in found.network().parameters())
    assert count == pytest.approx(70_000, rel=0.01)


@pytest.mark.parametrize("T", [2, 3, 50])
def test_adding_marks_one_number_in_each_half(T):
    x, y = Adding(T).draw(2000, torch.Generator().manual_seed(0))
    numbers, marks = x[..., 0], x[..., 1]
    half = T // 2
    assert marks[:half].sum(0).eq(1).all()
    assert marks[half:].sum(0).eq(1).all()
    torch.testing.assert_close((numbers * marks).sum(0), y)
    assert y.var().item() == pytest.approx(CONSTANT, rel=0.1)


def test_copying_shows_the_symbols_then_silence_then_asks_for_them():
    x, y = Copying(7).draw(50, torch.Generator().manual_seed(0))
    assert x.shape == (5 + 7 + 5, 50, 10)
    assert x.sum(2).eq(1).all()
    shown = x.argmax(2)
    assert shown[:5].equal(y)
    assert shown[5:11].eq(8).all()
    assert shown[11].eq(9).all()
    assert shown[12:].eq(8).all()


def test_recall_asks_for_the_symbol_that_was_marked_and_else_for_the_one_before():
    x, y = Recall(40).draw(200, torch.Generator().manual_seed(0))
    symbols = x[..., :8].argmax(2)
    for b in range(200):
        marked, asked = x[:, b, 8].nonzero()[:, 0], x[:, b, 9].nonzero()[:, 0]
        assert len(marked) == len(asked) == 2
        assert marked[0] < asked[0] < marked[1] < asked[1]
        assert max(asked - marked) <= Recall(40).longest_lag
        assert y[asked, b, 0].equal(symbols[marked, b])
        others = [t for t in range(1, 40) if t not in asked]
        assert y[others, b, 0].equal(symbols[[t - 1 for t in others], b])
        assert y[:, b, 1].nonzero()[:, 0].equal(asked)


@pytest.mark.parametrize("language", ["en", "pt_BR"])
def test_paragraphs_decide_in_their_second_word_alone(language):
    with spoken(language):
        problem = Paragraphs(30, 30)
        x, y = problem.draw(400, torch.Generator().manual_seed(0))
        texts = [" ".join(problem.words[k] for k in row if k) for row in x.T.tolist()]
        likes = {"en": "loved praised enjoyed applauded recommended admired"}.get(
            language, "adorou elogiou aproveitou aplaudiu recomendou admirou"
        )
        lengths = (x > 0).sum(0)
        assert lengths.min() >= 32
        assert 0.4 < y.mean() < 0.6
        for text, yes in zip(texts, y.tolist(), strict=True):
            first, verb, *rest = text.split()
            assert (verb in likes.split()) == bool(yes)
            assert first not in rest
        counted = np.mean(
            [problem.majority(t) == bool(yes) for t, yes in zip(texts, y, strict=True)]
        )
        assert 0.5 < counted < 0.85
