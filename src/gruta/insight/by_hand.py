"""One unit at one step, computed by hand: every product, sum and squashing, with its equation.

Each equation stands in the project's symbols and in those of the textbook, which calls the gates
gate_reset and gate_update, the candidate r, and what is kept u.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from gruta.cells.activations import sigmoid
from gruta.errors import InputError
from gruta.health.passes import Pass
from gruta.locale import translate as _
from gruta.locale.numbers import MINUS, number

Array = NDArray[Any]

TOLERANCE = 1e-5
"""How far the result by hand may lie from the layer's, which computes in float32."""


@dataclass(frozen=True)
class Product:
    """A row of a weight matrix times a vector: the terms weight · value, and the values' names."""

    ours: str
    theirs: str
    names: tuple[str, ...]
    weights: tuple[float, ...]
    values: tuple[float, ...]

    @property
    def products(self) -> tuple[float, ...]:
        """Each term."""
        return tuple(w * v for w, v in zip(self.weights, self.values, strict=True))

    @property
    def sum(self) -> float:
        """Of all terms."""
        return float(np.dot(self.weights, self.values))

    def by_size(self) -> list[int]:
        """The terms' places, the largest first."""
        terms = self.products
        return sorted(range(len(terms)), key=lambda j: -abs(terms[j]))

    def written(self, j: int, digits: int = 3) -> str:
        """A term with its numbers."""
        return f"{in_sum(self.weights[j], digits)} · {in_sum(self.values[j], digits)}"


@dataclass(frozen=True)
class Line:
    """An equation, the numbers put into it, and what comes out.

    ours, theirs: the equation in the project's symbols and in the textbook's, which has not all.
    numbers: the same with numbers. products: the sums that the equation begins with. note: what it
    is, in words.
    """

    ours: str
    theirs: str
    numbers: str
    value: float
    products: tuple[Product, ...] = ()
    note: str = ""


@dataclass(frozen=True)
class Stage:
    """A step of the way from the old state to the new."""

    title: str
    lines: tuple[Line, ...]


@dataclass(frozen=True)
class ByHand:
    """The whole way: its stages, the result, and what the layer computed.

    label: what stands at the step, where that is known.
    """

    layer: str
    unit: int
    at: int
    stages: tuple[Stage, ...]
    result: float
    by_layer: float
    label: str = ""

    @property
    def title(self) -> str:
        """Which unit and which step."""
        step = f"{self.at} ({self.label})" if self.label.strip() else str(self.at)
        return _("{layer}, unit {unit}, step {at}, by hand").format(
            layer=self.layer, unit=self.unit, at=step
        )

    @property
    def verdict(self) -> str:
        """That the layer came to the same."""
        return _("By hand {result}, by the layer {by_layer}.").format(
            result=number(self.result, 6), by_layer=number(self.by_layer, 6)
        )


def by_hand(
    one: Pass,
    unit: int,
    at: int,
    output: "Output | None" = None,
    *,
    inputs: Sequence[str] = (),
    label: str = "",
) -> ByHand:
    """Unit `unit` at step `at` of the sequence, counted from 0, checked against the layer's own.

    output: the linear layer that reads the state, if there is one. inputs: what the numbers of x_t
    are called; x[0], x[1], … unless given. label: what stands at the step. InputError for a unit or
    step that is not there, and for layers whose step has more parts (layer norm, projection,
    zoneout). RuntimeError if the result differs from the layer's: then gruta is wrong.
    """
    T, H = one.h.shape
    if not 0 <= unit < H:
        problem = _("expected a unit of {layer} from 0 to {last}, got {unit}")
        raise InputError(unit=problem.format(layer=one.layer, last=H - 1, unit=unit))
    if not 0 <= at < T:
        problem = _("expected a step of the sequence from 0 to {last}, got {at}")
        raise InputError(at=problem.format(last=T - 1, at=at))
    if one.weights["norm"] is not None or one.weights["w_hr"] is not None or one.hold:
        message = _(
            "{layer}: a step with layer norm, projection or zoneout has more parts than can be "
            "shown by hand; train a plain layer to see one"
        )
        raise InputError(message.format(layer=one.layer))
    t = T - 1 - at if one.reverse else at
    step = _Step(one, unit, t, inputs)
    stages, result = _WAYS[one.cell](step)
    by_layer = float(one.h[t, unit])
    if not abs(result - by_layer) <= TOLERANCE * max(1.0, abs(by_layer)):
        raise RuntimeError(
            _("{layer}, unit {unit}, step {at}: {result} by hand, {by_layer}").format(
                layer=one.layer, unit=unit, at=at, result=result, by_layer=by_layer
            )
        )
    if output is not None:
        stages = (*stages, output.stage(one.h[t], unit))
    return ByHand(one.layer, unit, at, stages, result, by_layer, label)


