"""`gruta bench speech`: both libraries take the same steps; what is told is what was measured."""

import json
import sys
from functools import partial

import numpy as np
import pytest
import torch

from gruta import Transcriber
from gruta.bench.speech import dividing, lessons, listening, training
from gruta.bench.speech.sounds import RATE, recordings, speech
from gruta.cli import main

SMALL = {"hidden": 5, "layers": 2, "filters": 2, "dropout": 0.2}


@pytest.mark.parametrize("cell", ["gru", "lstm", "rnn"])
def test_both_libraries_learn_the_same_from_the_same_batches(cell):
    own = lessons.lesson(2, cell=cell, batch_size=3, steps=4, **SMALL)
    theirs = lessons.with_torchs_layers(own)
    batches = [own.batch(0), lessons.of_one_length(own.batch(1))]
    assert batches[0]["lengths"].unique().numel() > 1
    both = [training.Learner(one, batches) for one in (own, theirs)]
    assert isinstance(theirs.model.layers[0].layer, torch.nn.RNNBase)
    begin = None
    for _step in range(4):
        for one in both:
            one.step()
        ours, other = (float(one.loss.detach()) for one in both)
        assert ours == pytest.approx(other, rel=1e-4)
        begin = begin or ours
    assert ours < begin


def test_speech_that_nobody_said_has_the_length_and_the_text_that_it_should():
    every = recordings(5, 0.5, 1.0)
    for one in every.utterances:
        assert 0.5 <= len(one.sound) / RATE < 1.1
        assert 5 <= len(one.text) <= 21
    sounds, texts = zip(*speech(30), strict=True)
    assert 30 <= sum(map(len, sounds)) / RATE < 35
    assert all(text == " ".join(text.split()) for text in texts)
    assert all(np.abs(x[-RATE // 2 :]).max() < 0.01 for x in sounds)


@pytest.fixture
def small(monkeypatch, tmp_path):
    """All of it, of networks that learn nothing and of little sound."""
    few = {"batch_size": 2} | SMALL
    for room in (training, dividing):
        monkeypatch.setattr(room, "lesson", partial(lessons.lesson, **few))
    monkeypatch.setattr(dividing, "STEPS", 2)

    def learn(run):
        x = [one.sound for one in recordings(24, 0.4, 0.9).utterances]
        how = {"steps": 1, "ngram": "none", "rate": RATE, "direction": "forward"} | few
        Transcriber(**how).fit((x, recordings(24, 0.4, 0.9).texts), run=run)

    monkeypatch.setattr(listening, "_learn", learn)
    monkeypatch.setattr(
        listening, "_asked", lambda way, run, seconds: listening.answer(way, str(run), seconds / 99)
    )
    monkeypatch.setenv("GRUTA_LANG", "en")
    monkeypatch.setenv("COLUMNS", "140")


def test_all_is_told_in_tables_and_as_json(small, monkeypatch, capfd, tmp_path):
    path = tmp_path / "found.json"
    given = ["gruta", "bench", "speech", "--rounds", "1", "--minutes", "9", "--json", str(path)]
    monkeypatch.setattr(sys, "argv", given)
    with pytest.raises(SystemExit) as end:
        main()
    out, err = capfd.readouterr()
    assert not end.value.code, err
    found = json.loads(path.read_text())
    by_measure = {one["measure"]: one for one in found}
    assert set(by_measure) == {"training", "step", "batch", "listening"}
    gru = next(one for one in found if one["measure"] == "training")
    assert (gru["cell"], gru["goal"], gru["steps"]) == ("gru", 1.5, 2)
    ratio = gru["torch_seconds"] / gru["seconds"]
    assert f"1.5×: {'met' if ratio >= 1.5 else 'missed'}" in out
    assert by_measure["step"]["ahead"] == dividing.AHEAD
    assert by_measure["batch"]["spectra"] < by_measure["batch"]["batch"] * 1.5
    heard = by_measure["listening"]
    assert heard["way"] == "stream"
    assert heard["sound"] >= 9 * 60 / 99
    assert heard["error"] > 0.5
    assert "waiting for the batch" in out
    assert "spectra, network and search" in out


def test_a_goal_that_is_missed_is_told_as_such():
    one = training.Training("gru", 1, "own", 1.0, 1.49, 6, 1.0, 1.0, 1.5)
    assert not one.met
    assert training.Training("rnn", 1, "own", 1.0, 1.49, 6, 1.0, 1.0, None).met is None
