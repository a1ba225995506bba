"""What `gruta bench forecast` says while it runs, and its tables."""

import sys
from collections.abc import Sequence

from rich import box
from rich.table import Table

from gruta.bench.forecast.contestants import CONTESTANTS, DEFAULT, GRUTA, NEURAL, SEASONAL
from gruta.bench.forecast.outcomes import Job, Outcome
from gruta.bench.forecast.results import Line, Report
from gruta.bench.forecast.run import missing_packages
from gruta.bench.forecast.sets import SETS, Exam
from gruta.bench.names import megabytes, significant
from gruta.cli.console import console
from gruta.locale import translate as _
from gruta.locale.numbers import MISSING, number, percent


class Lines:
    """A line on standard error for each training."""

    def __init__(self) -> None:
        self._place = ""

    def begins(self, done: int, total: int, job: Job) -> None:
        """Keep where we are."""
        self._place = f"{done + 1}/{total}"

    def ends(self, found: Outcome) -> None:
        """What came of it."""
        job = found.job
        part = _("validation") if job.part == "validation" else _("seed {n}").format(n=job.seed)
        said = found.problem or _("MAE {mae} after {seconds} s, {peak}").format(
            mae=significant(found.scores["mae"]),
            seconds=number(found.training, 1),
            peak=megabytes(found.peak),
        )
        who = f"{job.set}, {_who(job.contestant, job.way)}, {part}"
        print(f"{self._place} {who}: {said}", file=sys.stderr, flush=True)


def note_missing(contestants: Sequence[str]) -> None:
    """Tell who is not installed."""
    for name in contestants:
        if missing_packages(name):
            extra = "peers" if name in NEURAL else "stats"
            said = _("{rival} is not installed and left out: pip install 'gruta[{extra}]'")
            print(said.format(rival=_title(name), extra=extra), file=sys.stderr, flush=True)


def print_report(report: Report) -> None:
    """A table of all sets, one of each, who came to the same error first, and the formulas."""
    out = console()
    sets = list(dict.fromkeys(line.set for line in report.lines))
    out.print(_overview(report, sets))
    for key in sets:
        out.print(_scores(key, [line for line in report.lines if line.set == key]))
    if report.races:
        out.print(_races(report))
    for note in _notes(report):
        out.print(note, markup=False, highlight=False)


def _overview(report: Report, sets: Sequence[str]) -> Table:
    table = _table(_("MASE on each set, and the mean of ranks by MAE"))
    for name in (*sets, _("mean rank")):
        table.add_column(name, justify="right")
    ranks = report.ranks()
    found = {(line.set, line.who): line.scores["mase"] for line in report.lines}
    for who in sorted(ranks, key=ranks.__getitem__):
        cells = (number(found[key, who], 2) if (key, who) in found else MISSING for key in sets)
        table.add_row(_kind(*who), *cells, number(ranks[who], 1))
    return table


def _scores(key: str, lines: Sequence[Line]) -> Table:
    exam = Exam(SETS[key], "test")
    title = _("{set}: {count} forecasts of {steps} steps; {rows} rows to learn from").format(
        set=exam.set.title,
        count=len(exam.origins),
        steps=exam.set.horizon,
        rows=number(exam.rows),
    )
    table = _table(title)
    headings = ("MASE", "sMAPE %", "CRPS", _("coverage of 80%"), _("training s"))
    for name in (*headings, _("forecasting s"), _("peak memory")):
        table.add_column(name, justify="right")
    for line in sorted(lines, key=lambda one: one.rank):
        mase = number(line.scores["mase"], 3)
        if line.seeds > 1:
            mase += f" ± {number(line.spread, 3)}"
        table.add_row(
            _who(line.contestant, line.way),
            mase,
            number(line.scores["smape"], 2),
            significant(line.scores["crps"]),
            percent(line.scores["coverage"]),
            number(line.training, 1),
            number(line.forecasting, 1),
            megabytes(line.peak),
        )
    return table


def _races(report: Report) -> Table:
    table = _table(_("CPU seconds to the same error, which both reach"))
    for name in ("MAE", "gruta", _("peer"), _("times as fast")):
        table.add_column(name, justify="right")
    for race in report.races:
        table.add_row(
            f"{race.set}, {_who(race.contestant, race.way)}",
            significant(race.error),
            number(race.gruta, 1),
            number(race.peer, 1),
            f"{significant(race.ratio, 2)}×",
        )
    return table


def _notes(report: Report) -> list[str]:
    notes = []
    for line in report.lost():
        who = _who(line.contestant, line.way)
        notes.append(_("On {set} {who} has the lower error.").format(set=line.set, who=who))
    best, ranks = report.best_statistical(), report.ranks()
    if best and (GRUTA, True) in ranks:
        notes.append(
            _(
                "Mean rank: gruta {own}, by default {plain}; {best}, the best statistical model, "
                "{rank}."
            ).format(
                own=number(ranks[GRUTA, True], 1),
                plain=number(ranks[GRUTA, False], 1),
                best=_title(best),
                rank=number(ranks[best, False], 1),
            )
        )
    notes += [
        _(
            "With F the forecast (the median), A what came, means over all forecasts and steps: "
            "MASE = |F − A| over the mean |A(t) − A(t − m)| of what was learned from, m the "
            "shortest season; sMAPE = 200·|F − A| / (|F| + |A|); CRPS = twice the pinball loss of "
            "the quantiles 0.1, 0.5, 0.9, with a point for each where there are no others."
        ),
        _(
            "Every network had {seconds} CPU seconds on one thread; ± is the deviation between "
            "{seeds} seeds. Statistical models are fitted anew before every forecast, without a "
            "limit. The better way of a network had the lowest MAE before the test part."
        ).format(seconds=number(report.settings["seconds"]), seeds=report.settings["seeds"]),
    ]
    failed = [one for one in report.outcomes if one.problem]
    notes += [f"{_who(o.job.contestant, o.job.way)}, {o.job.set}: {o.problem}" for o in failed]
    return notes


def _title(contestant: str) -> str:
    return _("seasonal naive") if contestant == SEASONAL else CONTESTANTS[contestant].title


def _kind(contestant: str, better: bool) -> str:
    title = _title(contestant)
    if len(CONTESTANTS[contestant].ways) == 1:
        return title
    return f"{title}, {_('better') if better else _('default')}"


def _who(contestant: str, way: str) -> str:
    title = _title(contestant)
    if len(CONTESTANTS[contestant].ways) == 1:
        return title
    names = {
        DEFAULT: _("default"),
        "longer": _("longer"),
        "logarithm": _("logarithm"),
        "longer, logarithm": _("longer, logarithm"),
        "short input": _("short input"),
        "short input, small": _("short input, small"),
        "recurrent, small": _("recurrent, small"),
        "calendar": _("calendar"),
        "calendar, wide": _("calendar, wide"),
        "calendar, points": _("calendar, points"),
    }
    return f"{title}, {names[way]}"


def _table(title: str) -> Table:
    table = Table(title=title, box=box.SIMPLE, collapse_padding=True, pad_edge=False)
    table.add_column("")
    return table
