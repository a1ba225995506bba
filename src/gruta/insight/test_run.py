"""Looking from anywhere: an x-ray works, or ends in a sentence."""

import copy
import io

import pytest
import torch
from rich.console import Console
from torch import nn
from torch.nn.utils.rnn import PackedSequence, pack_sequence

import gruta.nn
from gruta.errors import InputError
from gruta.health import watch
from gruta.insight import xray
from gruta.insight.terminal import show

T, B, I = 6, 3, 2
LIBRARIES = {"gruta": gruta.nn, "torch": nn}
CELLS = {
    "gru": ("GRU", {}),
    "gru-before": ("GRU", {"reset_after": False}),
    "lstm-projected": ("LSTM", {"proj_size": 3}),
    "rnn": ("RNN", {"nonlinearity": "relu"}),
}
every_library = pytest.mark.parametrize("library", LIBRARIES.values(), ids=LIBRARIES)


class Model(nn.Module):
    def __init__(self, library=gruta.nn, cell="GRU", **options):
        torch.manual_seed(0)
        super().__init__()
        self.layer = getattr(library, cell)(I, 4, **options)
        self.head = nn.Linear(self.layer.proj_size or 4, 1)

    def forward(self, x, **options):
        return self.head(input=self.layer(input=x, **options)[0])


def seen(model, x, loss=None):
    return xray(model, x, loss=loss or (lambda y: y[-1].square().mean()))


def whole(found):
    """All the numbers of it."""
    return found.to_json()


def test_answer_that_is_certain_is_not_taken_for_a_layer_that_is_not_read():
    def of_the_first_class(y):
        scores = y[-1] @ torch.tensor([[1.0, -1.0]])
        return nn.functional.cross_entropy(scores, torch.zeros(B, dtype=torch.long))

    model, x = Model(), torch.randn(T, B, I)
    with torch.no_grad():
        model.head.bias.fill_(200.0)  # of which float32 makes a probability of 1
    assert [a.rule for a in seen(model, x, of_the_first_class).advice()] == ["certain"]
    with torch.no_grad():
        model.head.bias.zero_()
        model.head.weight.zero_()
    assert [a.rule for a in seen(model, x, of_the_first_class).advice()] == ["no_gradient"]


@every_library
@pytest.mark.parametrize("cell", CELLS)
def test_modes_without_gradients_around_it_change_nothing(library, cell):
    kind, options = CELLS[cell]
    if library is nn and "reset_after" in options:
        pytest.skip("torch.nn has no such form")
    model, x = Model(library, kind, **options).double(), torch.randn(T, B, I).double()
    expected = whole(seen(model, x))
    with torch.no_grad():
        assert whole(seen(model, x)) == expected
    with torch.inference_mode():
        assert whole(seen(model, x.clone())) == expected
        assert x.clone().is_inference()


def test_compiled_model_is_looked_at_as_it_was_written():
    model, x = Model(), torch.randn(T, B, I)
    expected = whole(seen(model, x))
    found = whole(seen(torch.compile(model, backend="eager"), x))
    assert found["loss"] == expected["loss"]
    assert list(found["layers"].values()) == list(expected["layers"].values())


def test_autocast_around_it_is_the_models_alone():
    model, x = Model(), torch.randn(T, B, I)
    with torch.autocast("cpu", torch.bfloat16):
        found = seen(model, x, lambda y: y.float()[-1].square().mean())
    assert found.loss == pytest.approx(seen(model, x).loss, rel=0.05)
    assert found.views[0].one.h.dtype == "float32"


def test_loss_that_does_not_read_the_layer_is_shown_without_its_gradient():
    model, x = Model(), torch.randn(T, B, I)
    found = seen(model, x, lambda y: model.head.bias.sum())
    assert found.views[0].fade is None
    screen = io.StringIO()
    show(found, console=Console(file=screen, width=100))
    assert "gradient through time" not in screen.getvalue()


