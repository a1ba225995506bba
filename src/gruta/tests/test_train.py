"""The loop trains, measures, and goes on from any stop to the same numbers."""

import math
import os
import signal
import subprocess
import sys

import pytest
import torch
from accelerate.tracking import TensorBoardTracker

import gruta.train.schedule
import gruta.train.training
from gruta.errors import InputError
from gruta.runs import CHECKPOINT, METRICS, MODEL, read_metrics
from gruta.runs.lock import LOCK, training_alone
from gruta.settings import StreamSettings
from gruta.stopping import StopSignal
from gruta.tests.adding import Adding, run_at
from gruta.train import (
    Diverged,
    Interrupted,
    Progress,
    Validation,
    make_optimizer,
    rate,
    train,
)
from gruta.weights import read_tensors

SHORT = {
    "steps": 12,
    "batch_size": 32,
    "learning_rate": 0.01,
    "log_every": 1,
    "validate_every": 4,
    "checkpoint_every": 3,
}


class PowerCut(Exception):
    """Ends a training from inside, as a crash does."""


def power_cut():
    raise PowerCut


class Notes(Progress):
    def __init__(self):
        self.notes = []

    def note(self, message):
        self.notes.append(message)


def before_step(task, step, act):
    """`act` once, as the batch of this step is asked for."""
    batch = task.batch

    def acting(asked):
        if asked == step:
            task.batch = batch
            act()
        return batch(asked)

    task.batch = acting
    return task


def with_nan_gradient(task, steps):
    """The loss of these steps has a gradient of NaN at the output's bias."""
    loss, seen = task.loss, iter(range(10**6))

    def poisoned(batch, state):
        value, state = loss(batch, state)
        bad = next(seen) in steps
        return value + task.model.sum.bias.sum() * (math.nan if bad else 0.0), state

    task.loss = poisoned
    return task


def left_by(path):
    """All that a run leaves for good: its metrics but for wall times, and its tensors as bytes."""
    records = read_metrics(path / METRICS)
    metrics = [{k: v for k, v in r.items() if k != "seconds"} for r in records]
    files = (read_tensors(run_at(path, None), name)[0] for name in (MODEL, CHECKPOINT))
    return metrics, [{k: t.numpy().tobytes() for k, t in file.items()} for file in files]


def column(path, name):
    return [record[name] for record in read_metrics(path / METRICS) if name in record]


GOLDEN = [
    0.8436322,
    0.8352317,
    0.7924995,
    0.5120522,
    0.5223211,
    0.4646731,
    0.4814316,
    0.2632943,
    0.3078278,
    0.3310530,
]
GOLDEN_RTOL = 1e-4
"""Room for another CPU's order of summation over ten steps, and for nothing else."""


def test_short_trajectory_is_the_pinned_one(tmp_path):
    settings = StreamSettings(**SHORT | {"steps": 10})
    train(Adding(settings), settings, run_at(tmp_path, settings))
    assert column(tmp_path, "loss") == pytest.approx(GOLDEN, rel=GOLDEN_RTOL)


@pytest.mark.parametrize("optimizer", ["adamw", "adam", "sgd", "rmsprop"])
@pytest.mark.parametrize("schedule", ["constant", "cosine", "onecycle"])
def test_every_optimizer_and_schedule_lowers_the_loss(tmp_path, optimizer, schedule):
    given = {"steps": 40, "validate_every": 40, "checkpoint_every": 40, "learning_rate": 0.02}
    settings = StreamSettings(**SHORT | given, optimizer=optimizer, schedule=schedule)
    train(Adding(settings), settings, run_at(tmp_path, settings))
    first, last = column(tmp_path, "validation_loss")
    assert last < 0.5 * first


def test_names_of_metrics_are_fixed(tmp_path):
    settings = StreamSettings(**SHORT)
    watch = train(Adding(settings), settings, run_at(tmp_path, settings))
    prepared, scored, logged = read_metrics(tmp_path / METRICS)[:3]
    assert list(prepared) == ["step", "seconds"]
    assert list(scored) == ["step", "validation_loss"]
    assert list(logged) == [
        "step",
        "loss",
        "learning_rate",
        "gradient_norm_before_clipping",
        "gradient_norm_after_clipping",
        "clip_coefficient",
        "clip_cosine",
        "clipped_share",
        "seconds",
    ]
    parts = [
        "prepare",
        "validation",
        "batch",
        "forward",
        "backward",
        "optimizer",
        "log",
        "checkpoint",
    ]
    assert sorted(watch.seconds) == sorted(parts)


