"""Under torch.fx a layer is a leaf; torch.jit.script takes torch.nn's on the same parameters."""

import copy

import pytest
import torch
from torch import nn
from torch.ao.quantization import default_dynamic_qconfig, quantize_dynamic
from torch.nn.utils.parametrizations import weight_norm

import gruta.nn

pytestmark = pytest.mark.filterwarnings("ignore:.torch.jit.* is deprecated:DeprecationWarning")


class Translator(nn.Module):
    """Two layers, the state of one handed to the other."""

    def __init__(self, encoder, decoder):
        super().__init__()
        self.encoder, self.decoder = encoder, decoder

    def forward(self, x, y, lengths):
        _, state = self.encoder(x, lengths=lengths)
        return self.decoder(y, hx=state)[0]


class Tagger(nn.Module):
    def __init__(self, layer):
        super().__init__()
        self.layer = layer

    def forward(self, x):
        out, _ = self.layer(x)
        return out


def test_a_symbolic_trace_keeps_the_layers_as_leaves(kind, assert_close):
    model = Translator(kind.make(3, 4, layer_norm=True), kind.make(3, 4))
    traced = torch.fx.symbolic_trace(model)
    assert traced.encoder is model.encoder
    for T, B in ((5, 2), (7, 3)):
        case = torch.randn(T, B, 3), torch.randn(T + 1, B, 3), torch.randint(0, T + 1, (B,))
        assert_close(traced(*case), model(*case))
    traced(*case).sum().backward()
    assert all(p.grad is not None for p in model.decoder.parameters())


def test_a_layer_alone_is_no_graph():
    with pytest.raises(torch.fx.proxy.TraceError, match=r"GRU is a leaf.*Sequential\(layer\)"):
        torch.fx.symbolic_trace(gruta.nn.GRU(3, 4))


@pytest.mark.filterwarnings("ignore:torch.jit.script has put")
@pytest.mark.parametrize("training", [True, False])
def test_a_scripted_layer_computes_the_same_on_the_same_parameters(kind, training, assert_close):
    layer = kind.make(3, 4, num_layers=2, bidirectional=True, batch_first=True).train(training)
    model = Tagger(layer)
    names, x = list(model.state_dict()), torch.randn(3, 7, 3)
    expected = model(x)
    scripted = torch.jit.script(model)
    assert_close(scripted(x), expected)
    assert (list(scripted.state_dict()), scripted.layer.training) == (names, training)
    scripted(x).sum().backward()
    assert all(p.grad is not None for p in layer.parameters())


def test_scripting_says_what_it_leaves_in_the_model_and_spares_a_copy():
    model = Tagger(gruta.nn.GRU(3, 4))
    with pytest.warns(UserWarning, match=r"torch.nn.GRU .* a copy, copy.deepcopy\(model\)"):
        torch.jit.script(copy.deepcopy(model))
    assert type(model.layer) is gruta.nn.GRU


@pytest.mark.parametrize(
    ("layer", "reason"),
    [
        (gruta.nn.GRU(3, 4, reset_after=False), "reset_after=False"),
        (gruta.nn.LSTM(3, 4, zoneout=0.1, learn_h0=True), "learn_h0, zoneout"),
        (weight_norm(gruta.nn.RNN(3, 4), "weight_hh_l0"), "parametrised weights"),
    ],
)
def test_what_torchs_layer_lacks_cannot_be_scripted(layer, reason):
    with pytest.raises(RuntimeError, match=rf"got one with its {reason}; torch.jit.trace takes"):
        torch.jit.script(Tagger(layer))


@pytest.mark.filterwarnings("ignore:torch.ao.quantization is deprecated:DeprecationWarning")
@pytest.mark.filterwarnings("ignore:torch.quantize_per_tensor:UserWarning")
@pytest.mark.parametrize(
    ("layer", "remedy"),
    [
        (gruta.nn.GRU(3, 4), "put a torch.nn.GRU with its state dict in its place first"),
        (gruta.nn.LSTM(3, 4, zoneout=0.1), "torch quantises no LSTM with zoneout"),
        (gruta.nn.RNN(3, 4), "torch quantises no RNN$"),
    ],
)
def test_quantisation_that_names_a_layer_is_told_that_it_stays(layer, remedy, recwarn):
    model = nn.Sequential(nn.Linear(3, 3), layer)
    quantize_dynamic(model, {nn.Linear})
    assert not [w for w in recwarn if "stays in" in str(w.message)]
    for named in ({type(layer)}, {"1": default_dynamic_qconfig}):
        with pytest.warns(UserWarning, match=f"stays in torch.float32; .*{remedy}"):
            quantised = quantize_dynamic(model, named)
        assert isinstance(quantised[1], type(layer))
