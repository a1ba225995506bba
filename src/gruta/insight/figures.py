"""The pictures of an X-ray: what each shows stands in its caption, in the reader's language."""

from collections.abc import Iterator, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from gruta.health import gates
from gruta.health.memory import Influence
from gruta.insight.views import LayerView, Views
from gruta.locale import translate as _
from gruta.locale.numbers import number
from gruta.report import maps
from gruta.report.charts import ACCENTS, GREYS, Curve, Stroke, lines
from gruta.report.page import Figure

Array = NDArray[Any]


def figures(found: Views) -> list[Figure]:
    """All pictures of an X-ray, those of each layer first."""
    pictures = [figure for view in found.views for figure in of_layer(view, found)]
    return [*pictures, *of_all(found)]


def of_layer(view: LayerView, found: Views) -> Iterator[Figure]:
    """What the gates and states of one layer do over the sequence."""
    one, slug = view.one, _slug(view.name)
    order = np.argsort(_by_memory(view))[::-1]
    rows: list[tuple[str, Array, bool]] = []
    if one.keep is not None:
        rows.append((_("keep fraction"), _in_time(view, one.keep[:, order]), False))
    if "r" in one.gates:
        rows.append((_("reset gate"), _in_time(view, one.gates["r"][:, order]), False))
    candidate = one.gates.get("n", one.gates.get("g"))
    if candidate is not None:
        rows.append((_("candidate state"), _in_time(view, candidate[:, order]), True))
    rows.append((_("hidden state"), _in_time(view, one.h[:, : len(order)][:, order]), True))
    yield Figure(
        f"{slug}-gates",
        _(
            "{layer}: its units, those with the longest memory first, over the steps of the "
            "sequence. Where the keep fraction is near 1 a unit holds its old state; near 0 it "
            "takes the candidate in its place."
        ).format(layer=view.name),
        _("Heat maps of gates and states of {layer}, units by steps.").format(layer=view.name),
        maps.heat_maps(rows, _("step"), _("units, sorted"), found.labels.get(one.stack)),
    )
    if one.keep is None:
        return
    saturated = gates.saturation(one.keep)
    yield Figure(
        f"{slug}-saturation",
        _(
            "{layer}: each dot is a unit; how often its keep fraction lies above 0.9 (across) and "
            "below 0.1 (up). To the right units that hold, at the top units that forget at once, "
            "near the corner at the origin those that work between."
        ).format(layer=view.name),
        _("Dots of units by how often their keep gate is open and shut."),
        maps.dots(
            [(view.name, saturated.open, saturated.shut, _color(view, 0))],
            _("share of the steps with keep fraction > 0.9"),
            _("share of the steps with keep fraction < 0.1"),
            square=True,
        ),
    )


def of_all(found: Views) -> Iterator[Figure]:
    """What is compared between layers, and how far the network looks back."""
    with_fade = [v for v in found.views if v.fade is not None]
    if with_fade:
        yield _gradient(found)
    timed = [
        (v.name, np.clip(v.time_constants, 0.1, 1e6), _color(v, k))
        for k, v in enumerate(found.views)
        if v.time_constants is not None
    ]
    if timed:
        yield Figure(
            "time-constants",
            _(
                "How many steps the leak of each unit lets its state last (the leak path only: "
                "products with the recurrent weights may hold it longer). Dashed: the length of "
                "the sequence."
            ),
            _("Histogram of time constants."),
            maps.log_histogram(
                timed, _("time constant (steps)"), _("units"), _lengths(found.views)
            ),
        )
    measured = [
        (v.name, np.maximum(v.exponents, -5.0), _color(v, k))
        for k, v in enumerate(found.views)
        if v.exponents is not None
    ]
    if measured:
        yield Figure(
            "lyapunov",
            _(
                "The largest Lyapunov exponents of the state. Above the line, small differences "
                "grow and gradients explode; far below it, the state forgets: at λ it fades to a "
                "hundredth in ln 100 / −λ steps."
            ),
            _("Bars of Lyapunov exponents."),
            maps.bars(measured, _("exponent"), _("λ per step")),
        )
    if found.through_depth():
        yield _depth(found)
    if found.contexts:
        yield _contexts(found)
    for name, influence in found.influences.items():
        within = _within(influence).format(lag=influence.horizon)
        yield Figure(
            f"{_slug(name)}-influence",
            _(
                "{layer}: how strongly each step's input (across) moves the output at each step "
                "(down), darker for more. {within}: the memory horizon."
            ).format(layer=name, within=within),
            _("Map of the influence of inputs on outputs."),
            maps.triangle(
                influence.norms,
                influence.times,
                _("input step"),
                _("output step"),
                found.labels.get(name),
            ),
        )


