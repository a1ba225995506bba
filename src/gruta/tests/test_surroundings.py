"""What surrounds a training in its process changes no number of it, and is left as it was."""

import random
import signal
from contextlib import contextmanager, nullcontext

import numpy as np
import pytest
import torch
from accelerate import Accelerator
from accelerate.state import AcceleratorState, GradientState, PartialState
from torch import nn

import gruta
from gruta.errors import InputError
from gruta.settings import StreamSettings
from gruta.stopping import StopSignal
from gruta.studies import problems
from gruta.studies.contest import Entrant, compete
from gruta.studies.plan import Plan
from gruta.tests.adding import Adding, PowerCut, before_step, power_cut
from gruta.tests.trainings import SHORT, Noisy, NoisyAdding, forecast, generators, numbers, trained
from gruta.train import Progress

# The caller's modes


@contextmanager
def default_dtype(dtype):
    torch.set_default_dtype(dtype)
    try:
        yield
        assert torch.get_default_dtype() is dtype
    finally:
        torch.set_default_dtype(torch.float32)


@contextmanager
def default_device(name):
    torch.set_default_device(name)
    try:
        yield
        assert torch.get_default_device().type == name
    finally:
        torch.set_default_device(None)


@contextmanager
def gradients_off():
    torch.set_grad_enabled(False)
    try:
        yield
        assert not torch.is_grad_enabled()
    finally:
        torch.set_grad_enabled(True)


@contextmanager
def inferring():
    with torch.inference_mode():
        yield
        assert torch.is_inference_mode_enabled()


@contextmanager
def autocasting():
    with torch.autocast("cpu", torch.bfloat16):
        yield
        assert torch.is_autocast_enabled("cpu")


MODES = {
    "float64": lambda: default_dtype(torch.float64),
    "bfloat16": lambda: default_dtype(torch.bfloat16),
    "another device": lambda: default_device("meta"),
    "gradients off": gradients_off,
    "inference": inferring,
    "autocast": autocasting,
}


@pytest.fixture(scope="module")
def alone():
    return {precision: forecast(precision=precision) for precision in ("no", "bf16")}


@pytest.mark.parametrize("precision", ["no", "bf16"])
@pytest.mark.parametrize("mode", MODES)
def test_forecaster_comes_to_the_same_numbers_in_any_mode_of_the_callers(alone, mode, precision):
    with MODES[mode]():
        assert forecast(precision=precision) == alone[precision]


@pytest.mark.parametrize("precision", ["no", "bf16"])
@pytest.mark.parametrize("mode", ["gradients off", "inference", "autocast"])
def test_any_task_learns_the_same_in_modes_that_would_hinder_it(mode, precision):
    settings = StreamSettings(**SHORT, precision=precision)
    expected, task = trained(Adding(settings)), Adding(settings)
    with MODES[mode]():
        assert trained(task) == expected


@pytest.mark.parametrize(
    "problem",
    [
        problems.Adding(12),
        problems.Copying(4),
        problems.Recall(20),
        problems.Paragraphs(6, language="en"),
    ],
    ids=lambda problem: problem.name,
)
def test_entrant_of_a_study_comes_to_the_same_numbers_in_all_modes_at_once(problem, tmp_path):
    def result(place):
        plan = Plan(tmp_path / place, print, lambda *_: nullcontext(Progress()))
        done = compete(Entrant(problem, "gru", 4, StreamSettings(steps=4)), plan)
        return numbers(done.model), done.test

    expected = result("alone")
    with default_dtype(torch.float64), default_device("meta"), gradients_off(), autocasting():
        assert result("there") == expected


def test_xray_sees_the_same_where_gradients_are_off():
    torch.manual_seed(0)
    model, x = Noisy(), torch.randn(8, 2, 2)

    def seen():
        return gruta.xray(model, x, None, loss=lambda result: result[0].sum()).to_json()

    expected = seen()
    for mode in (gradients_off, inferring):
        with mode():
            assert seen() == expected


def test_model_that_was_made_in_inference_mode_is_refused():
    with torch.inference_mode():
        task = Adding(StreamSettings(**SHORT))
    with pytest.raises(InputError, match=r"gru\.weight_ih_l0 was made under torch\.inference_mode"):
        trained(task)


def test_training_cut_off_leaves_modes_and_model_as_they_were():
    task = Adding(StreamSettings(**SHORT, precision="bf16"))
    before = generators()
    with gradients_off(), pytest.raises(PowerCut):
        trained(before_step(task, 7, power_cut))
    assert "forward" not in vars(task.model)
    assert generators() == before


# The caller's generators


def test_trainings_neither_read_nor_move_the_callers_generators(tmp_path):
    found = []
    for seed in (1, 2):
        task = Adding(StreamSettings(**SHORT))
        plan = Plan(tmp_path / str(seed), print, lambda *_: nullcontext(Progress()))
        entrant = Entrant(problems.Copying(4), "gru", 4, StreamSettings(steps=3))
        random.seed(seed)
        np.random.seed(seed)  # noqa: NPY002
        torch.manual_seed(seed)
        torch.randn(3)  # drawn in pairs, of which one now waits in the generator
        before = generators()
        found.append([forecast(), trained(task), numbers(compete(entrant, plan).model)])
        assert generators() == before
    assert found[0] == found[1]


def test_task_with_draws_of_its_own_leaves_torchs_generator_alone_at_all_times():
    task = NoisyAdding(StreamSettings(**SHORT))
    before, loss = generators(), task.loss

    def watched(batch, state):
        found = loss(batch, state)
        assert generators() == before
        return found

    task.loss = watched
    assert trained(task) == trained(NoisyAdding(StreamSettings(**SHORT)))


# accelerate, and signals


def state_of_accelerate():
    return [dict(kind._shared_state) for kind in (PartialState, AcceleratorState, GradientState)]


@pytest.fixture
def _no_accelerator():
    _forget_accelerators()  # those of other tests
    yield
    _forget_accelerators()


def _forget_accelerators():
    GradientState._reset_state()
    AcceleratorState._reset_state(reset_partial_state=True)


@pytest.mark.usefixtures("_no_accelerator")
def test_accelerator_of_the_callers_is_neither_heeded_nor_changed():
    pytest.importorskip("tensorboardX")
    ways = [{}, {"precision": "bf16"}, {"tracker": "tensorboard"}]
    settings = [StreamSettings(**SHORT | way) for way in ways]
    expected = [trained(Adding(how)) for how in settings]
    assert state_of_accelerate() == [{}, {}, {}]
    accelerator = Accelerator(cpu=True, mixed_precision="bf16", gradient_accumulation_steps=3)
    model = accelerator.prepare(nn.Linear(2, 1))
    with accelerator.accumulate(model):
        before = state_of_accelerate()
        assert not accelerator.sync_gradients
        assert [trained(Adding(how)) for how in settings] == expected
        assert state_of_accelerate() == before
        accelerator.backward(model(torch.ones(1, 2)).sum())
    assert accelerator.mixed_precision == "bf16"
    assert accelerator.gradient_accumulation_steps == 3


def test_signal_that_is_handled_outside_of_python_is_left_to_its_handler(monkeypatch):
    taken = []
    with monkeypatch.context() as outside:
        outside.setattr(signal, "getsignal", lambda number: None)
        outside.setattr(signal, "signal", lambda number, handler: taken.append(number))
        with StopSignal():
            pass
    assert not taken
