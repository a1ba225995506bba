import numpy as np
import pytest
import torch
from torch import nn

import gruta.nn
from gruta.errors import InputError
from gruta.insight import xray
from gruta.insight.by_hand import by_hand
from gruta.locale import spoken

T, I, H = 6, 3, 5
LAYERS = {
    "gru": gruta.nn.GRU(I, H, num_layers=2),
    "torch-gru": nn.GRU(I, H, bidirectional=True),
    "gru-before": gruta.nn.GRU(I, H, reset_after=False, bias=False),
    "lstm": nn.LSTM(I, H),
    "rnn": gruta.nn.RNN(I, H),
    "relu": nn.RNN(I, H, nonlinearity="relu"),
}


class Model(nn.Module):
    def __init__(self, layer):
        super().__init__()
        self.layer = layer
        self.head = nn.Linear(H * (2 if layer.bidirectional else 1), 2)

    def forward(self, x):
        return self.head(self.layer(x)[0])


def seen(kind):
    torch.manual_seed(0)
    model = Model(LAYERS[kind])
    x = torch.randn(T, 1, I)
    return xray(model, x), model, x


@pytest.mark.parametrize("kind", LAYERS)
def test_every_unit_and_step_is_the_layers_own(kind):
    found, model, x = seen(kind)
    out = model.layer(x)[0].detach()
    for view in found.views:
        for unit in range(H):
            for at in range(T):
                hand = found.by_hand(unit, at, view.name)
                t = T - 1 - at if view.one.reverse else at
                assert hand.result == pytest.approx(float(view.one.h[t, unit]), abs=1e-6)
    top = found.views[-1]
    offset = H if top.one.reverse else 0
    assert found.by_hand(2, 3).result == pytest.approx(float(out[3, 0, offset + 2]), abs=1e-6)


@pytest.mark.parametrize("kind", LAYERS)
def test_linear_output_is_the_models(kind):
    found, model, x = seen(kind)
    hand = found.by_hand(1, 4)
    assert hand.stages[-1].title == "Linear output"
    assert hand.stages[-1].lines[0].value == pytest.approx(
        float(model(x)[4, 0, 0].detach()), abs=1e-5
    )


def test_layer_below_has_no_output_of_its_own():
    found, _, _ = seen("gru")
    assert found.by_hand(0, 0, "layer l0").stages[-1].title == "New state"


def test_numbers_of_a_line_are_those_of_its_products():
    found, model, x = seen("gru")
    stages = found.by_hand(2, 3, "layer l0").stages
    assert [stage.title for stage in stages] == [
        "Reset gate and candidate",
        "Update gate",
        "New state",
    ]
    reset = stages[0].lines[0]
    from_x, from_h = reset.products
    assert from_x.values == pytest.approx(x[3, 0].tolist())
    assert from_x.weights == pytest.approx(model.layer.weight_ih_l0[2].tolist())
    biases = float((model.layer.bias_ih_l0[2] + model.layer.bias_hh_l0[2]).detach())
    a = from_x.sum + from_h.sum + biases
    assert reset.value == pytest.approx(1 / (1 + np.exp(-a)))
    assert reset.theirs == ("gate_reset = σ(W_input_reset · x_t + W_hidden_reset · h_(t−1))")


def test_stages_speak_portuguese():
    found, _, _ = seen("gru")
    with spoken("pt_BR"):
        hand = found.by_hand(0, 0)
    assert hand.stages[0].title == "Portão de redefinição e estado proposto"
    assert "0," in hand.stages[0].lines[0].numbers


def test_wrong_result_is_no_result():
    found, _, _ = seen("gru")
    one = found.views[0].one
    one.weights["w_hh"][:] += 1.0
    with pytest.raises(RuntimeError, match="by hand"):
        by_hand(one, 0, 3)


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ((5, 0), "unit: expected a unit of layer l1 from 0 to 4, got 5"),
        ((0, 6), "at: expected a step of the sequence from 0 to 5, got 6"),
        ((0, -1), "at: expected a step"),
        ((0, 0, "layer"), "layer: expected one of layer l0, layer l1, got 'layer'"),
    ],
)
def test_places_that_are_not_there_are_refused(arguments, message):
    found, _, _ = seen("gru")
    with pytest.raises(InputError, match=message):
        found.by_hand(*arguments)


def test_layers_with_more_parts_are_refused():
    found = xray(gruta.nn.GRU(I, H, layer_norm=True), torch.randn(T, 1, I))
    with pytest.raises(InputError, match="layer norm, projection or zoneout has more parts"):
        found.by_hand(0, 0)
