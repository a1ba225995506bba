"""A loss with a cliff, and three ways to descent near it: no clipping, by value, by norm.

The network is the smallest there is (Pascanu et al. 2013, arXiv:1211.5063, section 2.2): one unit,
h_t = w σ(h_{t−1}) + b from h_0 = 0.5 over 50 steps, whose end σ(h_50) should be 0.7.
"""

import math
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray

from gruta.health import Clipper
from gruta.locale import translate as _
from gruta.locale.numbers import brief, number
from gruta.report.charts import Curve, Stroke, lines
from gruta.report.dots import paths_on_a_map
from gruta.report.page import Column, Figure, Formula, Formulas, Section, Table
from gruta.studies.plan import Plan
from gruta.surroundings import undisturbed
from gruta.ways_to_clip import ClipMode

STEPS_OF_TIME, FIRST, GOAL = 50, 0.5, 0.7
RATE = 0.05
FAR = 10.0
"""A run whose w or b goes so far has been thrown off."""

LOST = 1e-6
"""Where a gradient is smaller, a run that was thrown off lies on flat ground."""

WAYS: dict[ClipMode, float] = {"none": math.inf, "value": 0.5, "norm": 0.5}
COLORS: dict[str, str] = {"none": "#c0392b", "value": "#d1660f", "norm": "#00796b"}
WINDOW = (2.0, 7.0), (-4.0, -1.0)  # of w and of b in the picture


@dataclass(frozen=True, eq=False)
class Descent:
    """One run: w and b at every step `[N + 1, 2]`, and of each step the loss, the gradient's norm
    before clipping, and the cosine between the gradient before and after.
    """

    places: NDArray[np.float64]
    losses: list[float]
    norms: list[float]
    cosines: list[float]

    @property
    def survives(self) -> bool:
        """Whether it stayed near and ended lower than it began."""
        near = bool(np.isfinite(self.places).all()) and float(np.abs(self.places).max()) < FAR
        return near and self.losses[-1] < self.losses[0]


@dataclass(frozen=True, eq=False)
class Found:
    """The runs by way of clipping and start, and the loss over a grid of w and b `[N, N]`."""

    descents: dict[str, list[Descent]]
    surface: NDArray[np.float64]

    def to_json(self) -> dict[str, Any]:
        """The numbers, for a program."""
        return {
            way: {
                "survived": sum(descent.survives for descent in descents),
                "of": len(descents),
                "median_loss": float(np.median([_end(descent) for descent in descents])),
                "largest_norm": max(max(descent.norms) for descent in descents),
                "smallest_cosine": min(min(descent.cosines) for descent in descents),
            }
            for way, descents in self.descents.items()
        }


@undisturbed()
def run(plan: Plan) -> Found:
    """Descend from several starts, each in every way."""
    starts = _starts(plan.by_effort(8, 24), plan.seed)
    descents: dict[str, list[Descent]] = {}
    for way, threshold in WAYS.items():
        descents[way] = [_descend(start, way, threshold, 200) for start in starts]
        plan.tell(
            _(
                "{way}: 1 of {all} runs survives"
                if (count := sum(d.survives for d in descents[way])) == 1
                else "{way}: {count} of {all} runs survive"
            ).format(way=_names()[way], count=count, all=len(starts))
        )
    return Found(descents, _surface(200))


def loss_of(w: torch.Tensor, b: torch.Tensor) -> torch.Tensor:
    """(σ(h_50) − 0.7)², of any shape that w and b have."""
    h = torch.full_like(w, FIRST)
    for _step in range(STEPS_OF_TIME):
        h = w * torch.sigmoid(h) + b
    return (torch.sigmoid(h) - GOAL).square()


def _starts(count: int, seed: int) -> NDArray[np.float64]:
    """Places on the plateau before the cliff, where the loss is high and the way leads across."""
    draw = np.random.default_rng(seed)
    return np.stack([draw.uniform(5.0, 6.5, count), draw.uniform(-3.6, -2.6, count)], axis=1)


def _descend(start: NDArray[np.float64], way: ClipMode, threshold: float, steps: int) -> Descent:
    place = torch.nn.Parameter(torch.tensor(start, dtype=torch.float64))
    optimizer = torch.optim.SGD([place], RATE, momentum=0.9)
    clipper = Clipper(way, threshold)
    places, losses, norms, cosines = [start.copy()], [], [], []
    for _step in range(steps):
        loss = loss_of(place[0], place[1])
        losses.append(float(loss.detach()))
        optimizer.zero_grad()
        loss.backward()  # type: ignore[no-untyped-call]
        seen = clipper.clip([("place", place)])
        if seen.nonfinite is not None:
            break
        norms.append(seen.norm_before)
        cosines.append(seen.cosine)
        optimizer.step()
        places.append(place.detach().numpy().copy())
    return Descent(np.asarray(places), losses, norms, cosines)


def _surface(size: int) -> NDArray[np.float64]:
    w, b = (torch.linspace(*edges, size, dtype=torch.float64) for edges in WINDOW)
    found: NDArray[np.float64] = loss_of(
        w[None].expand(size, -1), b[:, None].expand(-1, size)
    ).numpy()
    return found


