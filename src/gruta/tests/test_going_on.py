"""A training that is cut off, stopped or killed goes on to the same numbers, one at a time."""

import os
import signal
import subprocess
import sys

import pytest
import torch

import gruta.train.schedule
import gruta.train.training
from gruta.errors import InputError
from gruta.runs import CHECKPOINT, MODEL
from gruta.runs.lock import LOCK, training_alone
from gruta.settings import StreamSettings
from gruta.stopping import StopSignal
from gruta.tests.adding import (
    SHORT,
    Adding,
    PowerCut,
    before_step,
    column,
    left_by,
    power_cut,
    run_at,
)
from gruta.train import Interrupted, make_optimizer, train
from gruta.weights import read_tensors

OPTIMIZERS = [
    {"optimizer": "adamw"},
    {"optimizer": "adam"},
    {"optimizer": "sgd"},
    {"optimizer": "sgd", "momentum": 0.0},
    {"optimizer": "rmsprop"},
    {"optimizer": "adamw", "tbptt": 4},
    {"optimizer": "adamw", "precision": "bf16"},
    {"optimizer": "adamw", "average": 0.9},
]


@pytest.mark.parametrize("given", OPTIMIZERS, ids=str)
def test_training_cut_off_goes_on_to_the_same_numbers(tmp_path, given):
    settings = StreamSettings(**SHORT | given)
    train(Adding(settings), settings, run_at(tmp_path / "whole", settings))
    path = tmp_path / "cut"
    for step in (2, 7, 10):  # before the first checkpoint, between two, after the same one
        with pytest.raises(PowerCut):
            train(before_step(Adding(settings), step, power_cut), settings, run_at(path, settings))
    train(Adding(settings), settings, run_at(path, settings))
    assert left_by(path) == left_by(tmp_path / "whole")
    train(Adding(settings), settings, run_at(path, settings))  # there is nothing left to do
    assert left_by(path) == left_by(tmp_path / "whole")


def test_large_networks_step_in_one_pass_and_go_on_to_the_same_numbers(tmp_path, monkeypatch):
    monkeypatch.setattr(gruta.train.schedule, "FUSED_FROM", 0)
    settings = StreamSettings(**SHORT)
    assert make_optimizer(Adding(settings).model, settings).defaults["fused"]
    train(Adding(settings), settings, run_at(tmp_path / "whole", settings))
    path = tmp_path / "cut"
    with pytest.raises(PowerCut):
        train(before_step(Adding(settings), 7, power_cut), settings, run_at(path, settings))
    train(Adding(settings), settings, run_at(path, settings))
    assert left_by(path) == left_by(tmp_path / "whole")


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_signal_saves_after_the_step_and_training_goes_on_to_the_same(tmp_path, number):
    settings = StreamSettings(**SHORT | {"tbptt": 4})
    train(Adding(settings), settings, run_at(tmp_path / "whole", settings))
    path, handler = tmp_path / "stopped", signal.getsignal(number)
    task = before_step(Adding(settings), 7, lambda: signal.raise_signal(number))
    with pytest.raises(Interrupted, match="stopped after step 8 of 12"):
        train(task, settings, run_at(path, settings))
    assert signal.getsignal(number) is handler
    assert read_tensors(run_at(path, settings), CHECKPOINT)[1]["step"] == 8
    train(Adding(settings), settings, run_at(path, settings))
    assert left_by(path) == left_by(tmp_path / "whole")


@pytest.fixture
def interruptible():
    """Ctrl-C raises, which a shell has ignored in what it starts in the background."""
    before = signal.signal(signal.SIGINT, signal.default_int_handler)
    yield
    signal.signal(signal.SIGINT, before)


@pytest.mark.usefixtures("interruptible")
def test_second_signal_acts_at_once_whichever_came_first():
    with StopSignal() as stop:
        signal.raise_signal(signal.SIGTERM)
        assert stop.requested
        with pytest.raises(KeyboardInterrupt):
            signal.raise_signal(signal.SIGINT)


def test_second_training_of_a_run_is_refused_and_leaves_it_as_it_was(tmp_path):
    settings = StreamSettings(steps=4)
    train(Adding(settings), settings, run_at(tmp_path, settings))
    before = left_by(tmp_path)
    refused = pytest.raises(InputError, match=f"process {os.getpid()} is training there")
    with training_alone(run_at(tmp_path, settings)), refused:
        train(Adding(settings), settings, run_at(tmp_path, settings))
    assert left_by(tmp_path) == before


def test_run_is_held_until_the_weights_are_written(tmp_path, monkeypatch):
    held, write = {}, gruta.train.training.write_tensors

    def noting(run, name, *content):
        held[name] = (run.path / LOCK).exists()
        write(run, name, *content)

    monkeypatch.setattr(gruta.train.training, "write_tensors", noting)
    settings = StreamSettings(steps=4)
    train(Adding(settings), settings, run_at(tmp_path, settings))
    assert held == {"best-4.safetensors": True, CHECKPOINT: True, MODEL: True}


def test_checkpoint_of_another_model_is_refused(tmp_path):
    settings = StreamSettings(**SHORT)
    run = run_at(tmp_path, settings)
    train(Adding(settings), settings, run)
    other = Adding(settings)
    other.model.sum = torch.nn.Linear(8, 2)
    with pytest.raises(InputError, match=r"checkpoint\.safetensors: does not fit"):
        train(other, settings, run)
    (tmp_path / MODEL).rename(tmp_path / CHECKPOINT)
    with pytest.raises(InputError, match=r"checkpoint\.safetensors: does not fit"):
        train(Adding(settings), settings, run)


KILLED_AGAIN_AND_AGAIN = """
import os, random, signal, sys, time
from pathlib import Path
import torch
torch.set_num_threads(1)
from gruta.settings import StreamSettings
from gruta.tests.adding import Adding, run_at
from gruta.runs import CHECKPOINT
from gruta.train import make_optimizer, train

settings = StreamSettings(steps=24, checkpoint_every=1, log_every=1, validate_every=5, tbptt=4)

def start(path):  # by fork, because to import torch takes longer than to train
    if (child := os.fork()) == 0:
        train(Adding(settings), settings, run_at(path, settings))
        os._exit(0)
    return child

def changed(file, before):
    return file.exists() and file.stat().st_ino != before

def killed(path, checkpoints):
    child, ended = start(path), 0
    for _ in range(checkpoints):
        file = path / CHECKPOINT
        before = file.stat().st_ino if file.exists() else 0
        while not changed(file, before) and not ended:
            ended, _ = os.waitpid(child, os.WNOHANG)
            time.sleep(0.0002)
    time.sleep(random.uniform(0, 0.02))
    if not ended:
        os.kill(child, signal.SIGKILL)
        _, status = os.waitpid(child, 0)
        return os.WIFSIGNALED(status)
    return False

make_optimizer(Adding(settings).model, settings)  # imports much, here once for all children
whole, cut = map(Path, sys.argv[1:])
os.waitpid(start(whole), 0)
print(sum(killed(cut, checkpoints) for checkpoints in (0, 1, 4, 6, 3, 2)))
os.waitpid(start(cut), 0)
"""


def test_training_killed_at_any_moment_goes_on_to_the_same_numbers(tmp_path):
    whole, cut = tmp_path / "whole", tmp_path / "cut"
    program = [sys.executable, "-c", KILLED_AGAIN_AND_AGAIN, str(whole), str(cut)]
    done = subprocess.run(program, check=True, capture_output=True, text=True, timeout=120)
    assert int(done.stdout) >= 3
    assert left_by(cut) == left_by(whole)
    assert len(column(cut, "loss")) == 24
