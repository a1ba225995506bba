"""Layers as an ONNX model: one GRU, LSTM or RNN node a direction, batch and time free.

Inputs: x `[T, B, I]` (`[B, T, I]` with batch_first), h_0 and, of LSTMs, c_0 `[L*D, B, H]`, and with
lengths those `[B]` as int64. Outputs: y, laid out as x is, h_n and c_n.

Lengths do not go into sequence_lens, which OpenVINO overlooks where an axis is free and with which
ONNX Runtime loses the state of an empty row. A row is walked to its end and beyond; y is cut, the
final h is taken where the row ends, and what walks backwards reads the row turned around. c_n is
nobody's output but the last step's: in the steps past a row's end the LSTM's gates are held open
and shut by a further input, so that c stays.
"""

from collections.abc import Sequence
from typing import Any

import numpy as np

from gruta.exchange.layer import Layer, Side, blocks, stacked
from gruta.exchange.onnx.graph import Graph
from gruta.exchange.onnx.operator import ORDER

OPSET, IR_VERSION = 17, 8  # old enough for every runtime

_HOLD = 1e4
"""What goes into a gate that is to be 0 or 1."""


def model(
    layers: Sequence[Layer],
    *,
    batch_first: bool = False,
    lengths: bool = False,
    name: str = "gruta",
) -> Any:
    """The model of a stack of layers of one cell; InputError where one does not read the other."""
    graph = Graph()
    dtype, pair = layers[0].sides[0].w_hh.dtype, layers[0].cell == "lstm"
    rows, H = sum(len(layer.sides) for layer in layers), layers[0].hidden
    axes = ("batch", "time") if batch_first else ("time", "batch")
    x = graph.input("x", dtype, *axes, layers[0].inputs)
    if batch_first:
        x = graph.node("Transpose", x, to="x_by_time", perm=[1, 0, 2])
    names = ["h_0", "c_0"][: 1 + pair]
    states = [graph.input(own, dtype, rows, "batch", H) for own in names]
    ends = _Ends(graph, x, dtype) if lengths else None
    finals: list[Sequence[str]] = []
    for row, layer in stacked(layers):
        sides = []
        for k, side in enumerate(layer.sides):
            own = [_row(graph, state, row + k) for state in states]
            y, *after = _side(graph, layer, side, f"l{row}_{k}", x, own, ends)
            sides.append(y)
            finals.append(after)
        x = sides[0] if len(sides) == 1 else graph.node("Concat", *sides, to=f"y_{row}", axis=-1)
    graph.node(
        *(("Transpose", x) if batch_first else ("Identity", x)), to="y", **_turn(batch_first)
    )
    graph.output("y", dtype, *axes, layers[-1].hidden * len(layers[-1].sides))
    for final, parts in zip(["h_n", "c_n"], zip(*finals, strict=True), strict=False):
        graph.node("Concat", *parts, to=final, axis=0)
        graph.output(final, dtype, rows, "batch", H)
    return graph.model(name, OPSET, IR_VERSION)


def _turn(batch_first: bool) -> dict[str, Any]:
    return {"perm": [1, 0, 2]} if batch_first else {}


def _row(graph: Graph, state: str, row: int) -> str:
    """`[1, B, H]` of the states."""
    given = graph.indices(row), graph.indices(row + 1), graph.indices(0)
    return graph.node("Slice", state, *given, to=f"{state}_{row}")


