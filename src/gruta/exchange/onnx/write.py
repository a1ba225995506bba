"""Layers as an ONNX model: one GRU, LSTM or RNN node a layer, batch and time free or fixed.

Inputs: x `[T, B, I]` (`[B, T, I]` with batch_first), h_0 and, of LSTMs, c_0 `[L*D, B, H]`, and with
lengths those `[B]` as int64. Outputs: y, laid out as x is, h_n and c_n. sizes: T and B, where they
are fixed.

Lengths do not go into sequence_lens, which OpenVINO overlooks where an axis is free and with which
ONNX Runtime loses the state of an empty row. A row is walked to its end and beyond; y is cut, the
final h is taken where the row ends, and what walks backwards reads the row turned around. c_n is
nobody's output but the last step's: in the steps past a row's end the LSTM's gates are held open
and shut by a further input, so that c stays.
"""

from collections.abc import Iterator, Sequence
from typing import Any

import numpy as np

from gruta.exchange.layer import Layer, Side, blocks, stacked
from gruta.exchange.onnx.graph import Graph
from gruta.exchange.onnx.operator import ORDER

OPSET, IR_VERSION = 17, 8  # old enough for every runtime

Sizes = tuple[int, int] | None
_HOLD = 1e4
"""What goes into a gate that is to be 0 or 1."""


def model(
    layers: Sequence[Layer],
    *,
    batch_first: bool = False,
    lengths: bool = False,
    sizes: Sizes = None,
    name: str = "gruta",
) -> Any:
    """The model of a stack of layers of one cell; InputError where one does not read the other."""
    graph = drawn(layers, batch_first=batch_first, lengths=lengths, sizes=sizes)
    return graph.model(name, OPSET, IR_VERSION)


def pieces(
    layers: Sequence[Layer],
    *,
    batch_first: bool = False,
    lengths: bool = False,
    sizes: Sizes = None,
) -> Iterator[bytes | memoryview]:
    """The same as the bytes of a file."""
    graph = drawn(layers, batch_first=batch_first, lengths=lengths, sizes=sizes)
    return graph.pieces("gruta", OPSET, IR_VERSION)


def drawn(layers: Sequence[Layer], *, batch_first: bool, lengths: bool, sizes: Sizes) -> Graph:
    """Nodes, inputs, outputs and weights."""
    graph = Graph()
    time, batch = sizes or ("time", "batch")
    dtype, pair = layers[0].sides[0].w_hh.dtype, layers[0].cell == "lstm"
    rows, H = sum(len(layer.sides) for layer in layers), layers[0].hidden
    axes = (batch, time) if batch_first else (time, batch)
    x = graph.input("x", dtype, *axes, layers[0].inputs)
    if batch_first:
        x = graph.node("Transpose", x, out="x_by_time", perm=[1, 0, 2])
    names = ["h_0", "c_0"][: 1 + pair]
    states = [graph.input(own, dtype, rows, batch, H) for own in names]
    ends = Ends(graph, x, dtype, graph.input("lengths", np.int64, batch)) if lengths else None
    x, finals = add_stack(graph, layers, x, states, ends)
    graph.node("Transpose" if batch_first else "Identity", x, out="y", **_turn(batch_first))
    graph.output("y", dtype, *axes, layers[-1].hidden * len(layers[-1].sides))
    for final, parts in zip(["h_n", "c_n"], finals, strict=False):
        graph.node("Concat", *parts, out=final, axis=0)
        graph.output(final, dtype, rows, batch, H)
    return graph


def _turn(batch_first: bool) -> dict[str, Any]:
    return {"perm": [1, 0, 2]} if batch_first else {}


