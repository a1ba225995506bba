"""The gradient through time as sequences grow, and through depth: who loses it, who keeps it."""

from dataclasses import dataclass
from typing import Any

import numpy as np
from torch import nn

from gruta.health.flow import Fade, gradient_through_depth, gradient_through_time
from gruta.locale import translate as _
from gruta.locale.numbers import brief, number
from gruta.nn import CELLS
from gruta.nn.draws import drawing
from gruta.report.charts import ACCENTS, Curve, Stroke, lines
from gruta.report.page import Column, Figure, Formula, Formulas, Section, Table
from gruta.studies import equations
from gruta.studies.contest import Entrant, compete, label, settings
from gruta.studies.plan import Plan
from gruta.studies.problems import DTYPE, Adding
from gruta.studies.problems.adding import CONSTANT
from gruta.studies.seen import seen
from gruta.surroundings import undisturbed

HIDDEN = 64
LENGTHS = 25, 50, 100, 200
TRAINED_AT = 50
LOST = "< 10⁻³⁸"  # of a gradient that float32 cannot tell from 0
LAYERS = 8


@dataclass(frozen=True, eq=False)
class Found:
    """What the study measured.

    fresh, chrono: the fade of the gradient over the longest sequence, by cell, as PyTorch starts a
    layer and by chrono initialisation. reach: the share that arrives at the first step, by cell and
    length. trained: the fade after training on the adding problem, error: its mean squared error.
    depth: the gradient at each layer's last state, from the top layer down, as a share of the top
    one's, by cell and whether the stack is residual.
    """

    fresh: dict[str, Fade]
    chrono: dict[str, Fade]
    reach: dict[str, dict[int, float]]
    trained: dict[str, Fade]
    error: dict[str, float]
    depth: dict[tuple[str, bool], list[float]]

    def to_json(self) -> dict[str, Any]:
        """The numbers, for a program."""
        return {
            "slope": {cell: max(fade.slope, -1e3) for cell, fade in self.fresh.items()},
            "slope_chrono": {cell: fade.slope for cell, fade in self.chrono.items()},
            "reach": {
                cell: {str(T): v for T, v in own.items()} for cell, own in self.reach.items()
            },
            "slope_trained": {c: max(fade.slope, -1e3) for c, fade in self.trained.items()},
            "error_trained": self.error,
            "depth": {
                f"{cell}{' residual' if residual else ''}": values
                for (cell, residual), values in self.depth.items()
            },
        }


@undisturbed()
def run(plan: Plan) -> Found:
    """Measure and train."""
    fresh, chrono, reach, trained, error = {}, {}, {}, {}, {}
    for cell, kind in reversed(CELLS.items()):
        with drawing(plan.seed):
            model = _adder(kind, HIDDEN)
            if cell != "rnn":
                ready = _adder(kind, HIDDEN, init="chrono", longest_lag=LENGTHS[-1])
                chrono[cell] = _fade(ready, LENGTHS[-1], plan.seed)
        fades = {T: _fade(model, T, plan.seed) for T in LENGTHS}
        fresh[cell] = fades[LENGTHS[-1]]
        reach[cell] = {T: float(f.norms[-1] / f.norms[0]) for T, f in fades.items()}
        plan.tell(_("{cell}: measured as it starts").format(cell=cell.upper()))
        how = settings(plan, plan.by_effort(100, 600), 5e-3)
        result = compete(Entrant(Adding(TRAINED_AT), cell, HIDDEN, how), plan)
        error[cell] = result.test["mean_squared_error"]
        trained[cell] = _fade(result.model, TRAINED_AT, plan.seed)
        plan.tell(
            _("{cell}: trained, mean squared error {error}").format(
                cell=cell.upper(), error=number(error[cell])
            )
        )
    depth = {
        (cell, residual): _depth(CELLS[cell], residual, plan.seed)
        for cell in ("rnn", "gru")
        for residual in (False, True)
    }
    return Found(fresh, chrono, reach, trained, error, depth)


def _adder(kind: type[Any], hidden: int, **options: Any) -> nn.Module:
    return Adding(1).network(kind(2, hidden, dtype=DTYPE, **options), hidden)


def _fade(model: nn.Module, T: int, seed: int) -> Fade:
    return gradient_through_time(seen(model, Adding(T), seed)[-1])


def _depth(kind: type[Any], residual: bool, seed: int) -> list[float]:
    with drawing(seed):
        model = _adder(kind, 32, num_layers=LAYERS, residual=residual)
    norms = gradient_through_depth(seen(model, Adding(20), seed)).norms
    return [float(n / norms[0]) for n in norms]


def title() -> str:
    """Of the report."""
    return _("The gradient that vanishes")


def lead() -> str:
    """What the study shows, in a paragraph."""
    return _(
        "On its way back through time a gradient is multiplied by a matrix at every step. Where "
        "these matrices shrink it, little arrives at the early steps, and what stood there is not "
        "learned: the network has a short memory. Gates open a path on which it is added to rather "
        "than multiplied."
    )


def sections(found: Found) -> list[Section]:
    """The pictures, and what they say."""
    return [_in_symbols(), _through_time(found), _learned(found), _through_depth(found)]


