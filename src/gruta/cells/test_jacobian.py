"""The closed forms of ∂(state)/∂(state before), against differences of the reference's steps."""

import numpy as np
import pytest

from gruta.cells.gru import jacobian as gru_jacobian
from gruta.cells.gru import reference as gru
from gruta.cells.lstm import jacobian as lstm_jacobian
from gruta.cells.lstm import reference as lstm
from gruta.cells.rnn import jacobian as rnn_jacobian
from gruta.cells.rnn import reference as rnn

T, B, I = 3, 2, 4


def drawn(*shape):
    return np.random.default_rng(sum(shape)).normal(size=shape)


def by_differences(step, state):
    """`[B, S, S]` by central differences of step(state `[B, S]`)."""
    size, columns = 1e-6, []
    for j in range(state.shape[1]):
        moved = np.zeros_like(state)
        moved[:, j] = size
        columns.append((step(state + moved) - step(state - moved)) / (2 * size))
    return np.stack(columns, axis=-1)


def weights(G, H, P, with_norm):
    norm = tuple(drawn(G * H + k)[k:] for k in range(4)) if with_norm else None
    return (drawn(G * H, I), drawn(G * H, P), drawn(G * H), drawn(G * H + 1)[1:]), norm


@pytest.mark.parametrize("with_norm", [False, True])
@pytest.mark.parametrize("H", [1, 5])
@pytest.mark.parametrize(
    ("cell", "jacobian", "G", "form"),
    [
        (gru, gru_jacobian, 3, {"reset_after": True}),
        (gru, gru_jacobian, 3, {"reset_after": False}),
        (rnn, rnn_jacobian, 1, {"nonlinearity": "tanh"}),
        (rnn, rnn_jacobian, 1, {"nonlinearity": "relu"}),
    ],
)
def test_state_jacobians_of_gru_and_rnn(cell, jacobian, G, form, H, with_norm):
    x, h_0 = drawn(T, B, I), drawn(B, H)
    given, norm = weights(G, H, H, with_norm)
    trace = cell.forward(x, h_0, *given, norm=norm, **form)
    found = jacobian.state_jacobians(trace, given[1], norm=norm, **form)
    for t in range(T):

        def step(h, t=t):
            return cell.forward(x[t : t + 1], h, *given, norm=norm, **form).h_n

        np.testing.assert_allclose(found[t], by_differences(step, trace.h_prev[t]), atol=1e-7)


@pytest.mark.parametrize("with_norm", [False, True])
@pytest.mark.parametrize(("H", "P"), [(1, 1), (5, 5), (5, 3)])
def test_state_jacobians_of_the_lstm(H, P, with_norm):
    x, h_0, c_0 = drawn(T, B, I), drawn(B, P), drawn(B, H)
    given, norm = weights(4, H, P, with_norm)
    w_hr = None if P == H else drawn(P, H)
    trace = lstm.forward(x, h_0, c_0, *given, w_hr, norm=norm)
    found = lstm_jacobian.state_jacobians(trace, given[1], w_hr, norm=norm)
    for t in range(T):

        def step(s, t=t):
            end = lstm.forward(x[t : t + 1], s[:, :P], s[:, P:], *given, w_hr, norm=norm)
            return np.concatenate([end.h_n, end.c_n], axis=1)

        state = np.concatenate([trace.h_prev[t], trace.c_prev[t]], axis=1)
        np.testing.assert_allclose(found[t], by_differences(step, state), atol=1e-7)
