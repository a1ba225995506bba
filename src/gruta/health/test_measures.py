"""Each measure against automatic differentiation, or a case solved by hand."""

import math

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from torch import nn

import gruta.nn
from gruta.errors import InputError
from gruta.health import flow, gates, memory
from gruta.health.conftest import every_kind, layer_of, seen
from gruta.health.sight import Sight, recurrent_layers
from gruta.health.updates import update_ratios
from gruta.nn.twin import twin

T, I, H = 9, 2, 4


def constant_rnn(matrix, steps=40):
    """The pass of a ReLU network whose units stay above 0, so that every J_t is `matrix`."""
    w = torch.tensor(matrix, dtype=torch.float64)
    layer = nn.RNN(1, len(w), nonlinearity="relu", dtype=torch.float64)
    with torch.no_grad():
        for parameter in layer.parameters():
            parameter.fill_(1.0)
        layer.weight_hh_l0.copy_(w)
    (one,) = seen(layer, torch.ones(steps, 1, 1, dtype=torch.float64), lambda out, h: h.sum())
    return one


# ---- flow


def test_gradient_of_a_linear_walk_fades_by_its_factor():
    one = constant_rnn([[0.8, 0.0], [0.0, 0.5]])
    fade = flow.gradient_through_time(one)
    lags = np.arange(40)
    np.testing.assert_allclose(fade.norms, np.hypot(0.8**lags, 0.5**lags))
    assert fade.slope == pytest.approx(math.log(0.8), rel=0.02)
    assert fade.half_life == pytest.approx(math.log(2) / -math.log(0.8), rel=0.02)


def test_gradient_needs_a_loss():
    (one,) = seen(layer_of("gru", I, H), torch.randn(T, 1, I, dtype=torch.float64))
    with pytest.raises(ValueError, match="GRU l0: no gradient is known; run a loss back"):
        flow.gradient_through_time(one)


@every_kind
def test_jacobian_product_is_the_derivative_of_the_last_state_by_each(kind):
    (one,) = seen(layer_of(kind, I, H), torch.randn(T, 1, I, dtype=torch.float64))
    J = np.concatenate(list(one.jacobians()))
    product, norms = np.eye(J.shape[1]), []
    for k in range(T + 1):
        norms.append(np.linalg.norm(product))
        product = product @ J[T - 1 - k] if k < T else product
    np.testing.assert_allclose(flow.jacobian_product(one, probes=16).norms, norms)


def test_random_probes_tell_the_norm_of_a_product():
    layer = layer_of("torch-gru", I, 40)
    (one,) = seen(layer, torch.randn(30, 1, I, dtype=torch.float64))
    exact = flow.jacobian_product(one, probes=40).norms
    for seed in range(5):
        estimate = flow.jacobian_product(one, probes=16, seed=seed).norms
        np.testing.assert_allclose(estimate, exact, rtol=0.4)
        assert abs(np.log(estimate / exact)).mean() < 0.2


def test_product_beyond_the_range_of_numbers_keeps_its_slope():
    assert flow.jacobian_product(constant_rnn([[0.1]], 400)).slope == pytest.approx(math.log(0.1))
    exploding = flow.jacobian_product(constant_rnn([[10.0]], 250))
    assert exploding.slope == pytest.approx(math.log(10.0))
    assert flow.jacobian_product(constant_rnn([[0.0]])).slope == -math.inf


def test_lyapunov_exponents_of_a_linear_walk_are_its_eigenvalues():
    one = constant_rnn([[0.9, 0.3, 0.0], [0.0, 0.5, 0.1], [0.0, 0.0, 0.2]], 400)
    found = flow.lyapunov_exponents(one, count=5)
    np.testing.assert_allclose(found, np.log([0.9, 0.5, 0.2]), atol=0.02)


def test_spectral_norm_is_the_largest_singular_value():
    assert flow.spectral_norm(np.array([[0.0, 2.0], [0.5, 0.0]])) == pytest.approx(2.0)


# ---- gates


@pytest.mark.parametrize(("bias", "tau"), [(0.0, 1.4), (2.0, 7.9), (4.0, 55.0)])
def test_bias_of_the_keep_gate_sets_its_time_constant(bias, tau):
    found = gates.time_constant_of_bias(bias)
    assert found == pytest.approx(tau, rel=0.04)
    assert gates.bias_of_time_constant(found) == pytest.approx(bias)
    layer = layer_of("torch-gru", I, H)
    with torch.no_grad():
        for parameter in layer.parameters():
            parameter.zero_()
        layer.bias_ih_l0[H : 2 * H] = bias
    (one,) = seen(layer, torch.randn(T, 1, I, dtype=torch.float64))
    np.testing.assert_allclose(gates.time_constants(one), found)


@given(st.floats(1e-2, 1e6))
def test_bias_for_a_time_constant_gives_it(tau):
    bias = gates.bias_of_time_constant(tau)
    assert gates.time_constant_of_bias(bias) == pytest.approx(tau, rel=1e-6)


def test_plain_network_keeps_nothing():
    (one,) = seen(layer_of("torch-rnn", I, H), torch.randn(T, 1, I, dtype=torch.float64))
    assert one.keep is None
    assert gates.time_constants(one) is None


def test_keep_fraction_counts_zoneout():
    layer = layer_of("lstm", I, H)
    (one,) = seen(layer, torch.randn(T, 1, I, dtype=torch.float64))
    np.testing.assert_allclose(one.keep, 0.3 + 0.7 * one.gates["f"])


