"""Trainings in threads of one process: each comes to the numbers that it has alone."""

import json
import threading
from concurrent.futures import ThreadPoolExecutor

import matplotlib as mpl
import numpy as np
import pytest
import torch

from gruta.report.maps import bars
from gruta.settings import StreamSettings
from gruta.surroundings import threads
from gruta.tasks.forecast import Forecaster
from gruta.tests.adding import Adding
from gruta.tests.trainings import FRAME, SHORT, NoisyAdding, forecast, generators, trained

FORECASTS = [
    {"cell": "gru"},
    {"cell": "lstm", "precision": "bf16"},
    {"cell": "rnn", "init": "orthogonal", "threads": 2},
    {"cell": "gru", "init": "chrono", "tbptt": 7, "seed": 4},
]


def side_by_side(work, items):
    """The results where every item has a thread, and all start together."""
    gate = threading.Barrier(len(items))

    def started(item):
        gate.wait(60)
        return work(item)

    with ThreadPoolExecutor(len(items)) as pool:
        return list(pool.map(started, items))


def test_forecasters_come_to_the_numbers_that_each_has_alone():
    expected = [forecast(**settings) for settings in FORECASTS]
    for _ in range(2):
        assert side_by_side(lambda settings: forecast(**settings), FORECASTS) == expected


@pytest.mark.parametrize("kind", [Adding, NoisyAdding], ids=["global draws", "own draws"])
def test_tasks_come_to_the_numbers_that_each_has_alone(kind):
    def tasks():
        return [kind(StreamSettings(**SHORT, seed=seed)) for seed in range(4)]

    expected = [trained(task) for task in tasks()]
    for _ in range(2):
        given = tasks()
        before = generators()
        assert side_by_side(trained, given) == expected
        assert generators() == before


def test_one_forecaster_serves_threads_that_ask_different_things_of_it():
    forecaster = Forecaster(horizon=3, steps=3, hidden=4).fit(FRAME)
    asked = [
        lambda: forecaster.predict(FRAME).to_dicts(),
        lambda: forecaster.evaluate(FRAME).scores,
        lambda: json.dumps(forecaster.xray(FRAME).to_json()),
        lambda: json.dumps(forecaster.xray(FRAME, at=str(FRAME["ds"][60])).to_json()),
    ]
    expected = [ask() for ask in asked]
    for _ in range(3):
        assert side_by_side(lambda ask: ask(), asked) == expected


def test_pictures_leave_matplotlibs_settings_as_they_were():
    before = dict(mpl.rcParams)
    for _ in range(4):
        side_by_side(lambda k: bars([("a", np.ones(k), "k")], "x", "y"), [1, 2, 4])
    assert dict(mpl.rcParams) == before


def test_number_of_threads_is_set_for_the_thread_that_trains_alone():
    before = torch.get_num_threads()
    inside, seen = threading.Event(), threading.Event()

    def training():
        with threads(before + 2):
            inside.set()
            seen.wait(60)
            during = torch.get_num_threads()
        return during, torch.get_num_threads()

    with ThreadPoolExecutor(1) as one, ThreadPoolExecutor(1) as another:
        found = one.submit(training)
        inside.wait(60)
        fresh = another.submit(torch.get_num_threads).result()
        seen.set()
        assert found.result() == (before + 2, before)
    assert fresh == before == torch.get_num_threads()