def test_watched_training_is_the_same_and_its_metrics_hold_what_was_seen(tmp_path):
    plain, watched = (StreamSettings(**SHORT, watch_every=n) for n in (0, 3))
    for settings, name in ((plain, "plain"), (watched, "watched")):
        train(Adding(settings), settings, run_at(tmp_path / name, settings))
    models = [(tmp_path / name / MODEL).read_bytes() for name in ("plain", "watched")]
    assert models[0] == models[1]
    lines = read_metrics(tmp_path / "watched" / METRICS)
    found = [line for line in lines if "health" in line]
    assert [line["step"] for line in found] == list(range(1, watched.steps + 1, 3))
    assert found[0]["health"]["gru l0/gradient_slope"] < 0
    assert found[0]["health"]["gru l0/update_ratio weight_hh_l0 z"] > 0
    others = [{k: v for k, v in line.items() if k != "seconds"} for line in lines]
    unwatched = read_metrics(tmp_path / "plain" / METRICS)
    assert [o for o in others if "health" not in o] == [
        {k: v for k, v in line.items() if k != "seconds"} for line in unwatched
    ]


def test_logged_rate_is_the_one_of_the_step(tmp_path):
    settings = StreamSettings(**SHORT)
    train(Adding(settings), settings, run_at(tmp_path, settings))
    expected = [rate(settings, step) for step in range(settings.steps)]
    assert column(tmp_path, "learning_rate") == expected


def test_step_with_a_nan_gradient_is_skipped_and_named(tmp_path):
    settings = StreamSettings(**SHORT | {"steps": 3, "tbptt": 4})
    task, progress, met = with_nan_gradient(Adding(settings), {1}), Notes(), []
    loss = task.loss

    def watched(batch, state):
        met.append((state, [p.detach().clone() for p in task.model.parameters()]))
        return loss(batch, state)

    task.loss = watched
    train(task, settings, run_at(tmp_path, settings), progress)
    assert progress.notes == ["step 2 skipped, not finite: sum.bias"]
    states, weights = zip(*met, strict=True)
    assert not any(map(torch.equal, weights[0], weights[1]))
    assert all(map(torch.equal, weights[1], weights[2]))
    assert states[1] is not None
    assert states[2] is None
    assert column(tmp_path, "loss")[1] is None
    assert column(tmp_path, "gradient_norm_before_clipping")[1] is None
    assert column(tmp_path, "skipped") == ["sum.bias"]


def test_step_with_a_nan_loss_is_skipped_though_its_gradient_is_finite(tmp_path):
    settings = StreamSettings(**SHORT | {"steps": 2})
    task, progress = Adding(settings), Notes()
    loss = task.loss
    task.loss = lambda batch, state: (loss(batch, state)[0] + float("nan"), None)
    before = [p.detach().clone() for p in task.model.parameters()]
    train(task, settings, run_at(tmp_path, settings), progress)
    assert progress.notes == [f"step {i} skipped, not finite: loss" for i in (1, 2)]
    assert all(map(torch.equal, before, task.model.parameters()))


def test_ten_nan_gradients_in_a_row_end_the_training_and_keep_the_checkpoint(tmp_path):
    settings = StreamSettings(**SHORT | {"steps": 20, "checkpoint_every": 1})
    task = with_nan_gradient(Adding(settings), {2} | set(range(5, 20)))
    run = run_at(tmp_path, settings)
    with pytest.raises(Diverged, match=r"10 steps in a row .* sum\.bias.*learning rate"):
        train(task, settings, run)
    tensors, position = read_tensors(run, CHECKPOINT)
    assert position["step"] == 5
    assert all(t.isfinite().all() for t in tensors.values())
    assert not run.has(MODEL)


def test_patience_ends_the_training_with_the_best_weights(tmp_path):
    settings = StreamSettings(**SHORT | {"steps": 100, "validate_every": 2, "patience": 2})
    task, met = Adding(settings), []
    losses = iter([3.0, 2.0, 2.5, 1.0, 1.0, 4.0, 0.5])

    def validate():
        met.append({k: v.clone() for k, v in task.model.state_dict().items()})
        return Validation(next(losses))

    task.validate = validate
    run = run_at(tmp_path, settings)
    train(task, settings, run)
    assert column(tmp_path, "validation_loss") == [3.0, 2.0, 2.5, 1.0, 1.0, 4.0]
    kept, about = read_tensors(run, MODEL)
    assert about == {"step": 6}
    for name, value in task.model.state_dict().items():
        assert torch.equal(value, met[3][name])
        assert torch.equal(value, kept[name])