@dataclass(frozen=True, eq=False)
class Output:
    """A linear layer y = V h + a that reads the state: V `[K, H]`, a `[K]`; row: which y.

    rest: what it reads besides adds to that y.
    """

    V: Array
    a: Array
    rest: float = 0.0
    row: int = 0

    def stage(self, h: Array, unit: int) -> Stage:
        """The output, and the unit's part in it."""
        k, V = self.row, self.V[self.row]
        names = tuple(f"h[{j}]" for j in range(len(h)))
        product = Product(
            "V h_t", "W_output · h_t", names, _floats(V), _floats(h.astype(np.float64))
        )
        a = float(self.a[k])
        y = product.sum + a + self.rest
        own = float(V[unit] * h[unit])
        more = (" + …", f" + {in_sum(self.rest)}") if abs(self.rest) > TOLERANCE else ("", "")
        lines = (
            Line(
                f"y_t[{k}] = V h_t + a{more[0]}",
                f"output = W_output · h_t + b_output{more[0]}",
                f"{plain(product.sum)} + {in_sum(a)}{more[1]}",
                y,
                (product,),
            ),
            Line(
                f"V[{k}, {unit}] · h_t[{unit}]",
                "",
                f"{in_sum(V[unit])} · {in_sum(h[unit])}",
                own,
                note=_("this unit's part of the output"),
            ),
        )
        return Stage(_("Linear output"), lines)


class _Step:
    """A pass at one step, for one unit."""

    def __init__(self, one: Pass, unit: int, t: int, inputs: Sequence[str]) -> None:
        self.one, self.unit, self.t = one, unit, t
        self.x, self.h_prev = (a[t].astype(np.float64) for a in (one.x, one.h_prev))
        self.H = one.h.shape[1]
        self.names = {
            "w_ih": tuple(inputs) or tuple(f"x[{j}]" for j in range(len(self.x))),
            "w_hh": tuple(f"h[{j}]" for j in range(len(self.h_prev))),
        }

    def product(self, kind: str, gate: int, ours: str, theirs: str, by: Array) -> Product:
        """Row `unit` of a gate's block of w_ih or w_hh, times `by`."""
        row = self.one.weights[kind][gate * self.H + self.unit]
        return Product(ours, theirs, self.names[kind], _floats(row), _floats(by))

    def bias(self, side: str, gate: int) -> float:
        """b_i· or b_h· of the unit; 0 in a layer without."""
        b = self.one.weights[f"b_{side}h"]
        return 0.0 if b is None else float(b[gate * self.H + self.unit])

    def gate(self, letter: str, gate: int, name: str, squash: str = "σ") -> Line:
        """σ or tanh of what input and state say to a gate."""
        from_x = self.product("w_ih", gate, f"W_i{letter} x_t", f"W_input_{name} · x_t", self.x)
        from_h = self.product(
            "w_hh", gate, f"W_h{letter} h_(t−1)", f"W_hidden_{name} · h_(t−1)", self.h_prev
        )
        b_i, b_h = self.bias("i", gate), self.bias("h", gate)
        a = from_x.sum + b_i + from_h.sum + b_h
        value = float(sigmoid(np.array(a))) if squash == "σ" else float(np.tanh(a))
        return Line(
            f"{letter}_t = {squash}(W_i{letter} x_t + b_i{letter} + W_h{letter} h_(t−1) + "
            f"b_h{letter})",
            f"gate_{name} = {squash}(W_input_{name} · x_t + W_hidden_{name} · h_(t−1))",
            f"{squash}({plain(from_x.sum)} + {in_sum(b_i)} + {in_sum(from_h.sum)} + "
            f"{in_sum(b_h)}) = {squash}({plain(a)})",
            value,
            (from_x, from_h),
        )


def _gru(step: _Step) -> tuple[tuple[Stage, ...], float]:
    h_prev = float(step.h_prev[step.unit])
    reset, update = step.gate("r", 0, "reset"), step.gate("z", 1, "update")
    recurrent, candidate = _candidate(step, reset.value)
    n, z = candidate.value, update.value
    kept = z * h_prev
    keeping = Line(
        "z_t ⊙ h_(t−1)", "u = gate_update ⊙ h_(t−1)", f"{in_sum(z)} · {in_sum(h_prev)}", kept
    )
    h = (1 - z) * n + kept
    new = Line(
        "h_t = (1 − z_t) ⊙ n_t + z_t ⊙ h_(t−1)",
        "h_t = r ⊙ (1 − gate_update) + u",
        f"(1 − {in_sum(z)}) · {in_sum(n)} + {in_sum(kept)}",
        h,
    )
    return (
        Stage(_("Reset gate and candidate"), (reset, recurrent, candidate)),
        Stage(_("Update gate"), (update, keeping)),
        Stage(_("New state"), (new,)),
    ), h