def _end(descent: Descent) -> float:
    return descent.losses[-1] if math.isfinite(descent.losses[-1]) else math.inf


def title() -> str:
    """Of the report."""
    return _("The gradient that explodes")


def lead() -> str:
    """What the study shows, in a paragraph."""
    return _(
        "Where a network's factors stretch a gradient it grows without bound, and the loss has a "
        "cliff: nearly flat on both sides, with a wall between. A step taken at the wall is as "
        "long as the wall is steep, and throws the weights far away. Clipping bounds the step."
    )


def sections(found: Found) -> list[Section]:
    """The pictures, and what they say."""
    numbers = found.to_json()
    rows: list[list[str | float | None]] = [
        [
            _names()[way],
            _("{count} of {all}").format(count=own["survived"], all=own["of"]),
            brief(own["median_loss"]),
            brief(own["largest_norm"]),
            number(own["smallest_cosine"], 2),
        ]
        for way, own in numbers.items()
    ]
    table = Table(
        [
            Column(_("clipping")),
            Column(_("runs that survive")),
            Column(_("loss at the end, median")),
            Column(_("largest gradient norm")),
            Column(_("smallest cosine")),
        ],
        rows,
        colors=[COLORS[way] for way in numbers],
    )
    text = _(
        "One unit, w times its squashed state plus b, over {steps} steps. The loss is drawn over w "
        "and b; each line is a run from the same start, by descent with momentum. Without clipping "
        "a run may slide along the wall for a while, until a step at it throws it off. By value "
        "each component is cut to ±{value}: the step is short, but it turns, towards the diagonal. "
        "By norm the whole is scaled to length {norm}: it is as short, and points where the "
        "gradient does."
    ).format(steps=STEPS_OF_TIME, value=number(WAYS["value"], 1), norm=number(WAYS["norm"], 1))
    cosine = _(
        "Cosine: of the angle between the gradient before and after clipping; 1 where its "
        "direction is kept. A run survives if its weights stay within ±{far} and its loss ends "
        "lower than it began."
    ).format(far=number(FAR, 0))
    return [
        _in_symbols(),
        Section(_("The cliff"), (text,), (_picture(found), table)),
        Section(_("Step by step"), (cosine,), (_norms(found),)),
    ]


def _in_symbols() -> Section:
    text = _(
        "The network has one unit, of weight w and bias b. On its way back the gradient meets the "
        "factor w σ′ at every step: over {steps} steps it vanishes where the factor is below 1 and "
        "explodes where it is above, and the wall is where the one turns into the other. Clipping "
        "bounds the gradient g by a threshold c before the step is taken."
    ).format(steps=STEPS_OF_TIME)
    shown = [
        Formula(f"h_t = w σ(h_(t−1)) + b,  h_0 = {number(FIRST, 1)}", _("a step")),
        Formula(f"L = (σ(h_{STEPS_OF_TIME}) − {number(GOAL, 1)})^2", _("the loss")),
        Formula(
            f"{{∂h_{STEPS_OF_TIME}}}/{{∂h_0}} = ∏_(t=1)^{STEPS_OF_TIME} w σ′(h_(t−1))",
            _("what a gradient is multiplied by"),
        ),
        Formula("g_i ← min(max(g_i, −c), c)", _("clipped by value: each component is cut")),
        Formula("g ← g min(1, {c}/{‖g‖})", _("clipped by norm: the whole is scaled")),
    ]
    return Section(_("In symbols"), (text,), (Formulas(shown),))


def _picture(found: Found) -> Figure:
    return Figure(
        "cliff",
        _("The loss over w and b, darker for more, and a run in each way from the same start."),
        _("Map of a loss with a cliff, and the paths of three runs."),
        paths_on_a_map(
            found.surface,
            WINDOW,
            {_names()[way]: (one.places, COLORS[way]) for way, one in _shown(found).items()},
            "w",
            "b",
        ),
    )


def _shown(found: Found) -> dict[str, Descent]:
    """The runs from one start: of those from which the one without clipping is thrown off, that
    with the largest gradient.
    """
    descents = found.descents["none"]
    lost = [k for k, descent in enumerate(descents) if not descent.survives] or [0]
    k = max(lost, key=lambda k: max(descents[k].norms))
    return {way: descents[k] for way, descents in found.descents.items()}


def _norms(found: Found) -> Figure:
    curves = []
    for way, descent in _shown(found).items():
        norms = np.asarray(descent.norms)
        shown = np.where(norms > LOST, norms, np.nan)
        curves.append(
            Curve(_names()[way], np.arange(len(shown), dtype=float), shown, Stroke(COLORS[way]))
        )
    return Figure(
        "norms",
        _(
            "The gradient's norm before clipping, over the steps of the same three runs; not drawn "
            "where it is next to nothing, on the flat ground where a run was thrown."
        ),
        _("Line chart of the gradient norm before clipping by step."),
        lines(
            curves,
            _("step"),
            _("gradient norm"),
            log=True,
            limit=(WAYS["norm"], _("clipping threshold")),
        ),
    )


def _names() -> dict[str, str]:
    return {"none": _("no clipping"), "value": _("by value"), "norm": _("by norm")}