def _in_symbols() -> Section:
    text = _(
        "L is the loss, hₜ the state after step t of T. The matrix Jₜ says how a state depends "
        "on the one before. In the gated cells its first part is the gate that keeps, on a "
        "diagonal: where it is near 1 the product of all J is near the identity, and the gradient "
        "neither vanishes nor explodes."
    )
    shown = [
        Formula("{∂L}/{∂h_t} = J_(t+1)^⊤ J_(t+2)^⊤ ⋯ J_T^⊤ {∂L}/{∂h_T}", _("the way back")),
        Formula("J_t = {∂h_t}/{∂h_(t−1)} = diag(1 − h_t^2) W_hh", "RNN"),
        Formula("{∂c_t}/{∂c_(t−1)} = diag(f_t) + ⋯", "LSTM"),
        Formula("J_t = diag(z_t) + ⋯", "GRU"),
        *equations.chrono(),
        Formula("y = x + f(x)", _("a layer f with a residual connection")),
    ]
    return Section(_("In symbols"), (text, equations.about_chrono()), (Formulas(shown),))


def _through_time(found: Found) -> Section:
    curves = [_curve(cell.upper(), fade, ACCENTS[cell], "-") for cell, fade in found.fresh.items()]
    curves += [
        _curve(label(cell, "chrono"), fade, ACCENTS[cell], (0, (4, 2)))
        for cell, fade in found.chrono.items()
    ]
    figure = Figure(
        "through-time",
        _(
            "The gradient at each step back from the end of {steps} steps, as a share of that at "
            "the end, before any training. A straight line down is an exponential decay. Dashed: "
            "the gates' biases drawn for long lags (chrono initialisation). Below 10⁻³⁰ nothing "
            "is drawn."
        ).format(steps=LENGTHS[-1]),
        _("Line chart of the gradient's norm by lag, logarithmic."),
        lines(curves, _("steps back"), _("share of the gradient"), log=True),
    )
    rows: list[list[str | float | None]] = [
        [cell.upper(), *(brief(own[T]) if own[T] else LOST for T in LENGTHS)]
        for cell, own in found.reach.items()
    ]
    table = Table(
        [Column(_("cell")), *(Column(_("{T} steps").format(T=T)) for T in LENGTHS)],
        rows,
        caption=_("The share of the gradient that arrives at the first step"),
        colors=[ACCENTS[cell] for cell in found.reach],
    )
    text = _(
        "A fresh network of any kind forgets. Where it has gates they stand half open: each step "
        "keeps half of the state, and after {steps} steps next to nothing is left. The difference "
        "is that a gate can be opened. With biases drawn for long lags the gated cells pass the "
        "gradient on nearly whole; the plain network has nothing to open."
    ).format(steps=LENGTHS[-1])
    return Section(_("Through time"), (text,), (figure, table))


def _learned(found: Found) -> Section:
    curves = [
        _curve(cell.upper(), fade, ACCENTS[cell], "-") for cell, fade in found.trained.items()
    ]
    figure = Figure(
        "after-training",
        _(
            "The same after training on the adding problem over {steps} steps: add two marked "
            "numbers, one in each half. Mean squared error: {errors}; always answering 1 gives "
            "{constant}."
        ).format(
            steps=TRAINED_AT,
            errors="; ".join(f"{cell.upper()} {brief(e)}" for cell, e in found.error.items()),
            constant=number(CONSTANT, 3),
        ),
        _("Line chart of the gradient's norm by lag, logarithmic."),
        lines(curves, _("steps back"), _("share of the gradient"), log=True),
    )
    learned = sum(error < CONSTANT / 2 for error in found.error.values())
    text = _(
        "A network that has learned to remember shows it in its gradient: more of it arrives. One "
        "whose gradient fades learns late, if at all, from the little that gets there."
    )
    count = _(
        "Here none of {all} has learned."
        if learned == 0
        else "Here 1 of {all} has learned."
        if learned == 1
        else "Here {count} of {all} have learned."
    ).format(count=learned, all=len(found.error))
    return Section(_("After training"), (f"{text} {count}",), (figure,))


def _through_depth(found: Found) -> Section:
    curves = []
    for (cell, residual), values in found.depth.items():
        name = f"{cell.upper()}, {_('residual') if residual else _('plain')}"
        stroke = Stroke(ACCENTS[cell], "-" if residual else (0, (2, 2)), 1.8, marker="o")
        x = np.arange(len(values), dtype=float)
        curves.append(Curve(name, x, np.asarray(values), stroke))
    figure = Figure(
        "through-depth",
        _(
            "The gradient at the states of each of {layers} layers, from the top one down, as a "
            "share of the top one's."
        ).format(layers=LAYERS),
        _("Line chart of the gradient's norm by layer, logarithmic."),
        lines(curves, _("layers down"), _("share of the gradient"), log=True),
    )
    text = _(
        "Layers are factors too. A residual connection adds a layer's input to its output, and is "
        "to depth what an open gate is to time: the gradient has a way past each layer."
    )
    return Section(_("Through depth"), (text,), (figure,))


def _curve(name: str, fade: Fade, color: str, dash: Any) -> Curve:
    shares = fade.norms / fade.norms[0]
    shown = np.where(shares > 1e-30, shares, np.nan)
    return Curve(name, np.arange(len(shown), dtype=float), shown, Stroke(color, dash, 1.8))
