import numpy as np
import pytest
import torch
from torch import nn
from torch.nn.utils.rnn import pack_sequence

from gruta.errors import InputError
from gruta.health.conftest import every_kind, layer_of, seen
from gruta.health.sight import recurrent_layers

T, B, I, H = 7, 3, 2, 5


def last_h(state):
    return state[0] if isinstance(state, tuple) else state


def stepped(kind, layer, x):
    """The outputs, the last state, and by layer the h of every step, whose gradients are kept.

    Each h is one tensor: what the next step, the layer above and the loss read.
    """
    lasts, found = [], []
    for k in range(layer.num_layers):
        own = layer_of(kind, x.shape[-1], layer.hidden_size)
        names = [n for n in layer.state_dict() if n.endswith(f"_l{k}")]
        own.load_state_dict({n[:-1] + "0": layer.state_dict()[n] for n in names})
        states, state = [], None
        for step in x:
            _, state = own(step[None], state)
            last_h(state).retain_grad()
            states.append(last_h(state))
        x = torch.cat(states)
        lasts.append(state)
        found.append(states)
    is_pair = isinstance(lasts[0], tuple)
    parts = zip(*lasts, strict=True) if is_pair else [lasts]
    joined = tuple(torch.cat(part) for part in parts)
    return x, joined if is_pair else joined[0], found


@every_kind
def test_states_and_gradients_are_those_of_automatic_differentiation(kind):
    layer = layer_of(kind, I, H, num_layers=2)
    x = torch.randn(T, B, I, dtype=torch.float64)
    weigh = torch.randn(T, dtype=torch.float64)

    def loss(out, state):
        return (weigh[:, None] * out[:, 0].square()).sum() + last_h(state)[:, 0].sin().sum()

    found = seen(layer, x, loss)
    out, state, states = stepped(kind, layer, x)
    loss(out, state).backward()
    assert [one.layer.split()[-1] for one in found] == ["l0", "l1"]
    for one, own in zip(found, states, strict=True):
        h = torch.cat(own)[:, 0].detach().numpy()
        np.testing.assert_allclose(one.h, h, atol=1e-12)
        np.testing.assert_allclose(one.h_prev[1:], h[:-1], atol=1e-12)
        through = torch.cat([s.grad for s in own])[:, 0].numpy()
        np.testing.assert_allclose(one.through[0], through, atol=1e-12)


@every_kind
def test_jacobians_carry_the_state_from_step_to_step(kind):
    layer = layer_of(kind, I, H)
    x = torch.randn(T, 1, I, dtype=torch.float64)
    (one,) = seen(layer, x)
    J = np.concatenate(list(one.jacobians()))
    _, state = layer(x[:3])
    states = state if isinstance(state, tuple) else (state,)

    def step(joint):
        parts = joint.split([s.shape[-1] for s in states])
        given = tuple(p.view(1, 1, -1) for p in parts)
        _, after = layer(x[3:4], given if len(given) > 1 else given[0])
        return torch.cat([s.view(-1) for s in (after if len(given) > 1 else (after,))])

    truth = torch.autograd.functional.jacobian(
        step, torch.cat([s.detach().view(-1) for s in states])
    )
    np.testing.assert_allclose(J[3], truth.numpy(), atol=1e-9)


def test_jacobians_of_long_sequences_come_in_runs(monkeypatch):
    layer = layer_of("gru", I, H)
    (one,) = seen(layer, torch.randn(T, 1, I, dtype=torch.float64))
    whole = np.concatenate(list(one.jacobians()))
    monkeypatch.setattr("gruta.health.passes._JACOBIAN_BYTES", 3 * 8 * H * H)
    runs = list(one.jacobians())
    assert [len(run) for run in runs] == [3, 3, 1]
    np.testing.assert_array_equal(np.concatenate(runs), whole)
    back = list(one.jacobians(backwards=True))
    np.testing.assert_array_equal(np.concatenate(back), whole[::-1])


def test_reverse_pass_runs_in_the_order_of_its_walk():
    layer = layer_of("torch-gru", I, H, bidirectional=True)
    x = torch.randn(T, 1, I, dtype=torch.float64)
    ahead, back = seen(layer, x, lambda out, state: out[2].sum())
    assert back.reverse
    assert not ahead.reverse
    np.testing.assert_array_equal(back.x, x[:, 0].numpy()[::-1])
    # A loss on step 2 reaches the backward walk's steps up to its own, T − 1 − 2 from its start.
    assert back.through[0][: T - 2].any(axis=1).all()
    assert not back.through[0][T - 2 :].any()
    assert not ahead.through[0][3:].any()


@pytest.mark.parametrize("form", ["batch-first", "unbatched", "packed", "padded"])
def test_first_sequence_is_seen_in_every_form_of_input(form):
    kind = "gru" if form == "padded" else "torch-gru"
    layer = layer_of(kind, I, H, batch_first=form in ("batch-first", "padded"))
    long, short = (torch.randn(n, I, dtype=torch.float64) for n in (T, 4))
    given = {
        "batch-first": lambda: layer(torch.stack([long, long + 1])),
        "unbatched": lambda: layer(long),
        "packed": lambda: layer(pack_sequence([short, long], enforce_sorted=False)),
        "padded": lambda: layer(torch.stack([long, long]), lengths=[T, 2]),
    }

    class Model(nn.Module):
        def __init__(self):
            super().__init__()
            self.layer = layer

        def forward(self, x):
            out, h = given[form]()
            return (out.data if form == "packed" else out), h

    (one,) = seen(Model(), None, lambda out, h: h.sum() + out.sum())
    (truth,) = seen(layer_of(kind, I, H), long[:, None], lambda out, h: h.sum() + out.sum())
    assert one.layer == "layer l0"
    np.testing.assert_allclose(one.x, long.numpy())
    np.testing.assert_allclose(one.h, truth.h)
    np.testing.assert_allclose(one.through[0], truth.through[0])


@pytest.mark.parametrize("kind", ["torch-lstm", "gru", "lstm"])
def test_loss_may_read_the_last_state_alone(kind):
    layer = layer_of(kind, I, H)
    x = torch.randn(T, 1, I, dtype=torch.float64)
    (by_state,) = seen(layer, x, lambda out, state: last_h(state).square().sum())
    (by_output,) = seen(layer_of(kind, I, H), x, lambda out, state: out[-1].square().sum())
    np.testing.assert_allclose(by_state.through[0], by_output.through[0])


def test_twin_leaves_the_layer_and_the_random_numbers_alone():
    layer = layer_of("lstm", I, H, num_layers=2).train()
    torch.manual_seed(3)
    expected = torch.rand(3)
    torch.manual_seed(3)
    x = torch.randn(T, 1, I, dtype=torch.float64)
    torch.manual_seed(3)
    before = layer.weight_hh_l0.detach().clone()
    layer.eval()
    seen(layer, x)
    assert torch.equal(torch.rand(3), expected)
    assert torch.equal(layer.weight_hh_l0, before)
    assert layer.weight_hh_l0.grad is None


def test_model_without_recurrent_layers_is_refused():
    with pytest.raises(InputError, match="found none in Linear"):
        recurrent_layers(nn.Linear(1, 1))
    with pytest.raises(InputError, match="a loop steps one at a time cannot be seen"):
        recurrent_layers(nn.Sequential(nn.GRUCell(1, 1)))