class _Ends:
    """Where rows end, in a graph with lengths.

    padding: `[T, B, 1]`, 1 past a row's end, else 0. inside: the same as bool, turned. count:
    `[B]` int64. last: `[B, 1]` int64, the last step's number, 0 in an empty row. some: `[1, B, 1]`
    bool, of rows that are not empty.
    """

    def __init__(self, graph: Graph, x: str, dtype: Any) -> None:
        self.zero = graph.constant("zero", 0, dtype)
        none, one = (graph.constant(f"int_{k}", k, np.int64) for k in (0, 1))
        self.count = graph.input("lengths", np.int64, "batch")
        steps = graph.node("Shape", x, to="x_steps", start=0, end=1)
        steps = graph.node("Squeeze", steps, graph.indices(0), to="steps")
        steps = graph.node("Range", none, steps, one, to="step_numbers")
        steps = graph.node("Unsqueeze", steps, graph.indices(1, 2), to="step_column")
        count = graph.node("Unsqueeze", self.count, graph.indices(0, 2), to="length_row")
        self.inside = graph.node("Less", steps, count, to="inside")
        past = graph.node("Not", self.inside, to="past_end")
        self.padding = graph.node(
            "Where", past, graph.constant("one", 1, dtype), self.zero, to="padding"
        )
        self.some = graph.node("Greater", count, none, to="not_empty")
        last = graph.node("Sub", self.count, one, to="length_less_one")
        last = graph.node("Max", last, none, to="last_step")
        self.last = graph.node("Unsqueeze", last, graph.indices(1), to="last_step_column")


def _side(
    graph: Graph,
    layer: Layer,
    side: Side,
    name: str,
    x: str,
    initial: Sequence[str],
    ends: _Ends | None,
) -> list[str]:
    """y `[T, B, H]` and the final states `[1, B, H]` of a direction."""
    if ends is None:
        y, *finals = _node(graph, layer, side, name, x, initial, side.reverse)
        return [graph.node("Squeeze", y, graph.indices(1), to=f"{name}_y"), *finals]
    if layer.cell == "lstm":
        x = graph.node("Concat", x, ends.padding, to=f"{name}_x", axis=-1)
    turned = {"time_axis": 0, "batch_axis": 1}
    if side.reverse:
        x = graph.node("ReverseSequence", x, ends.count, to=f"{name}_x_turned", **turned)
    y, *finals = _node(graph, layer, side, name, x, initial, False, held=True)
    y = graph.node("Squeeze", y, graph.indices(1), to=f"{name}_all")
    by_row = graph.node("Transpose", y, to=f"{name}_by_row", perm=[1, 0, 2])
    end = graph.node("GatherND", by_row, ends.last, to=f"{name}_end", batch_dims=1)
    end = graph.node("Unsqueeze", end, graph.indices(0), to=f"{name}_end_row")
    finals[0] = graph.node("Where", ends.some, end, initial[0], to=f"{name}_h_n")
    if side.reverse:
        y = graph.node("ReverseSequence", y, ends.count, to=f"{name}_turned_back", **turned)
    return [graph.node("Where", ends.inside, y, ends.zero, to=f"{name}_y"), *finals]


def _node(
    graph: Graph,
    layer: Layer,
    side: Side,
    name: str,
    x: str,
    initial: Sequence[str],
    reverse: bool,
    held: bool = False,
) -> list[str]:
    """The operator: Y `[T, 1, B, H]` and its final states."""
    w_ih, w_hh, b_ih, b_hh = (blocks(a, ORDER[layer.cell]) for a in side.arrays)
    if held and layer.cell == "lstm":  # i o f c
        hold = np.repeat(np.array([-_HOLD, 0, _HOLD, 0], w_ih.dtype), layer.hidden)
        w_ih = np.concatenate([w_ih, hold[:, None]], 1)
    weights = {"W": w_ih[None], "R": w_hh[None], "B": np.concatenate([b_ih, b_hh])[None]}
    given = [graph.constant(f"{name}_{key}", array) for key, array in weights.items()]
    outputs = [f"{name}_{key}" for key in ("Y", "Y_h", "Y_c")[: 1 + len(initial)]]
    options: dict[str, Any] = {"direction": "reverse" if reverse else "forward"}
    if layer.cell == "gru":
        options["linear_before_reset"] = int(layer.reset_after)
    if layer.cell == "rnn":
        options["activations"] = [layer.nonlinearity.capitalize()]
    graph.node(
        layer.cell.upper(), x, *given, "", *initial, to=outputs, hidden_size=layer.hidden, **options
    )
    return outputs
