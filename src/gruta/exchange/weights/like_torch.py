"""PaddlePaddle, MindSpore and tinygrad: weights, names and their order are those of torch.nn."""

from collections.abc import Sequence
from typing import Any

import numpy as np

from gruta.exchange.layer import NAMES, Layer, Side
from gruta.exchange.weights.framework import Array, Arrays, Framework, Given, Tree


def _out(layer: Layer, side: Side) -> Tree:
    return dict(zip(NAMES, side.arrays, strict=True))


def _back(kind: str, tree: Tree) -> Arrays:
    return Arrays(*(tree[name] for name in NAMES))


def _paddle(given: Given) -> Sequence[Array]:
    import paddle

    sizes = given.x.shape[2], given.hidden
    layer: Any
    match given.kind:
        case "gru":
            layer = paddle.nn.GRU(*sizes)
        case "lstm":
            layer = paddle.nn.LSTM(*sizes)
        case kind:
            layer = paddle.nn.SimpleRNN(*sizes, activation=kind.removeprefix("rnn_"))
    layer.set_state_dict({f"{name}_l0": paddle.to_tensor(w) for name, w in given.tree.items()})
    x = paddle.to_tensor(given.x.swapaxes(0, 1).copy())
    more = () if given.lengths is None else (paddle.to_tensor(given.lengths.astype(np.int32)),)
    y, *last = _called(layer, x, [paddle.to_tensor(s[None]) for s in given.states], *more)
    return y.numpy().swapaxes(0, 1), *(s.numpy()[0] for s in last)


def _mindspore(given: Given) -> Sequence[Array]:
    import mindspore

    sizes = given.x.shape[2], given.hidden
    layer: Any
    match given.kind:
        case "gru":
            layer = mindspore.nn.GRU(*sizes)
        case "lstm":
            layer = mindspore.nn.LSTM(*sizes)
        case kind:
            layer = mindspore.nn.RNN(*sizes, nonlinearity=kind.removeprefix("rnn_"))
    for parameter in layer.get_parameters():
        own = parameter.name.rpartition(".")[2].removesuffix("_l0")
        parameter.set_data(mindspore.Tensor(np.ascontiguousarray(given.tree[own])))
    states = [mindspore.Tensor(s[None]) for s in given.states]
    lengths = given.lengths
    more = () if lengths is None else (mindspore.Tensor(lengths.astype(np.int32)),)
    y, *last = _called(layer, mindspore.Tensor(given.x), states, *more)
    return y.asnumpy(), *(s.asnumpy()[0] for s in last)


def _called(layer: Any, x: Any, states: Sequence[Any], *more: Any) -> Sequence[Any]:
    """y and the final states: h alone is given and comes by itself, h and c as a pair."""
    if len(states) == 1:
        return layer(x, states[0], *more)  # type: ignore[no-any-return]
    y, finals = layer(x, tuple(states), *more)
    return y, *finals


def _tinygrad(given: Given) -> Sequence[Array]:
    from tinygrad import Tensor, nn

    cell = nn.LSTMCell(given.x.shape[2], given.hidden)
    for name, array in given.tree.items():
        setattr(cell, name, Tensor(np.ascontiguousarray(array)))
    state: Any = tuple(map(Tensor, given.states))
    found = []
    for x in given.x:
        state = cell(Tensor(x), state)
        found.append(state[0].numpy())
    return np.stack(found), *(s.numpy() for s in state)


_ALL = {"gru": "GRU", "lstm": "LSTM"}
PADDLE = Framework(
    "paddle",
    {**_ALL, "rnn_tanh": "SimpleRNN", "rnn_relu": "SimpleRNN"},
    _out,
    _back,
    "paddle",
    _paddle,
    flat=True,
    lengths=True,
)
MINDSPORE = Framework(
    "mindspore",
    {**_ALL, "rnn_tanh": "RNN", "rnn_relu": "RNN"},
    _out,
    _back,
    "mindspore",
    _mindspore,
    bound=2e-4,  # its tanh is that far off, and beyond 1
    flat=True,
    lengths=True,
)
TINYGRAD = Framework("tinygrad", {"lstm": "LSTMCell"}, _out, _back, "tinygrad", _tinygrad)
