import io
import json
import re
from dataclasses import replace

import numpy as np
import pytest
import torch
from rich.console import Console
from torch import nn

import gruta.nn
from gruta.errors import InputError
from gruta.health.advice import first
from gruta.insight import xray
from gruta.insight.terminal import heat_line, show, show_by_hand
from gruta.locale import spoken

TEXT = "a rede recorrente lembra o começo da frase?"


class Reader(nn.Module):
    """A model of text: an embedding, a recurrent layer, and a linear one that reads each state."""

    def __init__(self, layer):
        super().__init__()
        self.embedding = nn.Embedding(256, layer.input_size)
        self.layer = layer
        self.head = nn.Linear(layer.hidden_size, 7)

    def forward(self, ids):
        return self.head(self.layer(self.embedding(ids))[0])


def ids(text=TEXT):
    return torch.tensor([min(255, ord(c)) for c in text])[:, None]


def reader(layer=None):
    torch.manual_seed(0)
    return Reader(layer or nn.GRU(4, 12))


@pytest.fixture(scope="module")
def found():
    return xray(reader(), ids(), labels=list(TEXT))


def test_model_is_left_as_it_was():
    model = reader().train()
    model.head.requires_grad_(False)
    model(ids()).sum().backward()
    before = {name: (p.requires_grad, p.grad) for name, p in model.named_parameters()}
    kept = model.layer.weight_hh_l0.grad.clone()
    xray(model, ids())
    after = {name: (p.requires_grad, p.grad) for name, p in model.named_parameters()}
    assert before.keys() == after.keys()
    assert all(before[n][0] == after[n][0] and before[n][1] is after[n][1] for n in before)
    assert torch.equal(model.layer.weight_hh_l0.grad, kept)
    assert all(module.training for module in model.modules())
    assert not model.layer._forward_hooks


def test_frozen_model_can_be_looked_at():
    model = reader().requires_grad_(False)
    assert xray(model, ids()).views[0].fade is not None
    assert not any(p.requires_grad for p in model.parameters())


class Pair(nn.Module):
    """Two layers that read sequences of different lengths."""

    def __init__(self):
        super().__init__()
        self.long, self.short = nn.GRU(3, 4), nn.GRU(4, 4)

    def forward(self, x):
        return self.short(self.long(x)[0][-5:])[0]


def test_labels_stand_at_the_layer_that_they_are_of():
    stamps = np.datetime64("2024-01-01", "h") + np.arange(9)
    model, x = Pair(), torch.randn(9, 1, 3)
    found = xray(model, x, labels={"long": stamps, "short": list("abcde")})
    assert found.labels["short"] == tuple("abcde")
    assert found.labels["long"].dtype == "M8[us]"
    assert xray(model, x, labels=list("abcde")).labels == {"short": tuple("abcde")}
    screen = Console(file=io.StringIO(), width=100)
    show(found, console=screen)
    assert "long l0, 01 Jan 2024 00:00 – 01 Jan 2024 08:00" in screen.file.getvalue()
    assert "abcde" in screen.file.getvalue()


@pytest.mark.parametrize(
    ("labels", "message"),
    [
        ({"lon": "a" * 9}, "labels: expected names among long, short, got 'lon'"),
        ({"long": "abcde"}, "labels: expected 9 for long, one for each step, got 5"),
    ],
)
def test_labels_that_fit_no_layer_are_refused(labels, message):
    with pytest.raises(InputError, match=message):
        xray(Pair(), torch.randn(9, 1, 3), labels=labels)


def test_loss_decides_whose_gradient_is_followed():
    def at_step(t):
        return xray(reader(), ids(), loss=lambda y: y[t, 0].sum()).views[0]

    early = at_step(5)
    assert len(early.fade.norms) == 6
    assert not early.one.through[0][6:].any()
    assert len(at_step(-1).fade.norms) == len(TEXT)


