"""Advice that is followed: does the error of a forecaster of real series fall?

The advice of the memory rules comes from tasks made to need a long memory. A forecaster has a
linear path beside its network, so whether it gains from the same change has to be tried.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any, Literal, NamedTuple

import numpy as np

from gruta.locale import translate as _
from gruta.locale.numbers import percent
from gruta.report.charts import ACCENTS
from gruta.report.dots import dots_by_row
from gruta.report.page import Column, Figure, Formulas, Section, Table
from gruta.studies import equations
from gruta.studies.contest import Init, label
from gruta.studies.plan import Plan
from gruta.studies.real import SERIES, RealSeries
from gruta.tasks.forecast import Forecaster

SEEDS = 3
TEST_SHARE = 0.2
SAME = 0.01
"""A change of the error by less than this share counts as none."""


class Way(NamedTuple):
    """A cell, and how its weights start."""

    cell: str
    init: Init


class Remedy(NamedTuple):
    """What the rules of the advice say to change."""

    rules: tuple[str, ...]
    as_is: Way
    advised: Way

    @property
    def name(self) -> str:
        """Short, fixed."""
        return "-".join([*self.as_is, "to", *self.advised])


CHRONO = ("short_memory", "memoryless_units")
KEEPS = Remedy(CHRONO, Way("gru", "torch"), Way("gru", "chrono"))
GATED = Remedy(("vanishing",), Way("rnn", "torch"), Way("gru", "torch"))
LSTM_KEEPS = Remedy(CHRONO, Way("lstm", "torch"), Way("lstm", "chrono"))


class Fit(NamedTuple):
    """A trained forecaster: its error (MASE), that of its linear path, and the advice it got."""

    error: float
    linear: float
    rules: frozenset[str]


@dataclass(frozen=True)
class Trial:
    """A remedy on a series: the fits of each seed, as they are and as advised."""

    series: RealSeries
    as_is: Sequence[Fit]
    advised: Sequence[Fit]

    @property
    def changes(self) -> list[float]:
        """By which share of itself the error rose, of each seed."""
        pairs = zip(self.as_is, self.advised, strict=True)
        return [after.error / before.error - 1 for before, after in pairs]

    @property
    def change(self) -> float:
        """That of the errors' means over the seeds."""
        before, after = (
            np.mean([fit.error for fit in fits]) for fits in (self.as_is, self.advised)
        )
        return float(after / before - 1)

    @property
    def verdict(self) -> Literal["lower", "higher", "same"]:
        """What became of the error."""
        return "same" if abs(self.change) < SAME else "lower" if self.change < 0 else "higher"

    def told(self, rules: Sequence[str]) -> int:
        """How many of the fits as they are were told one of these rules."""
        return sum(bool(fit.rules & set(rules)) for fit in self.as_is)


@dataclass(frozen=True)
class Found:
    """The trials of each remedy."""

    trials: Mapping[Remedy, Sequence[Trial]]

    def to_json(self) -> dict[str, Any]:
        """The numbers, for a program."""
        return {
            remedy.name: {
                "counts": counts(trials),
                "counts_where_told": counts([t for t in trials if t.told(remedy.rules)]),
                "series": [
                    {
                        "series": f"{trial.series.package}/{trial.series.dataset}",
                        "told": trial.told(remedy.rules),
                        "error": [fit.error for fit in trial.as_is],
                        "error_advised": [fit.error for fit in trial.advised],
                        "error_linear": trial.as_is[0].linear,
                        "change": trial.change,
                    }
                    for trial in trials
                ],
            }
            for remedy, trials in self.trials.items()
        }


def counts(trials: Sequence[Trial]) -> dict[str, int]:
    """On how many series the error came out lower, the same and higher."""
    verdicts = [trial.verdict for trial in trials]
    return {verdict: verdicts.count(verdict) for verdict in ("lower", "same", "higher")}


def run(plan: Plan) -> Found:
    """Train a forecaster of every series, as it is and as advised."""
    fits: dict[tuple[RealSeries, Way], list[Fit]] = {}
    trials: dict[Remedy, list[Trial]] = {}
    remedies = plan.by_effort([KEEPS], [KEEPS, GATED], [KEEPS, GATED, LSTM_KEEPS])
    for remedy in remedies:
        trials[remedy] = []
        for series in plan.by_effort(SERIES[3:8], SERIES):
            for way in (remedy.as_is, remedy.advised):
                if (series, way) not in fits:
                    fits[series, way] = _fits(series, way, plan)
            trial = Trial(series, fits[series, remedy.as_is], fits[series, remedy.advised])
            trials[remedy].append(trial)
            plan.tell(
                _("{series}, {advised} for {as_is}: {change}").format(
                    series=series.title,
                    advised=label(*remedy.advised),
                    as_is=label(*remedy.as_is),
                    change=_signed(trial.change),
                )
            )
    return Found(trials)


