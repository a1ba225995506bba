"""The loop trains, measures, and goes on from any stop to the same numbers."""

import math

import pytest
import torch
from accelerate.tracking import TensorBoardTracker

from gruta.errors import InputError
from gruta.runs import CHECKPOINT, METRICS, MODEL, read_metrics
from gruta.settings import StreamSettings
from gruta.tests.adding import (
    SHORT,
    Adding,
    PowerCut,
    before_step,
    column,
    power_cut,
    run_at,
)
from gruta.train import (
    Diverged,
    Progress,
    Validation,
    rate,
    train,
)
from gruta.weights import read_tensors


class Notes(Progress):
    def __init__(self):
        self.notes = []

    def note(self, message):
        self.notes.append(message)


def with_nan_gradient(task, steps):
    """The loss of these steps has a gradient of NaN at the output's bias."""
    loss, seen = task.loss, iter(range(10**6))

    def poisoned(batch, state):
        value, state = loss(batch, state)
        bad = next(seen) in steps
        return value + task.model.sum.bias.sum() * (math.nan if bad else 0.0), state

    task.loss = poisoned
    return task


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
