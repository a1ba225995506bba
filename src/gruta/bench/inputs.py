"""The numbers that everyone computes on: drawn from a seed, so that each process makes the same."""

from collections.abc import Callable
from dataclasses import dataclass
from zlib import crc32

import numpy as np
from numpy.typing import NDArray

from gruta.bench.cases import GATES, STACK, Case

Floats = NDArray[np.float32]


@dataclass(frozen=True, eq=False)
class Inputs:
    """float32 arrays of one case, G gates, rows of the weights in torch.nn's order.

    x `[T, B, I]`; h_0, c_0 `[B, H]` (c_0 for the LSTM alone); w_ih `[G*H, I]`; w_hh `[G*H, H]`;
    b_ih, b_hh `[G*H]`; dh `[T, B, H]`, the gradient of the output, for training alone. passes: of a
    stack the weights of each layer and direction, in torch.nn's order; those above are the first.
    """

    x: Floats
    h_0: Floats
    c_0: Floats | None
    w_ih: Floats
    w_hh: Floats
    b_ih: Floats
    b_hh: Floats
    dh: Floats | None
    passes: tuple[tuple[Floats, Floats, Floats, Floats], ...] = ()

    @property
    def states(self) -> tuple[Floats, ...]:
        """The initial states; none of a stack, where they are zeros."""
        if self.passes:
            return ()
        return (self.h_0,) if self.c_0 is None else (self.h_0, self.c_0)

    @property
    def weights(self) -> tuple[Floats, Floats, Floats, Floats]:
        """w_ih, w_hh, b_ih, b_hh."""
        return self.w_ih, self.w_hh, self.b_ih, self.b_hh


def draw(case: Case, seed: int) -> Inputs:
    """Normal inputs and gradients, states and weights uniform as torch.nn would draw them."""
    random = np.random.default_rng([seed, crc32(case.key.encode())])
    T, B, I, H = case.steps, case.B, case.I, case.H
    rows, bound = GATES[case.cell] * H, H**-0.5

    def normal(*shape: int) -> Floats:
        return random.standard_normal(shape, np.float32)

    def uniform(width: float, *shape: int) -> Floats:
        return (random.random(shape, np.float32) * 2 - 1) * np.float32(width)

    if case.regime == STACK:
        widths = [I if k == 0 else case.directions * H for k in range(case.layers)]
        passes = tuple(
            (uniform(bound, rows, width), uniform(bound, rows, H), *_biases(uniform, bound, rows))
            for width in widths
            for _direction in range(case.directions)
        )
        x, (w_ih, w_hh, b_ih, b_hh) = normal(T, B, I), passes[0]
        return Inputs(x, np.zeros((B, H), np.float32), None, w_ih, w_hh, b_ih, b_hh, None, passes)
    return Inputs(
        x=normal(T, B, I),
        h_0=uniform(1, B, H),
        c_0=uniform(1, B, H) if case.cell == "lstm" else None,
        w_ih=uniform(bound, rows, I),
        w_hh=uniform(bound, rows, H),
        b_ih=uniform(bound, rows),
        b_hh=uniform(bound, rows),
        dh=normal(T, B, H) if case.trains else None,
    )


def _biases(uniform: Callable[..., Floats], bound: float, rows: int) -> tuple[Floats, Floats]:
    return uniform(bound, rows), uniform(bound, rows)