class Ends:
    """Where rows end, in a graph with lengths.

    padding: `[T, B, 1]`, 1 past a row's end, else 0. inside: the same as bool, turned. count:
    `[B]` int64. some: `[1, B, 1]` bool, of rows that are not empty. name: before the names of its
    nodes.
    """

    def __init__(self, graph: Graph, x: str, dtype: Any, count: str, name: str = "") -> None:
        self.zero = graph.constant("zero", 0, dtype)
        none, one = (graph.constant(f"int_{k}", k, np.int64) for k in (0, 1))
        self.count, self._graph, self._name, self._order = count, graph, name, ""
        self._steps = graph.node(
            "Unsqueeze", self._numbers(x, "step"), graph.indices(1, 2), out=f"{name}step_column"
        )
        row = graph.node("Unsqueeze", count, graph.indices(0, 2), out=f"{name}length_row")
        self.inside = graph.node("Less", self._steps, row, out=f"{name}inside")
        past = graph.node("Not", self.inside, out=f"{name}past_end")
        ones = graph.constant("one", 1, dtype)
        self.padding = graph.node("Where", past, ones, self.zero, out=f"{name}padding")
        self.some = graph.node("Greater", row, none, out=f"{name}not_empty")
        self._last = graph.node("Sub", row, one, out=f"{name}last_of_row")
        self._rows = graph.node(
            "Unsqueeze", self._numbers(count, "row"), graph.indices(0, 2), out=f"{name}row_line"
        )
        last = graph.node("Max", self._last, none, out=f"{name}last_step")
        self._ends = graph.node("Concat", last, self._rows, out=f"{name}last_places", axis=-1)

    def _numbers(self, of: str, what: str) -> str:
        """Those below the size of its first axis."""
        graph, name = self._graph, f"{self._name}{what}"
        none, one = (graph.constant(f"int_{k}", k, np.int64) for k in (0, 1))
        size = graph.size(of, 0, f"{name}_size")
        count = graph.node("Squeeze", size, graph.indices(0), out=f"{name}_count")
        return graph.node("Range", none, count, one, out=f"{name}_numbers")

    def end(self, y: str, out: str) -> str:
        """`[1, B, …]` of y `[T, B, …]` where each row ends; of an empty one its first step."""
        return self._graph.node("GatherND", y, self._ends, out=out)

    def turned(self, x: str, out: str) -> str:
        """x `[T, B, …]` with each row from its last step to its first; what is behind stays.

        By indices, as tract has no ReverseSequence; and of step and row, as OpenVINO takes a
        Transpose for one that its own operator undoes, and gathers from what is not transposed.
        """
        graph, name = self._graph, self._name
        if not self._order:
            mirror = graph.node("Sub", self._last, self._steps, out=f"{name}mirrored")
            order = graph.node("Where", self.inside, mirror, self._steps, out=f"{name}order")
            none = graph.node("Sub", order, order, out=f"{name}no_rows")
            rows = graph.node("Add", none, self._rows, out=f"{name}rows_of_steps")
            self._order = graph.node("Concat", order, rows, out=f"{name}turned_places", axis=-1)
        return graph.node("GatherND", x, self._order, out=out)


def add_stack(
    graph: Graph,
    layers: Sequence[Layer],
    x: str,
    states: Sequence[str] = (),
    ends: Ends | None = None,
    name: str = "l",
) -> tuple[str, list[tuple[str, ...]]]:
    """h of the last layer `[T, B, D*H]`, and of h and, of LSTMs, c the final states of each layer
    `[D, B, H]`; from x `[T, B, I]` and the initial ones `[L*D, B, H]`, zeros where none are given.
    """
    finals: list[Sequence[str]] = []
    states = states or _zeros(graph, layers, x, name)
    for row, layer in stacked(layers):
        span = graph.indices(row), graph.indices(row + len(layer.sides)), graph.indices(0)
        own = [graph.node("Slice", state, *span, out=f"{state}_{row}") for state in states]
        y, *after = add_layer(graph, layer, f"{name}{row}", x, own, ends)
        flat = graph.constant("beside", [0, 0, -1], np.int64)
        y = graph.node("Transpose", y, out=f"{name}{row}_by_row", perm=[0, 2, 1, 3])
        x = graph.node("Reshape", y, flat, out=f"{name}{row}_out")
        finals.append(after)
    return x, list(zip(*finals, strict=True))


def _zeros(graph: Graph, layers: Sequence[Layer], x: str, name: str) -> list[str]:
    """Initial states of who has read nothing."""
    from onnx import numpy_helper

    rows, H = sum(len(layer.sides) for layer in layers), layers[0].hidden
    batch = graph.size(x, 1, f"{name}_batch")
    shape = graph.node(
        "Concat", graph.indices(rows), batch, graph.indices(H), out=f"{name}_shape", axis=0
    )
    none = numpy_helper.from_array(np.zeros(1, layers[0].sides[0].w_hh.dtype))
    names = [f"{name}_h_0", f"{name}_c_0"][: 1 + (layers[0].cell == "lstm")]
    return [graph.node("ConstantOfShape", shape, out=own, value=none) for own in names]


