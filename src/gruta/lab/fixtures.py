"""`python -m gruta.lab.fixtures DIR`: small models with all that the page computes of them.

The page's tests hold its steps to these numbers: those forward are the NumPy reference's, those
back PyTorch's, all in float64 on weights that float32 holds exactly.
"""

import json
import sys
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from gruta.cells.gru import jacobian as gru_jacobian
from gruta.cells.gru import reference as gru
from gruta.cells.lstm import jacobian as lstm_jacobian
from gruta.cells.lstm import reference as lstm
from gruta.cells.rnn import jacobian as rnn_jacobian
from gruta.cells.rnn import reference as rnn
from gruta.files import write_atomically
from gruta.lab.bundle import Bundle
from gruta.tasks.portrait import Layer, Linear, Portrait, Vocabulary

T, I, H, UNITS = 7, 3, 5, "abcd"
CELLS: dict[str, tuple[Any, Any, int, tuple[str, ...]]] = {
    "gru": (gru, gru_jacobian, 3, ("r", "z", "n", "q", "h")),
    "lstm": (lstm, lstm_jacobian, 4, ("i", "f", "g", "o", "c", "h")),
    "rnn": (rnn, rnn_jacobian, 1, ("n", "h")),
}
"""Reference, Jacobians, blocks of rows, and what a step leaves."""

CASES: dict[str, dict[str, Any]] = {
    "gru-after": {"cell": "gru", "reset_after": True},
    "gru-before": {"cell": "gru", "reset_after": False},
    "lstm": {"cell": "lstm"},
    "rnn-tanh": {"cell": "rnn", "nonlinearity": "tanh"},
    "rnn-relu": {"cell": "rnn", "nonlinearity": "relu"},
}
LAYERS = (1, 2)

Array = NDArray[np.float64]
Json = dict[str, Any]


def write(directory: Path) -> None:
    """A file a case, `gru-after-2.json` of two layers."""
    directory.mkdir(parents=True, exist_ok=True)
    for name in CASES:
        for layers in LAYERS:
            content = json.dumps(fixture(name, layers), separators=(",", ":"))
            write_atomically(directory / f"{name}-{layers}.json", content.encode() + b"\n")


def fixture(name: str, layers: int) -> Json:
    """A model, a text, and all that is computed of them."""
    model = portrait(name, layers)
    units = np.random.default_rng(layers).integers(1, len(UNITS) + 1, T + 1)
    table, output = model.embedding, model.output
    assert table is not None
    assert output is not None
    walk = _Walk(model, CASES[name])
    x = table.astype(np.float64)[units[:-1], None]
    traces = walk.forward(x)
    matrix, bias = output.weight.astype(np.float64), output.bias.astype(np.float64)
    logits = traces[-1].h[:, 0] @ matrix.T + bias
    odds = np.exp(logits - logits.max(-1, keepdims=True))
    odds /= odds.sum(-1, keepdims=True)
    nats = -np.log(odds[np.arange(T), units[1:]])
    by_logits = odds - np.eye(len(table))[units[1:]]
    last = np.arange(T) == T - 1
    return {
        "bundle": Bundle(f"{name}-{layers}", "layers", model).to_json(),
        "text": "".join(UNITS[k - 1] for k in units[:-1]),
        "units": units[:-1].tolist(),
        "targets": units[1:].tolist(),
        "x": _shown(x[:, 0]),
        "layers": [{k: _shown(getattr(t, k)[:, 0]) for k in walk.letters} for t in traces],
        "logits": _shown(logits),
        "losses": {
            "last": walk.gradients(nats[-1], by_logits * last[:, None] @ matrix, x, traces),
            "every": walk.gradients(nats.mean(), by_logits / T @ matrix, x, traces),
        },
        "jacobians": [_shown(J) for J in walk.jacobians(traces)],
        "influence": {
            "h": _shown(walk.influence(x, np.eye(H))),
            "y": _shown(walk.influence(x, matrix)),
        },
    }