def test_loss_by_context_tells_how_much_memory_the_loss_needs():
    layer = gruta.nn.RNN(1, 1, nonlinearity="relu")  # h_t = x_t + h_(t-1)
    with torch.no_grad():
        for name, value in (("weight_ih_l0", 1.0), ("weight_hh_l0", 1.0)):
            layer.get_parameter(name).fill_(value)
        layer.bias_ih_l0.zero_()
        layer.bias_hh_l0.zero_()
    x = torch.zeros(9, 1, 1)
    x[3] = 1.0  # six steps before the end
    found = xray(layer, x, loss=lambda result: (result[0][-1] - 1).square().sum())
    assert found.contexts == {1: 1.0, 2: 1.0, 4: 1.0, 8: 0.0, 9: 0.0}
    assert found.to_json()["loss_by_context"]["8"] == 0.0
    assert "context" in found.plot()
    assert xray(reader(), ids()).contexts == {}  # nobody said what the loss is


def test_gradient_through_depth_is_shown_of_a_stack():
    deep = xray(reader(nn.GRU(4, 12, num_layers=3)), ids(), labels=list(TEXT))
    (norms,) = deep.to_json()["gradient_by_depth"].values()
    assert len(norms) == 3
    assert norms[0] > norms[-1]
    assert "depth" in deep.plot()
    screen = Console(file=io.StringIO(), width=100)
    show(deep, console=screen)
    assert "layer: the gradient by layer, from the last one down:" in screen.file.getvalue()
    flat = xray(reader(), ids())
    assert flat.to_json()["gradient_by_depth"] == {}
    assert "depth" not in flat.plot()


def test_bound_of_a_plain_network_is_told_beside_its_fading_gradient():
    model = reader(nn.RNN(4, 12))
    with torch.no_grad():
        model.layer.weight_hh_l0.copy_(torch.linalg.qr(torch.randn(12, 12))[0] * 0.5)
    looked = xray(model, ids(), labels=list(TEXT))
    assert looked.views[0].numbers["spectral_norm"] == pytest.approx(0.5)
    advice = first(looked.advice(), "vanishing")
    assert advice.finding.endswith("; σ_max(W_hh) is 0.50, and below 1 it has to")
    assert "spectral_norm" not in xray(reader(), ids()).views[0].numbers


def test_short_memory_of_a_fresh_network_is_told(found):
    advice = first(found.advice(), "short_memory")
    assert advice.confidence == "low"
    assert advice.code == 'gruta.nn.GRU(..., init="chrono", longest_lag=43)'
    assert first(found.advice(lag=40), "short_memory").confidence == "medium"


def test_network_that_keeps_gets_no_such_advice():
    layer = gruta.nn.GRU(4, 12, init="chrono", longest_lag=200)
    assert first(xray(reader(layer), ids()).advice(), "short_memory") is None


def test_json_holds_the_numbers(found):
    told = json.loads(json.dumps(found.to_json(), allow_nan=False))
    layer = told["layers"]["layer l0"]
    assert layer["gradient_slope"] < -0.1
    assert len(layer["gradient_by_lag"]) == len(TEXT)
    assert len(layer["time_constants"]) == 12
    assert len(layer["lyapunov_exponents"]) == 8
    assert told["memory_horizon"]["layer"] > 1
    assert told["advice"][0]["rule"] == "short_memory"


def test_terminal_shows_every_part_within_its_width(found):
    console = Console(file=io.StringIO(), width=80)
    show(found, console=console)
    text = console.file.getvalue()
    assert max(map(len, text.splitlines())) <= 80
    assert TEXT[:20] in text
    assert sum("τ=" in line and "▄" in line for line in text.splitlines()) == 8
    for part in ("keep fraction", "gradient through time", "95% of what moves", "1. layer l0:"):
        assert part in text


def test_terminal_shows_names_that_look_like_markup(found):
    console = Console(file=io.StringIO(), width=100)
    horizon = found.influences["layer"]
    show(replace(found, answer="[/b]", influences={"[red]": horizon}), console=console)
    text = console.file.getvalue()
    assert "The network's answer: [/b]." in text
    assert "[red]: 95% of what moves" in text


def test_terminal_shows_a_step_by_hand(found):
    console = Console(file=io.StringIO(), width=100)
    show_by_hand(found.by_hand(3, 10), console, most=2)
    text = console.file.getvalue()
    for part in ("gate_update = σ(", "u = gate_update ⊙ h_(t−1)", "10 others", "4. Linear output"):
        assert part in text


