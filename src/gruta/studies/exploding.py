"""A loss with a cliff, and three ways to walk near it: no clipping, by value, by norm.

The network is the smallest there is (Pascanu et al. 2013, arXiv:1211.5063, section 2.2): one unit,
h_t = w σ(h_{t−1}) + b from h_0 = 0.5 over 50 steps, whose end σ(h_50) should be 0.7.
"""

import math
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from matplotlib.figure import Figure as Chart
from numpy.typing import NDArray

from gruta.health import Clipper
from gruta.locale import translate as _
from gruta.locale.numbers import brief, number
from gruta.report.charts import INK, WIDTH, Curve, Stroke, lines, styled
from gruta.report.page import Column, Figure, Section, Table
from gruta.studies.plan import Plan
from gruta.surroundings import undisturbed
from gruta.ways_to_clip import ClipMode

STEPS_OF_TIME, GOAL = 50, 0.7
RATE = 0.05
FAR = 10.0
"""A run whose w or b goes so far has been thrown off."""

LOST = 1e-6
"""Where a gradient is smaller, a run that was thrown off lies on flat ground."""

WAYS: dict[ClipMode, float] = {"none": math.inf, "value": 0.5, "norm": 0.5}
COLORS: dict[str, str] = {"none": "#c0392b", "value": "#d1660f", "norm": "#00796b"}
WINDOW = (2.0, 7.0), (-4.0, -1.0)  # of w and of b in the picture


@dataclass(frozen=True, eq=False)
class Walk:
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
    """The walks by way of clipping and start, and the loss over a grid of w and b `[N, N]`."""

    walks: dict[str, list[Walk]]
    surface: NDArray[np.float64]

    def to_json(self) -> dict[str, Any]:
        """The numbers, for a program."""
        return {
            way: {
                "survived": sum(walk.survives for walk in walks),
                "of": len(walks),
                "median_loss": float(np.median([_end(walk) for walk in walks])),
                "largest_norm": max(max(walk.norms) for walk in walks),
                "smallest_cosine": min(min(walk.cosines) for walk in walks),
            }
            for way, walks in self.walks.items()
        }


@undisturbed()
def run(plan: Plan) -> Found:
    """Walk from several starts, each in every way."""
    starts = _starts(plan.by_effort(8, 24), plan.seed)
    walks: dict[str, list[Walk]] = {}
    for way, threshold in WAYS.items():
        walks[way] = [_walk(start, way, threshold, 200) for start in starts]
        plan.tell(
            _("{way}: {count} of {all} runs survive").format(
                way=_names()[way], count=sum(w.survives for w in walks[way]), all=len(starts)
            )
        )
    return Found(walks, _surface(plan.by_effort(60, 200)))


def loss_of(w: torch.Tensor, b: torch.Tensor) -> torch.Tensor:
    """(σ(h_50) − 0.7)², of any shape that w and b have."""
    h = torch.full_like(w, 0.5)
    for _step in range(STEPS_OF_TIME):
        h = w * torch.sigmoid(h) + b
    return (torch.sigmoid(h) - GOAL).square()


def _starts(count: int, seed: int) -> NDArray[np.float64]:
    """Places on the plateau before the cliff, where the loss is high and the way leads across."""
    draw = np.random.default_rng(seed)
    return np.stack([draw.uniform(5.0, 6.5, count), draw.uniform(-3.6, -2.6, count)], axis=1)


def _walk(start: NDArray[np.float64], way: ClipMode, threshold: float, steps: int) -> Walk:
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
    return Walk(np.asarray(places), losses, norms, cosines)


def _surface(size: int) -> NDArray[np.float64]:
    w, b = (torch.linspace(*edges, size, dtype=torch.float64) for edges in WINDOW)
    found: NDArray[np.float64] = loss_of(
        w[None].expand(size, -1), b[:, None].expand(-1, size)
    ).numpy()
    return found


def _end(walk: Walk) -> float:
    return walk.losses[-1] if math.isfinite(walk.losses[-1]) else math.inf


# ---- the report


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
        Section(_("The cliff"), (text,), (_picture(found), table)),
        Section(_("Step by step"), (cosine,), (_norms(found),)),
    ]


def _picture(found: Found) -> Figure:
    return Figure(
        "cliff",
        _("The loss over w and b, darker for more, and a run in each way from the same start."),
        _("Map of a loss with a cliff, and the paths of three runs."),
        _map(found.surface, {way: walk.places for way, walk in _shown(found).items()}),
    )


def _shown(found: Found) -> dict[str, Walk]:
    """The walks from one start: of those from which the one without clipping is thrown off, that
    with the largest gradient.
    """
    walks = found.walks["none"]
    lost = [k for k, walk in enumerate(walks) if not walk.survives] or [0]
    k = max(lost, key=lambda k: max(walks[k].norms))
    return {way: walks[k] for way, walks in found.walks.items()}


@styled(axes__grid=False)
def _map(surface: NDArray[np.float64], paths: dict[str, NDArray[np.float64]]) -> Chart:
    chart = Chart((WIDTH, 4.4), layout="constrained")
    axes = chart.add_subplot(xlabel="w", ylabel="b", xlim=WINDOW[0], ylim=WINDOW[1])
    axes.imshow(
        surface,
        origin="lower",
        aspect="auto",
        cmap="Greys",
        extent=(*WINDOW[0], *WINDOW[1]),
        alpha=0.8,
    )
    for way, path in paths.items():
        axes.plot(
            path[:, 0],
            path[:, 1],
            color=COLORS[way],
            linewidth=1.4,
            marker=".",
            label=_names()[way],
        )
    start = next(iter(paths.values()))[0]
    axes.plot(*start, "o", color=INK, markersize=7)
    chart.legend(loc="outside upper left", ncols=3)
    return chart


def _norms(found: Found) -> Figure:
    curves = []
    for way, walk in _shown(found).items():
        norms = np.asarray(walk.norms)
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