def _within(influence: Influence) -> str:
    """The memory horizon in words; a layer that reads both ways looks ahead too."""
    one = influence.horizon == 1
    if influence.both_ways:
        return _(
            "95% of the influence on an output comes from at most {lag} step away, before or after"
            if one
            else "95% of the influence on an output comes from at most {lag} steps away, before or "
            "after"
        )
    return _(
        "95% of the influence on an output comes from at most {lag} step back"
        if one
        else "95% of the influence on an output comes from at most {lag} steps back"
    )


def _lengths(views: Sequence[LayerView]) -> list[tuple[float, str]]:
    """Of the sequences that the layers read; layers that read as long a one share a mark."""
    layers: dict[int, list[str]] = {}
    for view in views:
        layers.setdefault(view.steps, []).append(view.one.stack)
    if len(layers) == 1:
        return [(views[0].steps, _("length of the sequence"))]
    return [
        (steps, _("length of the sequence, {layer}").format(layer=", ".join(dict.fromkeys(names))))
        for steps, names in layers.items()
    ]


def _depth(found: Views) -> Figure:
    curves = [
        Curve(
            name,
            np.arange(len(fade.norms), dtype=float),
            fade.norms,
            Stroke((ACCENTS["gru"], *(grey for grey, _dash in GREYS))[k % 6], marker="o"),
        )
        for k, (name, fade) in enumerate(found.through_depth().items())
    ]
    return Figure(
        "depth",
        _(
            "The gradient at each layer's states, over all steps, from the last layer down. Where "
            "it falls fast the lower layers learn little; residual connections let it pass."
        ),
        _("Line chart of the gradient's norm by layer, logarithmic."),
        lines(curves, _("layers down"), _("gradient norm"), log=True),
    )


def _contexts(found: Views) -> Figure:
    horizons = [
        (float(max(1, influence.horizon)), name) for name, influence in found.influences.items()
    ]
    steps = np.array(list(found.contexts), dtype=float)
    losses = np.array(list(found.contexts.values()))
    curve = Curve(_("loss"), steps, losses, Stroke(ACCENTS["gru"], width=2.0, marker="o"))
    return Figure(
        "context",
        _(
            "The loss if every layer remembered its last so many steps alone. Where the line is "
            "flat, more memory does not help here. The upright lines: the memory horizons."
        ),
        _("Line chart of the loss by the steps that are remembered."),
        lines([curve], _("steps remembered"), _("loss"), doubling=True, marks=horizons),
    )


def _gradient(found: Views) -> Figure:
    curves = []
    for k, view in enumerate(found.views):
        color = _color(view, k)
        if view.fade is not None:
            y = view.fade.norms / view.fade.norms[0] if view.fade.norms[0] else view.fade.norms
            curves.append(_curve(view.name, y, Stroke(color, width=2.0)))
        if view.product is not None:
            y = view.product.norms / view.product.norms[0]
            label = _("{layer}, any loss").format(layer=view.name)
            curves.append(_curve(label, y, Stroke(color, (0, (2, 2)), 1.2)))
    slopes = ", ".join(f"{v.name} {number(v.fade.slope, 3)}" for v in found.views if v.fade)
    return Figure(
        "gradient",
        _(
            "The gradient on its way back through time, as a share of its size at the last step. "
            "A straight fall is a gradient that vanishes at a fixed rate; a level line one that "
            "arrives. Slope a step, of the logarithm: {slopes}. Dotted: what the state's Jacobians "
            "let pass of any loss."
        ).format(slopes=slopes),
        _("Line chart of the gradient's norm by lag, logarithmic."),
        lines(curves, _("steps back"), _("share of the gradient"), log=True),
    )


def _curve(label: str, y: Array, stroke: Stroke) -> Curve:
    with np.errstate(invalid="ignore"):
        shown = np.where((y > 1e-30) & np.isfinite(y), y, np.nan)
    return Curve(label, np.arange(len(y), dtype=float), shown, stroke)


def _by_memory(view: LayerView) -> Array:
    """What the units are sorted by: the time constant, else how slowly the state moves."""
    tau = view.time_constants
    if tau is not None:
        return tau
    h = view.one.h.astype(np.float64)
    moves = np.abs(np.diff(h, axis=0)).mean(axis=0)
    return -moves if len(h) > 1 else np.zeros(h.shape[1])


def _in_time(view: LayerView, values: Array) -> Array:
    """`[units, steps]` in the order of the sequence."""
    return (values[::-1] if view.one.reverse else values).T


def _color(view: LayerView, k: int) -> str:
    if k == 0:
        return ACCENTS[view.one.kind]
    return GREYS[(k - 1) % len(GREYS)][0]


def _slug(name: str) -> str:
    return "".join(c if c.isalnum() else "-" for c in name.lower())
