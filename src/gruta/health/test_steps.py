"""Which calls are a step, in models and loops of every kind; and what is said where none is."""

import pytest
import torch
from torch import nn
from torch.utils.checkpoint import checkpoint

import gruta.nn
from gruta.health.conftest import every_kind, layer_of
from gruta.health.steps import LONGEST_WAIT
from gruta.health.test_watching import Network, seeded
from gruta.health.watching import UnseenStep, watch


class Policy(nn.Module):
    """Its losses and its actions are methods; nobody calls the model."""

    def __init__(self, layer=None):
        super().__init__()
        torch.manual_seed(0)
        self.layer = layer or nn.GRU(2, 6)
        self.head = nn.Linear(6, 1)
        self.memory = gruta.nn.LSTM(2, 6)

    @torch.no_grad()
    def act(self, x):
        return self.head(self.layer(x)[0])

    def training_step(self, x):
        return self.head(self.layer(x)[0][-1] + self.memory(x)[0][-1]).square().mean()

    def rolled_out(self, x):
        state, loss = None, 0.0
        for chunk in x.split(4):
            out, state = self.layer(chunk, state)
            loss = loss + self.head(out[-1]).square().mean()
        return loss


def taught(model, loss, steps=5, accumulate=1, length=12):
    """Train by `loss(x)`; the weights after it."""
    torch.manual_seed(1)
    optimizer = torch.optim.SGD(model.parameters(), 0.1)
    for _ in range(steps):
        for _ in range(accumulate):
            loss(torch.rand(length, 3, 2)).backward()
        optimizer.step()
        optimizer.zero_grad()
    return torch.cat([p.detach().flatten() for p in model.parameters()])


def recorded(watching):
    return [record["step"] for record in watching.records]


def test_model_whose_loss_is_a_method_is_seen_and_trains_the_same():
    plain, model = Policy(), Policy()
    expected = taught(plain, plain.training_step)
    with watch(model, every=2) as watching:
        assert torch.equal(taught(model, model.training_step), expected)
    assert recorded(watching) == [0, 2, 4]
    assert list(watching.records[0]) == ["step", "layer l0", "memory l0"]
    assert watching.records[1]["memory l0"]["gradient_slope"] < 0
    assert 0 < watching.records[1]["layer l0"]["update_ratio weight_hh_l0 z"] < 1
    assert not model.layer._forward_hooks
    assert not model.layer._forward_pre_hooks


@every_kind
def test_layers_of_every_kind_are_seen_when_they_are_called_themselves(kind):
    model = Policy(layer_of(kind, 2, 6)).train()
    model.memory = None
    with watch(model, every=1) as watching:
        taught(model, lambda x: model.layer(x.double())[0][-1].square().mean(), steps=2)
    assert recorded(watching) == [0, 1]


def test_several_calls_before_a_backward_pass_are_one_step():
    model = Policy()
    model.memory = None
    with watch(model, every=1) as watching:
        taught(model, model.rolled_out, steps=3)
    assert recorded(watching) == [0, 1, 2]


def test_each_backward_pass_of_an_accumulation_ends_a_step():
    models = Policy(), seeded()
    for model, loss in ((models[0], models[0].training_step), (models[1], None)):
        loss = loss or (lambda x, own=model: own(x).square().mean())
        with watch(model, every=1) as watching:
            taught(model, loss, steps=2, accumulate=3)
        assert recorded(watching) == [0, 1, 2, 3, 4, 5]


def test_calls_without_gradients_between_are_no_step_and_are_not_measured():
    model = Policy()

    def loss(x):
        model.act(torch.rand(30, 3, 2))
        value = model.training_step(x)
        model.act(torch.rand(30, 3, 2))
        model.eval()
        seen = torch.rand(30, 3, 2).requires_grad_()
        torch.autograd.grad(model.layer(seen)[0].sum(), seen)
        model.train()
        return value

    with watch(model, every=1) as watching:
        taught(model, loss, steps=3)
    assert recorded(watching) == [0, 1, 2]
    assert all(len(record) == 3 for record in watching.records)


class Checkpointed(Network):
    def __init__(self, layer=None, *, reentrant=False, whole=False):
        super().__init__(layer)
        self.reentrant, self.whole = reentrant, whole

    def forward(self, x):
        out, _ = checkpoint(self.encoder, x.requires_grad_(), use_reentrant=self.reentrant)
        return self.head(out[-1])


