"""A model's layers computed here, where the page cannot: what a step leaves, by the kernels."""

from collections.abc import Iterator, Sequence
from itertools import groupby

import numpy as np
from numpy.typing import NDArray

from gruta.cells import gru, lstm, rnn
from gruta.errors import InputError
from gruta.locale import translate as _
from gruta.locale.numbers import number
from gruta.tasks.portrait import Layer, Portrait

Array = NDArray[np.float32]
Trace = dict[str, Array]
"""What a layer leaves of T steps, `[T, H]` each: GRU r z n q h, LSTM i f g o c h, RNN n h."""

MOST = 2**24
"""Numbers that an answer may have."""

_ALONE = 2**18
"""Products that OpenBLAS computes in the thread that asks; those that it wakes for more keep a core
busy for tens of milliseconds after, which the browser wants for the picture.
"""

_ARRAYS = {"gru": 5, "lstm": 6, "rnn": 2}


def walk(portrait: Portrait, x: Array) -> list[Trace]:
    """Each layer's trace of x `[T, I]`, from a state of zeros; InputError where T is too large."""
    require_small(portrait, len(x))
    found: list[Trace] = []
    for sides in _levels(portrait.layers):
        traces = [_trace(portrait, layer, x) for layer in sides]
        x = np.concatenate([trace["h"] for trace in traces], -1)
        found += traces
    return found


def most_steps(portrait: Portrait) -> int:
    """So many can be shown of a network."""
    a_step = _ARRAYS[portrait.cell] * sum(layer.hidden for layer in portrait.layers)
    if portrait.output is not None:
        a_step += len(portrait.output.weight)
    return MOST // a_step


def require_small(portrait: Portrait, steps: int) -> None:
    """InputError where so many steps would fill the memory."""
    most = most_steps(portrait)
    if steps > most:
        problem = _(
            "{steps} steps of a network of {hidden} units are too many to show; take at most {most}"
        )
        told = {"hidden": number(portrait.hidden), "most": number(most)}
        raise InputError(problem.format(steps=number(steps), **told))


def outputs(portrait: Portrait, h: Array) -> Array | None:
    """What the linear layer makes of the last layer's h `[T, H]`, if there is one."""
    if portrait.output is None:
        return None
    weight, bias = portrait.output.weight, portrait.output.bias
    y = np.empty((len(h), len(weight)), np.float32)
    rows = max(1, _ALONE // weight.size)
    for at in range(0, len(h), rows):
        np.matmul(h[at : at + rows], weight.T, out=y[at : at + rows])
    y += bias
    return y


def _levels(layers: Sequence[Layer]) -> Iterator[list[Layer]]:
    """Those that read the same, forward and in reverse."""
    yield from (list(own) for _w, own in groupby(layers, lambda layer: _level(layer.name)))


def _level(name: str) -> str:
    return name.removesuffix("_reverse")


def _trace(portrait: Portrait, layer: Layer, x: Array) -> Trace:
    weights = (layer.w_ih, layer.w_hh, layer.b_ih, layer.b_hh)
    zeros = np.zeros((1, layer.hidden), np.float32)
    x = np.ascontiguousarray(x, np.float32)[:, None]
    match portrait.cell:
        case "gru":
            h, _h, gates = gru.sequence(
                x,
                zeros,
                *weights,
                reset_after=portrait.reset_after,
                reverse=layer.reverse,
                gates=True,
            )
            letters = "rznq"
        case "lstm":
            h, _h, _c, gates = lstm.sequence(
                x, zeros, zeros, *weights, reverse=layer.reverse, gates=True
            )
            letters = "ifgoc"
        case _:
            h, _h = rnn.sequence(
                x, zeros, *weights, nonlinearity=portrait.nonlinearity, reverse=layer.reverse
            )
            letters, gates = "n", h
    parts = np.split(gates[:, 0], len(letters), -1)
    return {**dict(zip(letters, parts, strict=True)), "h": h[:, 0]}