def _candidate(step: _Step, r: float) -> tuple[Line, Line]:
    """q and n, in either form of the GRU."""
    after = step.one.cell == "gru"
    seen = step.h_prev if after else step.one.gates["r"][step.t].astype(np.float64) * step.h_prev
    what = "h_(t−1)" if after else "(r_t ⊙ h_(t−1))"
    theirs = "h_(t−1)" if after else "(gate_reset ⊙ h_(t−1))"
    from_h = step.product("w_hh", 2, f"W_hn {what}", f"W_h · {theirs}", seen)
    b_i, b_h = step.bias("i", 2), step.bias("h", 2)
    q = from_h.sum + b_h
    recurrent = Line(
        f"q_t = W_hn {what} + b_hn",
        f"W_h · {theirs}",
        f"{plain(from_h.sum)} + {in_sum(b_h)}",
        q,
        (from_h,),
    )
    from_x = step.product("w_ih", 2, "W_in x_t", "W_x · x_t", step.x)
    shown = f"{in_sum(r)} · {in_sum(q)}" if after else in_sum(q)
    a = from_x.sum + b_i + (r * q if after else q)
    candidate = Line(
        f"n_t = tanh(W_in x_t + b_in + {'r_t ⊙ q_t' if after else 'q_t'})",
        "r = tanh(gate_reset ⊙ (W_h · h_(t−1)) + W_x · x_t)"
        if after
        else "r = tanh(W_h · (gate_reset ⊙ h_(t−1)) + W_x · x_t)",
        f"tanh({plain(from_x.sum)} + {in_sum(b_i)} + {shown}) = tanh({plain(a)})",
        float(np.tanh(a)),
        (from_x,),
    )
    return recurrent, candidate


def _lstm(step: _Step) -> tuple[tuple[Stage, ...], float]:
    names = ("i", "input"), ("f", "forget"), ("g", "candidate"), ("o", "output")
    i, f, g, o = (
        step.gate(letter, k, name, "tanh" if letter == "g" else "σ")
        for k, (letter, name) in enumerate(names)
    )
    assert step.one.c_prev is not None
    c_prev = float(step.one.c_prev[step.t, step.unit])
    c = f.value * c_prev + i.value * g.value
    cell = Line(
        "c_t = f_t ⊙ c_(t−1) + i_t ⊙ g_t",
        "c_t = gate_forget ⊙ c_(t−1) + gate_input ⊙ candidate",
        f"{in_sum(f.value)} · {in_sum(c_prev)} + {in_sum(i.value)} · {in_sum(g.value)}",
        c,
    )
    h = o.value * float(np.tanh(c))
    hidden = Line(
        "h_t = o_t ⊙ tanh(c_t)",
        "h_t = gate_output ⊙ tanh(c_t)",
        f"{in_sum(o.value)} · tanh({plain(c)})",
        h,
    )
    return (
        Stage(_("Input, forget and output gates"), (i, f, o)),
        Stage(_("Candidate and cell state"), (g, cell)),
        Stage(_("New state"), (hidden,)),
    ), h


def _rnn(step: _Step) -> tuple[tuple[Stage, ...], float]:
    squash = "ReLU" if step.one.cell == "rnn_relu" else "tanh"
    from_x = step.product("w_ih", 0, "W_ih x_t", "W_x · x_t", step.x)
    from_h = step.product("w_hh", 0, "W_hh h_(t−1)", "W_h · h_(t−1)", step.h_prev)
    b_i, b_h = step.bias("i", 0), step.bias("h", 0)
    a = from_x.sum + b_i + from_h.sum + b_h
    h = max(a, 0.0) if squash == "ReLU" else float(np.tanh(a))
    line = Line(
        f"h_t = {squash}(W_ih x_t + b_ih + W_hh h_(t−1) + b_hh)",
        f"h_t = {squash}(W_x · x_t + W_h · h_(t−1))",
        f"{squash}({plain(from_x.sum)} + {in_sum(b_i)} + {in_sum(from_h.sum)} + {in_sum(b_h)}) = "
        f"{squash}({in_sum(a)})",
        h,
        (from_x, from_h),
    )
    return (Stage(_("New state"), (line,)),), h


_WAYS = {
    "gru": _gru,
    "gru_reset_before": _gru,
    "lstm": _lstm,
    "rnn_tanh": _rnn,
    "rnn_relu": _rnn,
}


def plain(value: Any, digits: int = 4) -> str:
    """A number that stands alone, or first."""
    return number(float(value), digits)


def in_sum(value: Any, digits: int = 4) -> str:
    """A number of a sum or product; in brackets where it is negative."""
    text = plain(value, digits)
    return f"({text})" if text.startswith(MINUS) else text


def of_others(count: int) -> str:
    """What the smaller terms of a sum are called."""
    return _("{count} other" if count == 1 else "{count} others").format(count=count)


def _floats(values: Sequence[float] | Array) -> tuple[float, ...]:
    return tuple(float(v) for v in values)