def portrait(name: str, layers: int) -> Portrait:
    """The case's model, its weights drawn at random."""
    case, random = CASES[name], np.random.default_rng([len(name), layers])

    def draw(*shape: int) -> NDArray[np.float32]:
        return (0.8 * random.standard_normal(shape)).astype(np.float32)

    rows = CELLS[case["cell"]][2] * H
    widths = [I, *[H] * (layers - 1)]
    return Portrait(
        layers=[
            Layer(f"l{k}", draw(rows, wide), draw(rows, H), draw(rows), draw(rows))
            for k, wide in enumerate(widths)
        ],
        embedding=draw(len(UNITS) + 1, I),
        output=Linear(draw(len(UNITS) + 1, H), draw(len(UNITS) + 1)),
        vocabulary=Vocabulary("characters", UNITS, lambda text: (np.array([]), text)),
        **case,
    )


class _Walk:
    """The references over all layers, in float64."""

    def __init__(self, portrait: Portrait, case: Json) -> None:
        self._reference, jacobian, _rows, self.letters = CELLS[portrait.cell]
        self._form = {name: value for name, value in case.items() if name != "cell"}
        self._jacobians = partial(jacobian.state_jacobians, **self._form)
        self._states = 2 if portrait.cell == "lstm" else 1
        self._weights = [
            [np.asarray(w, np.float64) for w in (own.w_ih, own.w_hh, own.b_ih, own.b_hh)]
            for own in portrait.layers
        ]

    def forward(self, x: Array) -> list[Any]:
        """Each layer's trace of x `[T, B, I]`, from zeros."""
        traces: list[Any] = []
        zeros = [np.zeros((x.shape[1], H))] * self._states
        for weights in self._weights:
            traces.append(self._reference.forward(x, *zeros, *weights, **self._form))
            x = traces[-1].h
        return traces

    def backward(self, dh: Array, x: Array, traces: list[Any]) -> list[Any]:
        """Each layer's gradients, from those `[T, B, H]` at the last one's outputs."""
        found: list[Any] = []
        zeros = [np.zeros(dh.shape[1:])] * self._states
        for k in reversed(range(len(traces))):
            read = traces[k - 1].h if k else x
            matrices = self._weights[k][:2]
            own = self._reference.backward(traces[k], dh, *zeros, read, *matrices, **self._form)
            found.insert(0, own)
            dh = own.x
        return found

    def gradients(self, loss: float, dh: Array, x: Array, traces: list[Any]) -> Json:
        """Along every path, of each layer's states and of what layer 0 reads."""
        found = self.backward(dh[:, None], x, traces)
        states = ("h", "c")[: self._states]
        return {
            "loss": float(loss),
            "layers": [
                {name: _shown(getattr(own, name)[:, 0]) for name in states} for own in found
            ],
            "x": _shown(found[0].x[:, 0]),
        }

    def jacobians(self, traces: list[Any]) -> list[Array]:
        """∂s_t/∂s_{t−1} of each layer, `[T, S, S]`; s is h or, in the LSTM, h and c."""
        pairs = zip(traces, self._weights, strict=True)
        return [self._jacobians(trace, weights[1])[:, 0] for trace, weights in pairs]

    def influence(self, x: Array, readout: Array) -> Array:
        """‖∂y_t/∂x_s‖ in row t and column s, for y = readout · h of the last layer."""
        O = len(readout)
        copies = np.repeat(x, T * O, axis=1)
        dh = np.zeros((T, T * O, H))
        for t in range(T):
            dh[t, t * O : (t + 1) * O] = readout
        by_x = self.backward(dh, copies, self.forward(copies))[0].x
        norms: Array = np.sqrt(np.square(by_x).sum(-1).reshape(T, T, O).sum(-1)).T
        return norms


def _shown(values: NDArray[Any]) -> Json:
    """With all digits, as JSON has them."""
    return {"shape": list(values.shape), "values": values.ravel().tolist()}


if __name__ == "__main__":
    write(Path(sys.argv[1]))