def test_look_in_the_midst_of_a_watched_step_is_not_measured():
    model, x = Model(), torch.randn(T, B, I)
    found = []
    for look in (lambda: None, lambda: xray(model, torch.randn(3 * T, B, I))):
        with watch(model, every=1) as watching:
            look()
            value = model(x).square().mean()
            look()
            value.backward()
            look()
        found.append(list(watching.records))
    assert len(found[0]) == 1
    assert found[0] == found[1]


def made_in_inference_mode():
    with torch.inference_mode():
        return gruta.nn.GRU(I, 4)


def under(mode):
    """A model whose forward runs without gradients."""

    class Under(Model):
        @mode()
        def forward(self, x):
            return super().forward(x)

    return Under()


def empty_packed():
    return PackedSequence(torch.zeros(0, I), torch.zeros(0, dtype=torch.int64))


@every_library
@pytest.mark.parametrize("shape", [(T, 0, I), (0, B, I), (0, I), (0, 0, I)])
def test_empty_batch_is_refused(library, shape):
    for batch_first in (False, True):
        model = Model(library, batch_first=batch_first)
        message = "layer: expected one sequence at least, and steps in it, got none"
        for loss in (None, lambda y: y.sum()):
            with pytest.raises(InputError, match=message):
                xray(model, torch.zeros(shape), loss=loss)
    assert not model.layer._forward_pre_hooks


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda: xray(gruta.nn.GRU(I, 4), empty_packed()), "GRU: .* got none .a PackedSequence"),
        (
            lambda: xray(Model(), torch.zeros(T, B, I), lengths=[0, T, T]),
            "layer: expected a sequence of two steps at least, got 0",
        ),
        (
            lambda: xray(
                Model(), torch.nested.nested_tensor([torch.zeros(T, I)], layout=torch.jagged)
            ),
            "got a nested tensor; pad it",
        ),
        (
            lambda: xray(under(torch.no_grad), torch.zeros(T, B, I)),
            "the model's answer does not depend on the model by gradients; do not detach it, and",
        ),
        (
            lambda: xray(under(torch.inference_mode), torch.zeros(T, B, I)),
            "the model's answer does not depend on the model by gradients",
        ),
        (
            lambda: seen(Model(), torch.zeros(T, B, I), lambda y: torch.tensor(1.0)),
            "it does not depend on the model by gradients",
        ),
        (lambda: seen(Model(), torch.zeros(T, B, I), lambda y: None), "got NoneType"),
        (lambda: seen(Model(), torch.zeros(T, B, I), lambda y: 1j * y.sum()), "got a complex one"),
        (
            lambda: seen(Model(), torch.zeros(T, B, I), lambda y: y.sum() * torch.nan),
            "loss: it is nan",
        ),
        (
            lambda: xray(made_in_inference_mode(), torch.zeros(T, B, I)),
            r"weights were made under torch.inference_mode\(\) .* copy.deepcopy\(model\)",
        ),
    ],
)
def test_what_has_no_gradient_ends_in_a_sentence(call, message):
    with pytest.raises(InputError, match=message):
        call()


def test_target_made_in_inference_mode_is_refused():
    with torch.inference_mode():
        y = torch.ones(T, B, 1)
    with pytest.raises(InputError, match="it reads a tensor that was made under"):
        seen(Model(), torch.zeros(T, B, I), lambda answer: (answer * y).sum())


def test_packed_input_and_copied_model_of_inference_mode_are_looked_at():
    with torch.inference_mode():
        x = pack_sequence([torch.randn(T, I), torch.randn(4, I)])
        layer = gruta.nn.GRU(I, 4)
    assert len(xray(copy.deepcopy(layer), x).views[0].one.h) == T


def test_answer_that_is_no_number_is_named():
    class Word(Model):
        def forward(self, x):
            return super().forward(x).argmax(-1)

    with pytest.raises(InputError, match=r"answers with a tensor of torch.int64, shape \[6, 3\]"):
        xray(Word(), torch.zeros(T, B, I))