def _fits(series: RealSeries, way: Way, plan: Plan) -> list[Fit]:
    frame, found = series.frame(), []
    for seed in range(plan.seed, plan.seed + plan.by_effort(1, SEEDS)):
        forecaster = Forecaster(
            known=series.known,
            horizon=series.horizon,
            test_share=TEST_SHARE,
            seed=seed,
            **way._asdict(),
        )
        run = plan.directory / "runs" / "-".join([series.dataset, *way, f"seed{seed}"])
        with plan.progress(run.name, forecaster.settings.steps) as shown:
            resume = (run / "run.json").is_file()
            forecaster.fit(frame, run=run, resume=resume, progress=shown)
        network, *simple = forecaster.evaluate(frame).scores
        linear = next(score for score in simple if score.model == "linear")
        assert network.mase is not None
        assert linear.mase is not None
        advice = replace(forecaster.xray(frame), training={}).advice()  # all that the rules say
        rules = frozenset(piece.rule for piece in advice)
        found.append(Fit(network.mase, linear.mase, rules))
    return found


def title() -> str:
    """Of the report."""
    return _("Advice, followed on real series")


def lead() -> str:
    """What the study shows, in a paragraph."""
    return _(
        "A network that forgets is told to start with gates that keep. On tasks that need a long "
        "memory this decides between success and failure. Does it help a forecaster of real "
        "series, which has the last values before it and a linear path beside it?"
    )


def sections(found: Found) -> list[Section]:
    """The pictures, and what they say."""
    remedies = [_remedy(remedy, trials) for remedy, trials in found.trials.items()]
    return [_in_symbols(), *remedies]


def _in_symbols() -> Section:
    shown = [*equations.gru_keeps(), *equations.lstm_keeps(), *equations.chrono()]
    return Section(_("In symbols"), (equations.about_chrono(),), (Formulas(shown),))


def _remedy(remedy: Remedy, trials: Sequence[Trial]) -> Section:
    as_is, advised = label(*remedy.as_is), label(*remedy.advised)
    all_of_them = _summary(trials)
    told = [trial for trial in trials if trial.told(remedy.rules)]
    where_told = (
        _(
            "The advice was given on {told} of them, for one seed at least: there it fell on "
            "{lower} and rose on {higher}."
        ).format(told=len(told), **counts(told))
        if told
        else _("The advice was given on none of them: the gradient arrives.")
    )
    figure = Figure(
        remedy.name,
        _(
            "By how much the error on the test part, the last fifth of each series, is higher with "
            "“{advised}” in place of “{as_is}”: a dot for each seed. To the left it is lower."
        ).format(advised=advised, as_is=as_is),
        _("Dots of the change of the error, a row for each series."),
        dots_by_row(
            [(trial.series.title, np.array(trial.changes) * 100) for trial in trials],
            _("change of the error (%)"),
            ACCENTS[remedy.advised.cell],
        ),
    )
    title = _("{advised} in place of {as_is}").format(advised=advised, as_is=as_is)
    return Section(title, (f"{all_of_them} {where_told}",), (figure, _table(remedy, trials)))


def _summary(trials: Sequence[Trial]) -> str:
    found = counts(trials)
    return _(
        "Of {all} series the error fell on {lower}, rose on {higher}, and changed by less than "
        "{share} on {same}."
    ).format(all=len(trials), share=percent(SAME), **found)


def _table(remedy: Remedy, trials: Sequence[Trial]) -> Table:
    rows: list[list[str | float | None]] = [
        [
            trial.series.title,
            float(np.mean([fit.error for fit in trial.as_is])),
            float(np.mean([fit.error for fit in trial.advised])),
            trial.as_is[0].linear,
            _signed(trial.change),
            _("{count} of {all}").format(count=trial.told(remedy.rules), all=len(trial.as_is)),
        ]
        for trial in trials
    ]
    return Table(
        [
            Column(_("series")),
            Column(label(*remedy.as_is), 3),
            Column(label(*remedy.advised), 3),
            Column(_("linear"), 3),
            Column(_("change")),
            Column(_("advice given")),
        ],
        rows,
        caption=_("The error (MASE), a mean over the seeds"),
        note=_(
            "MASE: the mean absolute error over that of repeating the season before, within the "
            "training part. Linear: the forecaster's linear path alone."
        ),
    )


def _signed(share: float) -> str:
    if round(share, 3) == 0:
        return percent(0)
    return f"{'+' if share > 0 else ''}{percent(share, 1)}"