@pytest.mark.parametrize("reentrant", [False, True])
def test_what_is_computed_again_on_the_way_back_is_the_same_step(reentrant):
    torch.manual_seed(0)
    plain = Network(nn.GRU(2, 6))
    torch.manual_seed(0)
    model = Checkpointed(nn.GRU(2, 6), reentrant=reentrant)
    found = []
    for own in (plain, model):
        with watch(own, every=2) as watching:
            taught(own, lambda x, own=own: own(x).square().mean(), steps=3)
        found.append(watching.records)
    assert found[0] == found[1]

    def by_method(x):
        return model.head(checkpoint(model.encoder, x, use_reentrant=False)[0][-1]).sum()

    with watch(model, every=1) as watching:
        taught(model, by_method, steps=3)
    assert recorded(watching) == [0, 1, 2]
    with watch(plain, every=1) as watching:
        taught(plain, lambda x: checkpoint(plain, x, use_reentrant=False).sum(), steps=3)
    assert recorded(watching) == [0, 1, 2]


def test_call_to_try_the_model_out_does_not_hide_the_steps_of_its_method():
    model = Policy()
    model.forward = lambda x: model.act(x) + model.head(model.layer(x)[0])
    with watch(model, every=1) as watching:
        model(torch.rand(12, 3, 2))
        taught(model, model.training_step, steps=3)
    assert recorded(watching) == [0, 1, 2]


def test_gradients_that_are_asked_for_without_a_backward_count_as_well():
    model = Policy()
    with watch(model, every=1) as watching:
        for _ in range(3):
            loss = model.training_step(torch.rand(5, 3, 2))
            wanted = [p for p in model.parameters() if p.requires_grad]
            for p, d in zip(wanted, torch.autograd.grad(loss, wanted), strict=True):
                p.data -= 0.1 * d
    assert recorded(watching) == [0, 1, 2]


def test_of_calls_that_a_step_makes_the_one_with_a_gradient_is_measured():
    model = seeded()

    def loss(x):
        model.encoder(torch.rand(12, 3, 2))[0].detach()
        value = model(x).square().mean()
        model.encoder(torch.rand(12, 3, 2))[0].detach()
        return value

    with watch(model, every=1) as watching:
        taught(model, loss, steps=2)
    assert recorded(watching) == [0, 1]


def test_measuring_is_done_in_full_precision_within_autocast():
    for model in (seeded(nn.GRU(2, 6)), seeded(gruta.nn.LSTM(2, 6)), Policy()):
        loss = getattr(model, "training_step", lambda x, own=model: own(x).square().mean())
        with watch(model, every=1) as watching, torch.autocast("cpu", torch.bfloat16):
            taught(model, loss, steps=3)
        assert recorded(watching) == [0, 1, 2]


def test_empty_batch_is_told_and_training_goes_on():
    model = seeded(gruta.nn.GRU(2, 6))
    watching = watch(model, every=1)
    taught(model, lambda x: model(x[:, :0]).sum(), steps=1)
    with pytest.warns(UnseenStep, match="encoder: its batch was empty in a step"):
        taught(model, lambda x: model(x).sum(), steps=1)
    watching.close()
    assert recorded(watching) == [1]


# ---- nothing to see


def test_training_in_evaluation_mode_is_told_at_the_end():
    model = seeded().eval()
    with (
        pytest.warns(UnseenStep, match=r"no step was seen: .* call model.train\(\)") as told,
        watch(model) as watching,
    ):
        taught(model, lambda x: model(x).square().mean(), steps=3)
    assert len(told) == 1
    assert not watching.records


def test_thousand_unseen_steps_are_told_while_they_go_on():
    model, other = seeded().eval(), nn.Linear(1, 1)
    watching = watch(model)
    optimizers = [torch.optim.SGD(m.parameters(), 0.1) for m in (model, other)]
    for optimizer in optimizers:
        for _ in range(LONGEST_WAIT - 1):
            optimizer.step()
    with pytest.warns(UnseenStep, match="no step was seen"):
        optimizers[0].step()
    optimizers[0].step()
    watching.close()


def test_compiled_model_is_told_and_compiled_whole():
    model = seeded(gruta.nn.GRU(2, 6))
    watching = watch(model, every=1)
    compiled = torch.compile(model, backend="eager", fullgraph=True)
    taught(model, lambda x: compiled(x).square().mean(), steps=3)
    with pytest.warns(UnseenStep, match=r"train without torch\.compile"):
        watching.close()


def test_other_processes_and_steps_that_are_not_due_are_no_alarm(monkeypatch):
    model = seeded()
    with watch(model) as watching:
        watching.step = 7  # a training that was resumed, and had nothing left to do
    with watch(model, every=500) as watching:
        watching.step = 3
        for _ in range(LONGEST_WAIT + 1):
            torch.optim.SGD(model.parameters(), 0.1).step()
            if not watching.records and watching.step == 3:
                model(torch.rand(4, 1, 2)).sum().backward()
    monkeypatch.setattr("gruta.health.watching._is_first_process", lambda: False)
    with watch(model, every=1):
        taught(model, lambda x: model(x).sum(), steps=3)


def test_training_that_fails_has_its_own_error_alone():
    with pytest.raises(KeyError), watch(seeded()):
        raise KeyError
