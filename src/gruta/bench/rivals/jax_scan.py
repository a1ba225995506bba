"""jax: lax.scan over the steps, jitted; the input's projection is one product before it.

The weights are kept as `w_ih [I, G*H]` and `w_hh [H, G*H]`, G gates: a transpose inside the loop
would cost XLA a copy a step.
"""

from collections.abc import Callable
from functools import partial
from itertools import cycle
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
from jax import lax
from numpy.typing import NDArray

from gruta.bench.cases import Case
from gruta.bench.inputs import Inputs
from gruta.bench.rivals import Job

State = tuple[jax.Array, ...]
Weights = tuple[jax.Array, ...]


def start(threads: int) -> "Jax":
    """XLA read the number of threads from the environment (see `gruta.bench.process`)."""
    return Jax()


def gru(a: jax.Array, state: State, w_hh: jax.Array, b_hh: jax.Array) -> State:
    """One step from a `[B, 3H]`, the input's part."""
    (h,) = state
    a_r, a_z, a_n = jnp.split(a, 3, axis=1)
    g_r, g_z, q = jnp.split(h @ w_hh + b_hh, 3, axis=1)
    r, z = jax.nn.sigmoid(a_r + g_r), jax.nn.sigmoid(a_z + g_z)
    n = jnp.tanh(a_n + r * q)
    return ((1 - z) * n + z * h,)


def lstm(a: jax.Array, state: State, w_hh: jax.Array, b_hh: jax.Array) -> State:
    """One step from a `[B, 4H]`, the input's part."""
    h, c = state
    i, f, g, o = jnp.split(a + h @ w_hh + b_hh, 4, axis=1)
    c = jax.nn.sigmoid(f) * c + jax.nn.sigmoid(i) * jnp.tanh(g)
    return jax.nn.sigmoid(o) * jnp.tanh(c), c


def rnn(a: jax.Array, state: State, w_hh: jax.Array, b_hh: jax.Array) -> State:
    """One step from a `[B, H]`, the input's part."""
    return (jnp.tanh(a + state[0] @ w_hh + b_hh),)


CELLS: dict[str, Callable[..., State]] = {"gru": gru, "lstm": lstm, "rnn": rnn}


def scan(
    cell: str, unroll: int, weights: Weights, x: jax.Array, state: State
) -> tuple[jax.Array, State]:
    """h `[T, B, H]` and the final states, from x `[T, B, I]`; unroll: steps a turn of the loop."""
    w_ih, w_hh, b_ih, b_hh = weights

    def body(state: State, a: jax.Array) -> tuple[State, jax.Array]:
        state = CELLS[cell](a, state, w_hh, b_hh)
        return state, state[0]

    final, out = lax.scan(body, state, x @ w_ih + b_ih, unroll=unroll)
    return out, final


def loss(
    cell: str, unroll: int, weights: Weights, x: jax.Array, state: State, dh: jax.Array
) -> tuple[jax.Array, jax.Array]:
    """A number whose gradient of the output is dh, and the output."""
    out, _ = scan(cell, unroll, weights, x, state)
    return jnp.vdot(out, dh), out


def one(cell: str, weights: Weights, x: jax.Array, state: State) -> State:
    """One step from x `[B, I]`."""
    w_ih, w_hh, b_ih, b_hh = weights
    return CELLS[cell](x @ w_ih + b_ih, state, w_hh, b_hh)


UNROLL = {"plain": 1, "unrolled": 4}


class Jax:
    """A jitted function a case."""

    def about(self) -> dict[str, str]:
        """The version."""
        return {"version": jax.__version__, "devices": str(jax.devices())}

    def variants(self, case: Case, slow: bool) -> tuple[str, ...]:
        """Everything, in float32; with one row a backward pass may be worth unrolling."""
        return tuple(UNROLL) if case.regime == "training-one" else ("plain",)

    def prepare(self, case: Case, inputs: Inputs, variant: str) -> Job:
        """The arrays are put on the device first, but for the rows of a stream."""
        weights = tuple(jnp.asarray(w.T.copy()) for w in inputs.weights)
        state = tuple(map(jnp.asarray, inputs.states))
        if case.regime == "step":
            return _step(partial(jax.jit(partial(one, case.cell)), weights), inputs, state)
        x = jnp.asarray(inputs.x)
        if inputs.dh is not None:
            graph = jax.value_and_grad(
                partial(loss, case.cell, UNROLL[variant]), argnums=(0, 1), has_aux=True
            )
            return _training(partial(jax.jit(graph), weights, x, state, jnp.asarray(inputs.dh)))
        run = partial(jax.jit(partial(scan, case.cell, UNROLL[variant])), weights, x, state)

        def results() -> dict[str, NDArray[Any]]:
            out, final = run()
            named = dict(zip(("h_n", "c_n"), map(np.asarray, final), strict=False))
            return {"h": np.asarray(out), **named}

        return Job(lambda: jax.block_until_ready(run()), results)


def _training(run: Callable[[], Any]) -> Job:
    def results() -> dict[str, NDArray[Any]]:
        (_, out), (d_weights, dx) = run()
        names = ("d_w_ih", "d_w_hh", "d_b_ih", "d_b_hh")
        gradients = {n: np.asarray(d).T for n, d in zip(names, d_weights, strict=True)}
        return {"h": np.asarray(out), "d_x": np.asarray(dx), **gradients}

    return Job(lambda: jax.block_until_ready(run()), results)


def _step(run: Callable[[Any, State], State], inputs: Inputs, initial: State) -> Job:
    """One step a call, NumPy in and NumPy out; the state stays on the device in between."""
    rows = list(inputs.x)  # each [B, I]
    state, endless = initial, cycle(rows)

    def step() -> NDArray[Any]:
        nonlocal state
        state = run(next(endless), state)
        return np.asarray(state[0])

    def results() -> dict[str, NDArray[Any]]:
        nonlocal state, endless
        state, endless = initial, cycle(rows)
        return {"h": np.stack([step() for _ in rows])}

    return Job(step, results)
