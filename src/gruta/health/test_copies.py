"""A model under watch may be copied, saved and sent to another process, at any step."""

import copy
import gc
import io
import pickle
import subprocess
import sys
import threading
import weakref

import pytest
import torch
from torch import nn

import gruta.nn
from gruta.health.conftest import every_kind, layer_of
from gruta.health.test_watching import Network, seeded
from gruta.health.watching import watch


class Writer:
    """Like tensorboard's: it has a thread, and cannot be pickled."""

    def __init__(self):
        self.lock = threading.Lock()
        self.seen = []

    def add_scalar(self, name, value, step):
        self.seen.append(step)


TRACKERS = {"none": lambda: None, "writer": Writer, "function": lambda: lambda values, step: None}


def saved(model):
    file = io.BytesIO()
    torch.save(model, file)
    file.seek(0)
    return torch.load(file, weights_only=False)


WAYS = {
    "deepcopy": copy.deepcopy,
    "copy": copy.copy,
    "pickle": lambda model: pickle.loads(pickle.dumps(model)),  # noqa: S301
    "save": saved,
    "average": lambda model: torch.optim.swa_utils.AveragedModel(model).module,
}


def steps_of(model, act=lambda: None, steps=6):
    """Weights after some steps, with `act` called after each part of each."""
    optimizer = torch.optim.SGD(model.parameters(), 0.1)
    for k in range(steps):
        torch.manual_seed(k)
        loss = model(torch.rand(7, 3, 2)).square().mean()
        act()
        optimizer.zero_grad()
        loss.backward()
        act()
        optimizer.step()
        act()
    return torch.cat([p.detach().flatten() for p in model.parameters()])


def traces(model):
    return [
        (module, own)
        for module in model.modules()
        for own in (module._forward_hooks, module._forward_pre_hooks)
        if own or "__getstate__" in vars(module)
    ]


@pytest.mark.parametrize("tracker", TRACKERS)
@pytest.mark.parametrize("way", WAYS)
def test_copies_at_every_moment_carry_nothing_and_change_nothing(way, tracker):
    expected = steps_of(seeded())
    model = seeded()
    copies = []
    with watch(model, every=2, tracker=TRACKERS[tracker]()) as watching:
        assert torch.equal(steps_of(model, lambda: copies.append(WAYS[way](model))), expected)
    assert [record["step"] for record in watching.records] == [0, 2, 4]
    assert len(copies) == 18
    assert all(not traces(one) for one in copies if way != "copy")
    assert not traces(model)
    for one in copies[:3]:
        one(torch.rand(7, 3, 2)).sum().backward()
    assert len(watching.records) == 3


@every_kind
def test_layers_of_every_kind_are_saved_between_forward_and_backward(kind):
    layer = layer_of(kind, 2, 6).train()
    with watch(layer, every=1) as watching:
        out = layer(torch.rand(7, 3, 2, dtype=torch.float64))[0]
        other = saved(layer)
        out.sum().backward()
    assert len(watching.records) == 1
    assert all(
        torch.equal(a, b) for a, b in zip(layer.parameters(), other.parameters(), strict=True)
    )


class Keeper(Network):
    """A model that keeps its watch, its clipper and what it said last."""

    def forward(self, x):
        self.last, _ = self.encoder(x)
        return self.head(self.last[-1])


def test_model_that_keeps_its_watch_and_its_results_is_saved():
    model = Keeper()
    model.watching = watch(model, every=1, tracker=Writer())
    model.clipper = gruta.Clipper("zclip")
    model.clipper.attach(torch.optim.SGD(model.parameters(), 0.1))
    for _ in range(3):
        model(torch.rand(7, 3, 2)).sum().backward()
        model.clipper(model)
    other = saved(model)
    assert len(model.watching.records) == 2
    assert not other.watching.records
    assert other.clipper.statistics() == model.clipper.statistics()
    other.watching.close()
    model.watching.close()


def test_saved_model_is_loaded_where_gruta_is_not(tmp_path):
    model = nn.Sequential(nn.GRU(2, 4))
    with watch(model, every=1):
        model(torch.rand(5, 1, 2))[0].sum().backward()
        torch.save(model, tmp_path / "model.pt")
    script = (
        "import sys; sys.modules['gruta'] = None\n"
        "import torch; model = torch.load(sys.argv[1], weights_only=False)\n"
        "print(model(torch.rand(5, 1, 2))[0].shape)"
    )
    run = [sys.executable, "-c", script, str(tmp_path / "model.pt")]
    done = subprocess.run(run, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr


class CopiesItsDictionary(Network):
    def __deepcopy__(self, memo):
        made = type(self).__new__(type(self))
        made.__dict__ = copy.deepcopy(self.__dict__)
        return made


def test_model_that_copies_itself_by_its_dictionary_carries_what_does_nothing():
    model = CopiesItsDictionary()
    with watch(model, every=1) as watching:
        model(torch.rand(7, 3, 2)).sum().backward()
        other = copy.deepcopy(model)
        other(torch.rand(7, 3, 2)).sum().backward()
    assert len(watching.records) == 1


class SavesItsSizes(Network):
    def __getstate__(self):
        return {"sizes": (2, 6)}

    def __setstate__(self, state):
        self.__init__(nn.GRU(*state["sizes"]))


def test_model_with_a_state_of_its_own_is_saved():
    model = SavesItsSizes()
    with watch(model, every=1):
        model(torch.rand(7, 3, 2)).sum().backward()
        assert not traces(saved(model))


@pytest.mark.filterwarnings("ignore:`torch.jit.script` is deprecated:DeprecationWarning")
def test_watched_model_is_scripted_by_a_copy():
    model = Network(nn.GRU(2, 6))
    with watch(model):
        model(torch.rand(7, 3, 2)).sum().backward()
        torch.jit.script(copy.deepcopy(model))
        with pytest.raises(AttributeError, match=r"script copy.deepcopy\(model\), which has none"):
            torch.jit.script(model)


def test_two_watches_come_off_in_any_order():
    model = seeded()
    first, second = watch(model, every=1), watch(model, every=2)
    steps_of(model, steps=4)
    first.close()
    assert not traces(copy.deepcopy(model))
    steps_of(model, steps=2)
    second.close()
    assert [len(w.records) for w in (first, second)] == [4, 3]
    assert not traces(model)


def test_model_and_watch_are_let_go_of_together():
    for train in (steps_of, lambda model, steps: model.encoder(torch.rand(7, 3, 2))):
        model = seeded()
        watch(model, every=1)
        train(model, steps=2)
        gone = weakref.ref(model.encoder.weight_hh_l0)
        gc.collect()
        gc.disable()
        try:
            del model
            assert gone() is None
        finally:
            gc.enable()