def add_layer(
    graph: Graph,
    layer: Layer,
    name: str,
    x: str,
    initial: Sequence[str],
    ends: Ends | None = None,
) -> list[str]:
    """Y `[T, D, B, H]` and the final states `[D, B, H]`, from x `[T, B, I]` and the initial ones.

    direction=reverse alone is not used: some engines walk it forward.
    """
    turned = [side.reverse for side in layer.sides]
    if ends is None and turned == [True]:
        order = _backwards(graph, x, name)
        x = graph.node("Gather", x, order, out=f"{name}_x_turned", axis=0)
        y, *finals = _node(graph, layer, layer.sides, name, x, initial)
        return [graph.node("Gather", y, order, out=f"{name}_y_turned", axis=0), *finals]
    if ends is None:
        return _node(graph, layer, layer.sides, name, x, initial)
    if layer.cell == "lstm":
        x = graph.node("Concat", x, ends.padding, out=f"{name}_x_padded", axis=-1)
    sides = []
    for k, side in enumerate(layer.sides):
        span = graph.indices(k), graph.indices(k + 1), graph.indices(0)
        own = [  # h and c may start as one and the same
            graph.node("Slice", state, *span, out=f"{name}_{of}_0_{k}")
            for of, state in zip("hc", initial, strict=False)
        ]
        sides.append(_with_ends(graph, layer, side, f"{name}_{k}", x, own, ends))
    if len(sides) == 1:
        return sides[0]
    named = zip(("Y", "Y_h", "Y_c"), zip(*sides, strict=True), strict=False)
    return [
        graph.node("Concat", *parts, out=f"{name}_{key}", axis=int(key == "Y"))
        for key, parts in named
    ]


def _backwards(graph: Graph, x: str, name: str) -> str:
    """The numbers of x's steps, the last first.

    Not by a Slice, for which tract must know how many they are.
    """
    steps = graph.size(x, 0, f"{name}_steps")
    steps = graph.node("Squeeze", steps, graph.indices(0), out=f"{name}_step_count")
    none, one = (graph.constant(f"int_{k}", k, np.int64) for k in (0, 1))
    numbers = graph.node("Range", none, steps, one, out=f"{name}_step_numbers")
    last = graph.node("Sub", steps, one, out=f"{name}_last_step")
    return graph.node("Sub", last, numbers, out=f"{name}_backwards")


def _with_ends(
    graph: Graph, layer: Layer, side: Side, name: str, x: str, initial: Sequence[str], ends: Ends
) -> list[str]:
    """As `add_layer`, of one direction."""
    if side.reverse:
        x = ends.turned(x, f"{name}_x_turned")
    y, *finals = _node(graph, layer, [side], name, x, initial, held=True)
    y = graph.node("Squeeze", y, graph.indices(1), out=f"{name}_all")
    end = ends.end(y, f"{name}_end")
    finals[0] = graph.node("Where", ends.some, end, initial[0], out=f"{name}_h_n")
    if side.reverse:
        y = ends.turned(y, f"{name}_turned_back")
    y = graph.node("Where", ends.inside, y, ends.zero, out=f"{name}_inside")
    return [graph.node("Unsqueeze", y, graph.indices(1), out=f"{name}_Y_inside"), *finals]


def _node(
    graph: Graph,
    layer: Layer,
    sides: Sequence[Side],
    name: str,
    x: str,
    initial: Sequence[str],
    held: bool = False,
) -> list[str]:
    """The operator: Y `[T, D, B, H]` and its final states."""
    order, both = ORDER[layer.cell], len(sides) == 2
    W, R, B = zip(*(_packed(layer, side, order, held) for side in sides), strict=True)
    given = [
        graph.constant(f"{name}_{key}", np.stack(arrays) if both else arrays[0][None])
        for key, arrays in (("W", W), ("R", R), ("B", B))
    ]
    outputs = [f"{name}_{key}" for key in ("Y", "Y_h", "Y_c")[: 1 + len(initial)]]
    if both:
        outputs = [f"{one}_both" for one in outputs]
    options: dict[str, Any] = {"direction": "bidirectional" if both else "forward"}
    if layer.cell == "gru":
        options["linear_before_reset"] = int(layer.reset_after)
    if layer.cell == "rnn":
        options["activations"] = [layer.nonlinearity.capitalize()] * len(sides)
    graph.node(
        layer.cell.upper(),
        x,
        *given,
        "",
        *initial,
        out=outputs,
        hidden_size=layer.hidden,
        **options,
    )
    return outputs


def _packed(layer: Layer, side: Side, order: Sequence[int], held: bool) -> tuple[Any, Any, Any]:
    """W, R and B of a direction; held: with the column that holds an LSTM's gates."""
    w_ih, w_hh, b_ih, b_hh = (blocks(a, order) for a in side.arrays)
    if held and layer.cell == "lstm":  # i o f c
        hold = np.repeat(np.array([-_HOLD, 0, _HOLD, 0], w_ih.dtype), layer.hidden)
        w_ih = np.concatenate([w_ih, hold[:, None]], 1)
    return w_ih, w_hh, np.concatenate([b_ih, b_hh])
