"""The forecaster beside the linear path that it contains, on real series of many kinds.

A linear model on lags is hard to beat where a series is short, slow or noisy. What the network adds
to it has to be worth its training, and where it adds nothing it has to stay out of the way.
"""

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from typing import Any, Literal

import numpy as np

from gruta.codec.series.trust import standard_error
from gruta.locale import translate as _
from gruta.locale.numbers import number
from gruta.report.charts import ACCENTS
from gruta.report.dots import bars_by_row, marks_by_row
from gruta.report.page import Column, Figure, Section, Table
from gruta.studies.plan import Plan
from gruta.studies.real import SERIES, UNTOUCHED, RealSeries
from gruta.tasks.forecast import Forecaster
from gruta.tasks.forecast.evaluation import Evaluation
from gruta.tasks.forecast.scores import mean_of_rows

TEST_SHARE = 0.2
QUANTILES = (0.025, 0.1, 0.5, 0.9, 0.975)
BANDS = ((1, 3), (0, 4))
"""The places of the quantiles about 80 % and 95 %."""

ALIKE = 5e-4
"""A difference by less than this share of the error counts as none."""


@dataclass(frozen=True)
class Case:
    """A series and a horizon: mean absolute errors over the test part, from every row.

    difference: by how much the forecaster's is above its linear path's; error: the standard error
    of that. trust: how far the forecaster follows its network. inside: the shares of what came
    within the bands of 80 and 95 %. forecasts: how many.
    """

    series: RealSeries
    horizon: int
    forecasts: int
    seasonal_naive: float
    linear: float
    forecaster: float
    difference: float
    error: float
    trust: float
    inside: tuple[float, float]

    @property
    def verdict(self) -> Literal["better", "alike", "worse"]:
        """Of the forecaster, beside its linear path."""
        if abs(self.difference) < ALIKE * self.linear:
            return "alike"
        return "better" if self.difference < 0 else "worse"

    @property
    def beyond(self) -> bool:
        """Whether the difference is more than its standard error."""
        return self.verdict != "alike" and abs(self.difference) > self.error

    @property
    def in_percent(self) -> tuple[float, float]:
        """The difference and its standard error, of the linear path's error."""
        return 100 * self.difference / self.linear, 100 * self.error / self.linear


@dataclass(frozen=True)
class Found:
    """The cases of each set of series: untouched ones, and those that choices were made on."""

    untouched: Sequence[Case]
    touched: Sequence[Case]

    def to_json(self) -> dict[str, Any]:
        """The numbers, for a program."""
        return {
            name: {"counts": counts(cases), "cases": [_told(case) for case in cases]}
            for name, cases in (("untouched", self.untouched), ("touched", self.touched))
        }


def counts(cases: Sequence[Case]) -> dict[str, int]:
    """How often the forecaster was better than its linear path, as good, and worse, and each of
    these by more than the standard error.
    """
    found = {
        verdict: sum(case.verdict == verdict for case in cases)
        for verdict in ("better", "alike", "worse")
    }
    for verdict in ("better", "worse"):
        found[f"{verdict}_beyond_error"] = sum(
            case.verdict == verdict and case.beyond for case in cases
        )
    return found


def run(plan: Plan) -> Found:
    """Train a forecaster of every series for one step and for its horizon."""
    untouched = plan.by_effort(UNTOUCHED[-3:], UNTOUCHED)
    touched = plan.by_effort((), (), SERIES)
    return Found(_cases(untouched, plan), _cases(touched, plan))


def _cases(some: Sequence[RealSeries], plan: Plan) -> list[Case]:
    cases = []
    for series in some:
        for horizon in (1, series.horizon):
            cases.append(_case(series, horizon, plan))
            plan.tell(
                _("{series}, {horizon} ahead: {difference} % ± {error} beside the line").format(
                    series=series.title,
                    horizon=horizon,
                    difference=_signed(cases[-1].in_percent[0]),
                    error=number(cases[-1].in_percent[1], 1),
                )
            )
    return cases


def _case(series: RealSeries, horizon: int, plan: Plan) -> Case:
    frame = series.frame()
    forecaster = Forecaster(
        known=series.known,
        horizon=horizon,
        test_share=TEST_SHARE,
        quantiles=QUANTILES,
        seed=plan.seed,
    )
    run = plan.directory / "runs" / f"{series.dataset}-{horizon}-seed{plan.seed}"
    with plan.progress(run.name, forecaster.settings.steps) as shown:
        resume = (run / "run.json").is_file()
        forecaster.fit(frame, run=run, resume=resume, progress=shown)
    trust = forecaster.trained_.codec.trust
    return measured(series, horizon, forecaster.evaluate(frame), trust)