def test_saturation_counts_steps_of_each_unit():
    gate = np.array([[0.05, 0.95], [0.05, 0.5], [0.5, 0.95], [0.5, 0.95]])
    found = gates.saturation(gate)
    assert found.shut.tolist() == [0.5, 0.0]
    assert found.open.tolist() == [0.0, 0.75]


def test_dead_and_twin_units_are_found():
    a, b = np.random.default_rng(0).normal(size=(2, 50))
    found = gates.units(np.stack([a, np.full(50, 0.7), -2 * a, b], axis=1))
    assert found.dead == [1]
    assert found.twins == [(0, 2)]
    assert found.correlation[0, 2] == pytest.approx(-1.0)


# ---- memory


@pytest.mark.parametrize("bidirectional", [False, True])
def test_influence_is_the_norm_of_the_derivative(bidirectional):
    layer = layer_of("torch-gru", I, H, bidirectional=bidirectional)
    x = torch.randn(T, 1, I, dtype=torch.float64)
    with Sight(recurrent_layers(layer)) as sight:
        layer(x)
    (call,) = sight.calls.values()
    found = memory.influence(twin(layer), call, probes=4000)
    J = torch.autograd.functional.jacobian(lambda x: layer(x)[0][:, 0], x)[:, :, :, 0]
    truth = J.square().sum((1, 3)).sqrt().numpy()
    assert found.times.tolist() == list(range(T))
    np.testing.assert_allclose(found.norms, truth, rtol=0.1, atol=1e-12)
    assert found.by_lag().sum() == pytest.approx(1.0)
    assert found.both_ways is bidirectional


def test_horizon_is_the_lag_that_holds_95_percent():
    norms = np.zeros((1, 11))
    norms[0, 10], norms[0, 6], norms[0, 0] = 50.0, 45.0, 5.0
    found = memory.Influence(norms, np.array([10]), both_ways=False)
    assert found.horizon == 4
    assert found.by_lag()[[0, 4, 10]].tolist() == [0.5, 0.45, 0.05]


def test_influence_through_a_readout_counts_what_it_reads():
    layer, readout = layer_of("torch-gru", I, H), nn.Linear(H, 1, dtype=torch.float64)
    with torch.no_grad():
        readout.weight.zero_()
    with Sight(recurrent_layers(layer)) as sight:
        layer(torch.randn(T, 1, I, dtype=torch.float64))
    (call,) = sight.calls.values()
    found = memory.influence(twin(layer), call, readout=readout, outputs=3)
    assert found.times.tolist() == [0, 4, 8]
    assert not found.norms.any()
    assert found.horizon == 0


@pytest.mark.parametrize("kind", ["torch-lstm", "gru"])
@pytest.mark.parametrize("batch_first", [False, True])
def test_loss_by_context_is_that_of_the_last_steps_alone(kind, batch_first):
    layer = layer_of(kind, I, H, num_layers=2, batch_first=batch_first)
    x = torch.randn(4, T, I, dtype=torch.float64)

    def loss(x):
        out, _ = layer(x if batch_first else x.transpose(0, 1))
        return (out[:, -1] if batch_first else out[-1]).square().mean()

    found = memory.loss_by_context(layer, lambda: loss(x), [1, 3, T, 50])
    truth = [float(loss(x[:, -n:]).detach()) for n in (1, 3, T, T)]
    assert found == pytest.approx(truth)
    assert found[0] != pytest.approx(found[1])


def test_loss_by_context_refuses_padding():
    layer = gruta.nn.GRU(I, H)
    x = torch.zeros(T, 1, I)
    with pytest.raises(InputError, match="expected sequences of equal length, without padding"):
        memory.loss_by_context(layer, lambda: layer(x, lengths=[3])[0].sum(), [2])


# ---- updates


def test_update_ratios_are_those_of_each_gates_block():
    before = {"weight_hh_l0": torch.ones(6, 2), "h_0": torch.zeros(1, 2)}
    after = {"weight_hh_l0": torch.ones(6, 2), "h_0": torch.ones(1, 2)}
    after["weight_hh_l0"][2:4] += 0.01
    found = update_ratios("rzn", before, after)
    assert found == pytest.approx(
        {"weight_hh_l0 r": 0, "weight_hh_l0 z": 0.01, "weight_hh_l0 n": 0, "h_0": math.inf}
    )


def test_carried_is_the_share_of_the_variance_that_a_fact_explains():
    rng = np.random.default_rng(0)
    fact = rng.integers(0, 4, 4000)
    noise = rng.normal(size=(2, 4000))
    states = np.stack([fact.astype(float), noise[0], fact + noise[1], np.ones(4000)], axis=1)
    (share,) = memory.carried(states[None], fact)
    whole = fact.var()
    assert share[0] == pytest.approx(1)
    assert share[1] < 0.005
    assert share[2] == pytest.approx(whole / (whole + 1), abs=0.03)
    assert share[3] == 0  # never moves


def test_gradient_through_depth_is_that_of_a_stack_by_hand():
    layer = gruta.nn.RNN(1, 1, num_layers=3, nonlinearity="relu", dtype=torch.float64)
    with torch.no_grad():
        for name, parameter in layer.named_parameters():
            parameter.fill_(0.5 if name.startswith("weight_ih") else 0.0)  # h of a layer halves
    found = seen(layer, torch.ones(4, 1, 1).double(), lambda out, h: 3 * out[-1].sum())
    fade = flow.gradient_through_depth(found)
    np.testing.assert_allclose(fade.norms, [3.0, 1.5, 0.75])
    assert fade.slope == pytest.approx(math.log(0.5))