def test_long_sequences_are_averaged_to_fit():
    assert heat_line(np.array([0.0, 0.0, 1.0, 1.0]), 2).plain == " █"
    assert heat_line(np.linspace(0, 1, 9), 20).plain == " ▁▂▃▄▅▆▇█"


@pytest.mark.parametrize(
    ("language", "words"),
    [("en", ["keep fraction", "Advice", "Pictures"]), ("pt_BR", ["fração mantida", "Conselhos"])],
)
def test_page_is_one_file_in_the_readers_language(found, tmp_path, language, words):
    with spoken(language):
        found.save(tmp_path / "x.html", by_hand=found.by_hand(3, 10))
    page = (tmp_path / "x.html").read_text(encoding="utf-8")
    assert [p.name for p in tmp_path.iterdir()] == ["x.html"]
    for word in words:
        assert word in page
    assert not re.search(r"(src|href)=.(?!data:|#)", page)
    assert page.count("data:image/svg+xml") == 6


def test_page_shows_every_product_of_a_step_by_hand(tmp_path):
    names = ["temperature", "wind", "is <b>", "hour"]
    layer = nn.GRU(4, 12)
    x = torch.randn(9, 1, 4)
    found = xray(layer, x, columns={"GRU": names})
    with spoken("en"):
        hand = found.by_hand(3, 5)
        found.save(tmp_path / "x.html", by_hand=hand)
    page = (tmp_path / "x.html").read_text()
    sums = re.findall("<details>.*?</details>", page, re.DOTALL)
    assert len(sums) == 6  # of x and of h, for both gates and the candidate
    for name in ("temperature", "wind", "is &lt;b&gt;", "hour"):
        assert sum(f'<th scope="row">{name}</th>' in one for one in sums) == 3
    assert "<small>7 others</small>" in page
    assert "<msub><mi>z</mi><mi>t</mi></msub>" in page.replace("<mrow>", "").replace("</mrow>", "")
    assert "<script" not in page


@pytest.mark.parametrize(
    ("columns", "message"),
    [
        ({"lstm": "abcd"}, "columns: expected names among GRU, got 'lstm'"),
        ({"GRU": "abc"}, "columns: expected 4 for GRU, one for each number that it reads"),
    ],
)
def test_columns_that_fit_no_layer_are_refused(columns, message):
    with pytest.raises(InputError, match=message):
        xray(nn.GRU(4, 12), torch.randn(9, 1, 4), columns=columns)


def test_upper_layers_read_no_columns():
    found = xray(nn.GRU(4, 4, num_layers=2), torch.randn(9, 1, 4), columns={"GRU": "abcd"})
    below, above = (
        found.by_hand(0, 0, f"GRU {k}").stages[1].lines[0].products for k in ("l0", "l1")
    )
    assert below[0].names == tuple("abcd")
    assert above[0].names == ("x[0]", "x[1]", "x[2]", "x[3]")


@pytest.mark.parametrize("kind", [nn.LSTM, nn.RNN])
def test_other_cells_have_their_pictures(kind):
    layer = kind(4, 12, num_layers=2, bidirectional=True)
    figures = xray(layer, torch.randn(15, 1, 4)).plot()
    name = kind.__name__.lower()
    assert f"{name}-l1-reverse-gates" in figures
    assert "gradient" in figures
    assert ("time-constants" in figures) == (kind is nn.LSTM)


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda: xray(nn.Linear(1, 1), torch.zeros(1, 1)), "found none in Linear"),
        (lambda: xray(reader(), ids("a")), "two steps at least, got 1"),
        (
            lambda: xray(reader(), ids(), loss=lambda y: y),
            r"loss: expected a tensor with a single number, got shape \[43, 1, 7\]",
        ),
        (lambda: xray(reader(), ids(), loss=lambda y: 3.0), "single number, got float"),
        (
            lambda: xray(reader(), ids(), loss=lambda y: y.detach().sum()),
            "it does not depend on the model by gradients",
        ),
    ],
)
def test_bad_input_is_refused(call, message):
    with pytest.raises(InputError, match=message):
        call()


def test_weights_that_are_not_finite_are_named():
    model = reader()
    with torch.no_grad():
        model.layer.weight_hh_l0[0, 0] = torch.nan
    with pytest.raises(InputError, match=r"layer.weight_hh_l0: holds NaN or infinity; go back"):
        xray(model, ids())