def measured(series: RealSeries, horizon: int, found: Evaluation, trust: float) -> Case:
    """What an evaluation says of the forecaster and its linear path."""
    simple = found.baselines
    seasonal = next((name for name in simple if name.startswith("seasonal")), "naive")
    ours, line, naive = (
        mean_of_rows(np.abs(values - found.truth))
        for values in (found.median, simple["linear"], simple[seasonal])
    )
    apart = (ours - line).astype(np.float32)
    return Case(
        series,
        horizon,
        len(ours),
        float(naive.mean()),
        float(line.mean()),
        float(ours.mean()),
        float(apart.mean(dtype=np.float64)),
        standard_error(apart, found.overlap),
        trust,
        (_inside(found, *BANDS[0]), _inside(found, *BANDS[1])),
    )


def _inside(found: Evaluation, low: int, high: int) -> float:
    bands = {(band.low, band.high): band.inside for band in found.bands}
    return bands[low, high]


def _told(case: Case) -> dict[str, Any]:
    series = {"series": f"{case.series.package}/{case.series.dataset}", "step": case.series.step}
    return series | {k: v for k, v in asdict(case).items() if k != "series"}


def title() -> str:
    """Of the report."""
    return _("A network beside a line")


def lead() -> str:
    """What the study shows, in a paragraph."""
    return _(
        "A forecaster contains a linear model on the same inputs, solved in closed form, which is "
        "hard to beat where a series is short, slow or noisy. What does its network add, on series "
        "of many kinds, a step and many steps ahead? And do its intervals hold what they promise?"
    )


def sections(found: Found) -> list[Section]:
    """The pictures, and what they say."""
    about = _(
        "These series were listed before anything was forecast of them, and none was left out: no "
        "choice was made on them."
    )
    shown = [_section(_("Series that no choice was made on"), "untouched", about, found.untouched)]
    if found.touched:
        about = _("On these series the defaults and rules of the forecaster were tried.")
        shown.append(
            _section(_("Series that choices were made on"), "touched", about, found.touched)
        )
    return shown


def _section(title: str, name: str, about: str, cases: Sequence[Case]) -> Section:
    found, color = counts(cases), ACCENTS["gru"]
    summary = _(
        "Of {all} cases the forecaster was better than its linear path in {better}, as good in "
        "{alike}, and worse in {worse}; by more than the standard error better in "
        "{better_beyond_error} and worse in {worse_beyond_error}."
    ).format(all=len(cases), **found)
    errors = Figure(
        f"errors-{name}",
        _(
            "By how much the forecaster's mean absolute error differs from its linear path's, in "
            "per cent of that, with the standard error: to the left it is lower. From every row of "
            "the test part, the last fifth."
        ),
        _("A dot with a bar for each series and horizon, about a line at 0."),
        bars_by_row(
            [(_name(case), *case.in_percent) for case in cases],
            _("the forecaster's error beside the linear path's (%)"),
            color,
        ),
    )
    inside = Figure(
        f"coverage-{name}",
        _(
            "How much of what came lay within the bands of 80 % and 95 %; the lines are at what "
            "they promise, the stripes three points to either side."
        ),
        _("Two dots for each series and horizon, beside lines at 80 and 95 per cent."),
        marks_by_row(
            [(_name(case), [100 * share for share in case.inside]) for case in cases],
            (80.0, 95.0),
            3.0,
            _("inside the band (%)"),
            color,
        ),
    )
    return Section(title, (about, summary), (errors, inside, _table(cases)))


def _table(cases: Sequence[Case]) -> Table:
    rows: list[list[str | float | None]] = [
        [
            case.series.title,
            case.horizon,
            case.forecasts,
            case.seasonal_naive / case.linear,
            case.forecaster / case.linear,
            f"{_signed(case.in_percent[0])} ± {number(case.in_percent[1], 1)}",
            case.trust,
            100 * case.inside[0],
            100 * case.inside[1],
        ]
        for case in cases
    ]
    return Table(
        [
            Column(_("series")),
            Column(_("steps"), 0),
            Column(_("forecasts"), 0),
            Column(_("seasonal naive"), 2),
            Column(_("forecaster"), 3),
            Column(_("difference, %")),
            Column(_("trust"), 2),
            Column(_("in 80 %"), 1),
            Column(_("in 95 %"), 1),
        ],
        rows,
        caption=_("Mean absolute errors, those of the linear path as 1"),
        note=_(
            "Seasonal naive: of the shortest season; naive where there is none. Trust: how far the "
            "forecaster goes from its linear path, 0, to its network, 1. Standard errors: "
            "forecasts that overlap count as many as lie side by side."
        ),
    )


def _name(case: Case) -> str:
    return _("{series}: {steps}").format(series=case.series.title, steps=case.horizon)


def _signed(value: float) -> str:
    return f"{'+' if value >= 0.05 else ''}{number(value, 1)}"
