"""A language model in ONNX: units and states come in, logits and states go out."""

import numpy as np

from gruta.codec.text.units import Units
from gruta.errors import InputError
from gruta.exchange.layer import named
from gruta.exchange.onnx.graph import Graph
from gruta.exchange.onnx.write import add_stack
from gruta.exchange.proof import SIZES
from gruta.locale import translate as _
from gruta.tasks.as_onnx import Arrays, Drawing
from gruta.tasks.trained import Trained


def drawn(trained: Trained[Units]) -> Drawing:
    """Inputs: units `[T, B]`, h_0 and, of an LSTM, c_0 `[L, B, H]`. Outputs: logits `[T, B, V]` of
    what follows each unit, h_n and c_n.
    """
    codec, weights, s, head = trained.codec, trained.weights, trained.settings, trained.head
    if not isinstance(codec, Units):
        raise InputError(
            _(
                "--to onnx: a run of notes does not go into one: frames are drawn key by key; "
                "--to gruta keeps all of it"
            )
        )
    graph = Graph()
    units = graph.input("units", np.int64, "time", "batch")
    names = ["h_0", "c_0"][: 1 + (s.cell == "lstm")]
    states = [graph.input(name, np.float32, s.layers, "batch", s.hidden) for name in names]
    table = graph.constant("embedding", weights["embedding.weight"])
    x = graph.node("Gather", table, units, out="vectors")
    layers = [one for k in range(s.layers) for one in named(weights, f"layers.{k}", s.cell)]
    h, finals = add_stack(graph, layers, x, states)
    matrix, bias = head.output
    graph.linear(h, matrix.T, bias, "logits")
    graph.output("logits", np.float32, "time", "batch", codec.size)
    for name, parts in zip(["h_n", "c_n"], finals, strict=False):
        graph.node("Concat", *parts, out=name, axis=0)
        graph.output(name, np.float32, s.layers, "batch", s.hidden)
    notes = []
    if head.mixture is not None:
        notes.append(_("The counts beside the network are not in the file: --to gruta keeps them."))
    sizes = s.layers, s.hidden, codec.size

    def wanted(given: Arrays) -> Arrays:
        state = [tuple(given[name][k] for name in names) for k in range(s.layers)]
        logits, after = head.sequence(given["units"], state)
        last = {
            n: np.stack([one[k] for one in after])
            for k, n in enumerate(["h_n", "c_n"][: len(names)])
        }
        return {"logits": logits, **last}

    tries = [_try(names, *sizes, T, B) for T, B in SIZES]
    return Drawing(graph, tries, wanted, {"units": codec.to_json()}, notes)


def _try(names: list[str], L: int, H: int, V: int, T: int, B: int) -> Arrays:
    rng = np.random.default_rng(T)
    states = {name: rng.uniform(-1, 1, (L, B, H)).astype(np.float32) for name in names}
    return {"units": rng.integers(0, V, (T, B)), **states}
