"""How another framework keeps the weights of a layer, and how it is run."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from gruta.exchange.layer import Layer, Side
from gruta.locale import translate as _

Array = NDArray[Any]
Tree = Mapping[str, Any]
"""The weights of one direction of a layer under the framework's names: arrays, or further trees."""


class Arrays(NamedTuple):
    """The weights of a `Side`, in torch.nn's order."""

    w_ih: Array
    w_hh: Array
    b_ih: Array
    b_hh: Array


class Given(NamedTuple):
    """What one direction of a layer is run with: its weights, x `[T, B, I]`, the initial states
    `[B, H]`, h and of an LSTM c, and the lengths `[B]`, 0 to T, or None.
    """

    kind: str
    tree: Tree
    x: Array
    states: Sequence[Array]
    lengths: Array | None = None

    @property
    def hidden(self) -> int:
        """H."""
        return int(self.states[0].shape[1])


Run = Callable[[Given], Sequence[Array]]


@dataclass(frozen=True)
class Framework:
    """kinds: what it has of gru, gru_reset_before, lstm, rnn_tanh and rnn_relu, and its name there.

    out: the tree of a side. back: the arrays of a tree; KeyError where a name is missing. run: h
    `[T, B, H]` and the final states `[B, H]`, by the framework itself; None where Python cannot.
    module: what is imported for that. no_image: what of a layer that is of a kind it has cannot be
    said there, if anything, and the layer without that. bound: largest error of what it runs.
    flat: whether a stack's weights stand side by side, named as in torch.nn. loaded: of a kind and
    a tree what `run` does with them, where it takes long to make a layer of these; else None.
    lengths: whether `run` takes them. empty: whether a row of length 0 then keeps its states.
    """

    name: str
    kinds: Mapping[str, str]
    out: Callable[[Layer, Side], Tree]
    back: Callable[[str, Tree], Arrays]
    module: str
    run: Run | None = None
    no_image: Callable[[Layer], tuple[str, Layer] | None] = lambda layer: None
    bound: float = 1e-5
    flat: bool = False
    loaded: Callable[[str, Tree], Run] | None = None
    lengths: bool = False
    empty: bool = True


def words(kind: str) -> str:
    """What people call a kind of layer."""
    return {
        "gru": _("GRU whose reset gate acts behind the product"),
        "gru_reset_before": _("GRU whose reset gate acts before the product"),
        "lstm": "LSTM",
        "rnn_tanh": _("RNN with tanh"),
        "rnn_relu": _("RNN with ReLU"),
    }[kind]


def inside(y: Array, lengths: Array) -> Array:
    """y `[T, B, H]` with 0 past each row's end: of a framework that has other things there."""
    return np.where((np.arange(len(y))[:, None] < lengths)[..., None], y, np.float32(0))


def halves(b_ih: Array, b_hh: Array) -> tuple[Array, Array]:
    """Of a GRU whose gates r and z have one bias: the sums of both for r, z and b_in `[3H]`, and
    b_hn `[H]`.
    """
    H = len(b_ih) // 3
    return np.concatenate([b_ih[: 2 * H] + b_hh[: 2 * H], b_ih[2 * H :]]), b_hh[2 * H :]


def whole(bias: Array, b_hn: Array) -> tuple[Array, Array]:
    """b_ih and b_hh `[3H]` of what `halves` makes."""
    return bias, np.concatenate([np.zeros(2 * len(b_hn), bias.dtype), b_hn])


def alone(bias: Array) -> tuple[Array, Array]:
    """b_ih and b_hh of a layer that has only their sum."""
    return bias, np.zeros_like(bias)