def test_average_of_the_weights_is_validated_and_kept_and_training_goes_on_without(tmp_path):
    settings = StreamSettings(**SHORT | {"schedule": "constant", "average": 0.4})
    plain, task = Adding(StreamSettings(**SHORT | {"schedule": "constant"})), Adding(settings)
    steps, shown = [], []
    for name, lesson, met in (("plain", plain, steps), ("averaged", task, shown)):
        lesson.validate_every = 1  # after each step

        def validate(lesson=lesson, met=met):
            met.append({k: v.clone() for k, v in lesson.model.state_dict().items()})
            return Validation(1.0 / len(met))

        lesson.validate = validate
        train(lesson, lesson.settings, run_at(tmp_path / name, lesson.settings))
    average = dict(steps[0])
    for step, weights in enumerate(steps):
        share = min(0.4, step / (step + 9)) if step else 1.0
        average = {k: share * average[k] + (1 - share) * w for k, w in weights.items()}
        for name, expected in average.items():
            torch.testing.assert_close(shown[step][name], expected)
    for name, value in task.model.state_dict().items():
        assert torch.equal(value, shown[-1][name])


@pytest.mark.parametrize("bad", [math.nan, math.inf])
def test_score_that_is_not_finite_is_never_the_best_but_for_want_of_another(tmp_path, bad):
    settings = StreamSettings(**SHORT)
    task, losses = Adding(settings), iter([bad, 5.0, bad, 6.0])
    task.validate = lambda: Validation(next(losses))
    run = run_at(tmp_path, settings)
    train(task, settings, run)
    assert column(tmp_path, "validation_loss") == [None, 5.0, None, 6.0]
    assert read_tensors(run, MODEL)[1] == {"step": 4}
    never = run_at(tmp_path / "never", settings)
    task = Adding(settings)
    task.validate = lambda: Validation(bad)
    train(task, settings, never)
    assert read_tensors(never, MODEL)[1] == {"step": 0}


def test_carried_state_is_handed_over_without_its_graph(tmp_path):
    settings = StreamSettings(**SHORT | {"tbptt": 4, "steps": 3})
    task, given, returned = Adding(settings), [], []
    loss = task.loss

    def watched(batch, state):
        given.append(state)
        value, state = loss(batch, state)
        returned.append(state)
        return value, state

    task.loss = watched
    train(task, settings, run_at(tmp_path, settings))
    assert given[0] is None
    for (handed,), (left,) in zip(given[1:], returned, strict=False):
        assert left.requires_grad
        assert not handed.requires_grad
        assert torch.equal(handed, left)


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


def test_metrics_go_to_a_tracker_too(tmp_path):
    pytest.importorskip("tensorboardX")
    settings = StreamSettings(**SHORT, tracker="tensorboard", watch_every=4)
    run = run_at(tmp_path / "run", settings)
    train(Adding(settings), settings, run)
    (events,) = (tmp_path / "run" / "tracked").rglob("events*")
    written = events.read_bytes()
    for name in (b"loss", b"validation_loss", b"clipped_share", b"health/gru_l0/keep_mean"):
        assert name in written


def test_tracker_is_ended_and_the_run_whole_however_training_ends(tmp_path, monkeypatch):
    pytest.importorskip("tensorboardX")
    ended = []
    monkeypatch.setattr(TensorBoardTracker, "finish", lambda self: ended.append(self))
    settings = StreamSettings(**SHORT, tracker="tensorboard")
    task, run = before_step(Adding(settings), 5, power_cut), run_at(tmp_path / "run", settings)
    with pytest.raises(PowerCut):
        train(task, settings, run)
    assert len(ended) == 1
    train(Adding(settings), settings, run_at(tmp_path / "run", settings))
    assert len(ended) == 2
    assert (tmp_path / "run" / MODEL).is_file()


def test_tracker_that_is_not_installed_is_named(tmp_path):
    settings = StreamSettings(**SHORT, tracker="comet_ml")
    with pytest.raises(InputError, match="tracker: comet_ml is not installed; pip install it"):
        train(Adding(settings), settings, run_at(tmp_path / "run", settings))
