"""What writes texts in ONNX: a Loop that writes the likeliest unit of each step until all end."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from gruta.codec.text.beam import Beam, Written
from gruta.codec.text.pairs import END
from gruta.exchange.layer import Layer, named
from gruta.exchange.onnx.graph import Graph
from gruta.exchange.onnx.write import add_layer
from gruta.locale import translate as _
from gruta.runtime.writing import Writing

Arrays = Mapping[str, NDArray[Any]]

GREEDY = Beam(width=1, length=0.0)
"""The search that takes the likeliest unit of each step."""
_NEVER = -1e9
"""The score of what may not be written."""


def notes() -> list[str]:
    """What is to be told of any such file."""
    return [
        _("The likeliest unit of each step is written: --to gruta searches among whole texts."),
        _("tract does not load it: it has no Loop."),
    ]


def each(graph: Graph, rows: str, value: int, out: str) -> str:
    """`[B]` of one whole number, as many as other whole numbers `rows [B]`."""
    none = graph.node("Sub", rows, rows, out=f"no_{out}")
    return graph.node("Add", none, graph.constant(f"one_{out}", value, np.int64), out=out)


def both_ends(graph: Graph, last: str) -> str:
    """`[B, 2 · H]`: the final states `[2, B, H]` of both directions side by side."""
    by_row = graph.node("Transpose", last, out="last_by_row", perm=[1, 0, 2])
    beside = graph.constant("rows_beside", [0, -1], np.int64)
    return graph.node("Reshape", by_row, beside, out="last_beside")


@dataclass(frozen=True)
class Found:
    """What is looked at, by the names of a graph: memory `[B, S, M]`, of which `inside [B, S]` is
    there, its end `[B, ·]`, how many units are written at most `[B]`, and the unit that stands
    before each text `[B]`. never: units that are not written.
    """

    memory: str
    inside: str
    end: str
    most: str
    begin: str
    never: Sequence[int]


def add_writer(graph: Graph, weights: Arrays, what: Writing, found: Found) -> None:
    """Outputs: units `[T, B]`, each text with its end and ends behind it, log_probability `[B]` of
    each text with its end and, of an attention, looked `[T, B]`, the place in the memory that had
    most of it at each unit, 0 at ends.
    """
    writer = _Writer(graph, weights, what, found)
    carried, begins = zip(*writer.begins(), strict=True)
    looks = what.attention != "none"
    body = writer.body(carried)
    steps = graph.node("ReduceMax", found.most, out="longest", keepdims=0)
    steps = graph.node("Add", steps, graph.constant("int_1", 1, np.int64), out="steps_at_most")
    begun = graph.constant("begun", np.array(True), np.bool_)
    outputs = [f"last_{name}" for name in carried]
    outputs[carried.index("log_p")] = "log_probability"
    scanned = ["units", "looked"][: 1 + looks]
    graph.node("Loop", steps, begun, *begins, out=[*outputs, *scanned], body=body)
    for name in scanned:
        graph.output(name, np.int64, "steps", "batch")
    graph.output("log_probability", np.float32, "batch")


class _Writer:
    """Its nodes outside of the loop and in it; constants stand outside."""

    def __init__(self, graph: Graph, weights: Arrays, what: Writing, found: Found) -> None:
        self.graph, self.weights, self.what, self.found = graph, weights, what, found
        self.layers = [*_below(weights, what), *named(weights, "above", what.cell)]
        self.states = ["h", "c"][: 1 + (what.cell == "lstm")]
        self.keys = None if what.attention == "none" else self._keys()

    def begins(self) -> list[tuple[str, str]]:
        """What the loop carries, by its name inside, and what it begins with."""
        graph, H, w = self.graph, self.what.hidden, self.weights
        zero = graph.constant("int_0", 0, np.int64)
        done = graph.node("Less", self.found.most, zero, out="none_done")
        nothing = graph.cast(done, np.float32, "nothing_yet")
        own = [("unit", self.found.begin), ("done", done), ("log_p", nothing)]
        if self.what.input_feeding:
            shape = graph.size(self.found.memory, 0, "rows_of_memory")
            width = graph.indices(self.what.found)
            shape = graph.node("Concat", shape, width, out="shape_of_found", axis=0)
            blank = graph.constant("float_0", 0, np.float32)
            own.append(("found", graph.node("Expand", blank, shape, out="nothing_found")))
        a = graph.linear(self.found.end, w["bridge.weight"], w["bridge.bias"], "bridge")
        for k in range(len(self.layers)):
            span = graph.indices(k * H), graph.indices((k + 1) * H), graph.indices(1)
            part = graph.node("Slice", a, *span, out=f"bridge_{k}")
            part = graph.node("Unsqueeze", part, graph.indices(0), out=f"bridge_state_{k}")
            h = graph.node("Tanh", part, out=f"begin_h_{k}")
            own += [(f"{s}_{k}", one) for s, one in zip(self.states, (h, part), strict=False)]
        return own

    def body(self, carried: tuple[str, ...]) -> Any:
        """The loop's: a unit of each text."""
        g = Graph(constants=self.graph.constants)
        step, _going = g.input("step", np.int64), g.input("going", np.bool_)
        for name in carried:
            g.input(name, *self._kind(name))
        scores, after = self._scores(g)
        logs = g.node("LogSoftmax", scores, out="logs", axis=1)
        unit = g.node("ArgMax", logs, out="likeliest", axis=1, keepdims=0)
        end = self.graph.constant("end", END, np.int64)
        short = g.node("Less", step, self.found.most, out="may_go_on")
        stop = g.node("Or", "done", g.node("Not", short, out="at_most"), out="is_over")
        after["unit"] = unit = g.node("Where", stop, end, unit, out="next_unit")
        column = g.node("Unsqueeze", unit, g.indices(1), out="unit_column")
        own = g.node("GatherElements", logs, column, out="own_logs", axis=1)
        own = g.node("Squeeze", own, g.indices(1), out="own_log")
        zero = self.graph.constant("float_0", 0, np.float32)
        own = g.node("Where", "done", zero, own, out="counted_log")
        after["log_p"] = g.node("Add", "log_p", own, out="next_log_p")
        ended = g.node("Equal", unit, end, out="ended")
        after["done"] = g.node("Or", "done", ended, out="next_done")
        all_done = g.cast(after["done"], np.float32, "done_as_number")
        all_done = g.node("ReduceMin", all_done, out="least_done", keepdims=0)
        half = self.graph.constant("half", 0.5, np.float32)
        g.node("Less", all_done, half, out="goes_on")
        g.output("goes_on", np.bool_)
        for name in carried:
            g.node("Identity", after[name], out=f"{name}_out")
            g.output(f"{name}_out", *self._kind(name))
        if self.keys is not None:
            none = self.graph.constant("int_0", 0, np.int64)
            after["place"] = g.node("Where", ended, none, after["place"], out="place_of_unit")
        for name in ("unit", "place")[: 1 + (self.keys is not None)]:
            g.node("Identity", after[name], out=f"each_{name}")
            g.output(f"each_{name}", np.int64, "batch")
        return g.inner("write")

    def _scores(self, g: Graph) -> tuple[str, dict[str, str]]:
        """`[B, V]` of what follows, and what the step leaves by name."""
        table = self.graph.constant("target", self.weights["target.weight"])
        x, c = g.node("Gather", table, "unit", out="vector"), self.found.end
        after: dict[str, str] = {}
        if self.what.input_feeding:
            x = g.node("Concat", x, "found", out="vector_and_found", axis=-1)
        for k, layer in enumerate(self.layers):
            row = g.node("Unsqueeze", x, g.indices(0), out=f"x_{k}")
            states = [f"{s}_{k}" for s in self.states]
            _all, *ends = add_layer(g, layer, f"writer_{k}", row, states)
            after |= dict(zip(states, ends, strict=True))
            x = h = g.node("Squeeze", ends[0], g.indices(0), out=f"h_{k}_row")
            if k == 0:
                if self.keys is not None:
                    c, after["place"] = self._looked(g, h, self.keys)
                x = g.node("Concat", h, c, out="h_and_found", axis=-1)
        after["found"] = c
        w = self.weights
        both = g.node("Concat", h, c, out="read_out", axis=-1)
        o = g.linear(both, w["joined.weight"], w["joined.bias"], "joined")
        bias = w["bias"].copy()
        bias[list(self.found.never)] = _NEVER
        out = w.get("output.weight", w["target.weight"])
        return g.linear(g.node("Tanh", o, out="o"), out, bias, "scores"), after

    def _keys(self) -> str:
        """What queries are held against: `[B, A, S]` to be multiplied, or `[B, S, A]`."""
        key = self.weights["attention.key.weight"]
        none = np.zeros(len(key), np.float32)
        bias = self.weights.get("attention.key.bias", none)
        scale = np.float32(1)
        if self.what.attention == "multiplicative":
            scale = np.float32(len(key) ** -0.5)
        keys = self.graph.linear(self.found.memory, key * scale, bias * scale, "keys")
        if self.what.attention == "multiplicative":
            return self.graph.node("Transpose", keys, out="keys_turned", perm=[0, 2, 1])
        return keys

    def _looked(self, g: Graph, h: str, keys: str) -> tuple[str, str]:
        """What is found `[B, M]`, and the place that had most of the attention `[B]`."""
        w = self.weights
        query = self.graph.constant("query", w["attention.query.weight"].T)
        q = g.node("MatMul", h, query, out="asked")
        q = g.node("Unsqueeze", q, g.indices(1), out="asked_row")
        if self.what.attention == "multiplicative":
            scores = g.node("MatMul", q, keys, out="alike_row")
        else:
            energy = self.graph.constant("energy", w["attention.energy.weight"].T)
            both = g.node("Tanh", g.node("Add", q, keys, out="q_and_k"), out="tanh_q_and_k")
            scores = g.node("MatMul", both, energy, out="alike_column")
            scores = g.node("Transpose", scores, out="alike_row", perm=[0, 2, 1])
        inside = g.node("Unsqueeze", self.found.inside, g.indices(1), out="inside_row")
        outside = self.graph.constant("outside", _NEVER, np.float32)
        scores = g.node("Where", inside, scores, outside, out="alike_inside")
        shares = g.node("Softmax", scores, out="shares", axis=-1)
        c = g.node("MatMul", shares, self.found.memory, out="found_row")
        c = g.node("Squeeze", c, g.indices(1), out="found_now")
        shares = g.node("Squeeze", shares, g.indices(1), out="share")
        return c, g.node("ArgMax", shares, out="most_looked", axis=1, keepdims=0)

    def _kind(self, name: str) -> tuple[Any, ...]:
        """Dtype and shape of what is carried."""
        rows = {"unit": np.int64, "done": np.bool_, "log_p": np.float32}
        if name in rows:
            return rows[name], "batch"
        if name == "found":
            return np.float32, "batch", self.what.found
        return np.float32, 1, "batch", self.what.hidden


def _below(weights: Arrays, what: Writing) -> list[Layer]:
    """The lowest layer; one that waits for its own attention is a cell, and named as such."""
    if what.input_feeding:
        weights = {f"{name}_l0": w for name, w in weights.items() if name.startswith("below.")}
    return named(weights, "below", what.cell)


def written(texts: Sequence[Sequence[Written]], looks: bool) -> Arrays:
    """What the graph answers, of the texts that a search has found."""
    best = [some[0] for some in texts]
    T = max(len(one.numbers) for one in best) + 1
    units, looked = np.full((T, len(best)), END), np.zeros((T, len(best)), np.int64)
    for b, one in enumerate(best):
        units[: len(one.numbers), b] = one.numbers
        if looks:
            looked[: len(one.numbers), b] = one.attention.argmax(1)
    found = {"units": units, "log_probability": np.array([one.score for one in best], np.float32)}
    return found | ({"looked": looked} if looks else {})
