"""What a layer, or a stack of them, makes of a sequence: by the kernels, or by the reference."""

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from gruta.cells import gru, lstm, rnn
from gruta.cells.gru import reference as gru_reference
from gruta.cells.lstm import reference as lstm_reference
from gruta.cells.rnn import reference as rnn_reference
from gruta.exchange.layer import Layer, Side, stacked

Array = NDArray[Any]


def compute(
    layers: Sequence[Layer],
    x: Array,
    states: Sequence[Array] | None = None,
    lengths: Array | None = None,
    *,
    truth: bool = False,
) -> tuple[Array, ...]:
    """h `[T, B, D*H]` of the last layer, and the final states `[L*D, B, H]`: h, and c of LSTMs.

    x: `[T, B, I]`. states: as the final ones, zeros where they are not given. lengths: `[B]`, 0 to
    T; past it outputs are 0 and states stay. truth: by the NumPy reference.
    """
    pair = layers[0].cell == "lstm"
    rows = sum(len(layer.sides) for layer in layers)
    if states is None:
        zeros = np.zeros((rows, x.shape[1], layers[0].hidden), x.dtype)
        states = (zeros, zeros)[: 1 + pair]
    finals: list[tuple[Array, ...]] = []
    for row, layer in stacked(layers):
        sides = []
        for k, side in enumerate(layer.sides):
            initial = [s[row + k] for s in states]
            h, *own = _side(layer, side, x, initial, lengths, truth)
            sides.append(h)
            finals.append(tuple(own))
        x = np.concatenate(sides, -1)
    return x, *(np.stack(s) for s in zip(*finals, strict=True))


def _side(
    layer: Layer, side: Side, x: Array, initial: list[Array], lengths: Array | None, truth: bool
) -> tuple[Array, ...]:
    given = (np.ascontiguousarray(x), *initial, *side.arrays)
    how: dict[str, Any] = {"lengths": lengths, "reverse": side.reverse}
    if truth:
        trace: tuple[Array, ...] = _REFERENCES[layer.cell].forward(*given, **_form(layer), **how)
        return trace[: 1 + len(initial)]
    found: tuple[Array, ...] = _KERNELS[layer.cell](*given, **_form(layer), **how)
    return found


def _form(layer: Layer) -> dict[str, Any]:
    if layer.cell == "gru":
        return {"reset_after": layer.reset_after}
    return {"nonlinearity": layer.nonlinearity} if layer.cell == "rnn" else {}


_REFERENCES: dict[str, Any] = {"gru": gru_reference, "lstm": lstm_reference, "rnn": rnn_reference}
_KERNELS: dict[str, Any] = {"gru": gru.sequence, "lstm": lstm.sequence, "rnn": rnn.sequence}
