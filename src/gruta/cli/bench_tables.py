"""The tables of `gruta bench` in the terminal."""

from collections.abc import Iterable, Sequence
from itertools import groupby
from typing import TYPE_CHECKING

from rich import box
from rich.console import Console
from rich.table import Table
from rich.text import Text

from gruta.bench.cases import Goal
from gruta.bench.limits import ARITHMETIC
from gruta.bench.names import (
    duration,
    job_name,
    limit_name,
    megabytes,
    regime_name,
    rival_name,
    significant,
    sizes,
    threads_name,
)
from gruta.bench.results import Outcome, Report, Row
from gruta.bench.rivals import GRUTA, OF_STREAMS
from gruta.cli.console import console
from gruta.locale import translate as _
from gruta.locale.numbers import MISSING, exponential, number, percent

if TYPE_CHECKING:
    from gruta.bench.accuracy import Accuracy
    from gruta.bench.demo import Training
    from gruta.bench.health import Overhead
    from gruta.bench.modules import Ratio
    from gruta.bench.options import Cost
    from gruta.bench.rows import Peak
    from gruta.bench.streams import Steps
    from gruta.bench.text import Rate
    from gruta.serve.load.beside import Found


def print_report(report: Report) -> None:
    """The machine, a table of times and one of goals for each cell and number of threads."""
    out = console()
    _print_machine(out, report)
    for (cell, threads), group in groupby(report.rows, lambda row: (row.case.cell, row.threads)):
        rows = list(group)
        title = f"{cell.upper()}, {threads_name(threads)}"
        out.print(_times(title, rows))
        out.print(_goals(title, rows))
    _print_notes(out, report)


def print_accuracies(found: "Sequence[Accuracy]") -> None:
    """A row a cell and dtype, the errors of outputs and gradients by length."""
    lengths = list(dict.fromkeys(one.T for one in found))
    table = table_of(_("largest error of outputs / of gradients, over the largest true value"))
    for T in lengths:
        table.add_column(f"T={T}", justify="right")
    for cell, dtype in dict.fromkeys((one.cell, one.dtype) for one in found):
        own = (one.errors for one in found if (one.cell, one.dtype) == (cell, dtype))
        table.add_row(f"{cell.upper()} {dtype}", *own)
    console().print(table)


def print_costs(found: "Sequence[Cost]") -> None:
    """A row an option, a column a cell and size."""
    table = table_of(_("time with an option over time without it, inference / training"))
    places = list(dict.fromkeys((one.cell, one.H) for one in found))
    for cell, H in places:
        table.add_column(f"{cell.upper()} H{H}", justify="right")
    for option in dict.fromkeys(one.option for one in found):
        own = {(one.cell, one.H): one.ratios for one in found if one.option == option}
        table.add_row(option, *(own[place] for place in places))
    console().print(table)


def print_streams(found: "Sequence[Steps]") -> None:
    """A table a size, a row a contestant; how many times its median our step takes."""
    for _key, group in groupby(found, lambda o: (o.cell, o.H, o.T, o.layers, o.directions)):
        rows = list(group)
        title = _streams_title(rows[0])
        table = table_of(title.format(cell=rows[0].cell.upper(), units=rows[0].H, steps=rows[0].T))
        heads = ("50%", "95%", "99%", _("times ours"), _("streams a core"), _("bytes a stream"))
        for head in (*heads, _("error")):
            table.add_column(head, justify="right")
        ours = next((one.p50 for one in rows if one.name == GRUTA), None)
        for one in rows:
            title = OF_STREAMS[one.name].title
            title = title if one.variant == "float32" else f"{title}, {one.variant}"
            times = (MISSING if t is None else duration(t) for t in (one.p50, one.p95, one.p99))
            ratio = None if ours is None or one.p50 is None else one.p50 / ours
            table.add_row(
                title,
                *times,
                MISSING if ratio is None else f"{significant(ratio)}×",
                number(one.streams),
                number(one.state),
                MISSING if one.error is None else exponential(one.error, 1),
            )
        console().print(table)
    out = console()
    out.print(_("streams a core: a frame each every 10 ms, by the mean of all steps"))
    if any(one.cell == "gru" for one in found):
        out.print(
            _("ONNX Runtime quantises no GRU: its int8 is one written out as products of matrices")
        )
    out.print(_("int8: products of whole numbers, which the error tells; gruta rounds as it goes"))
    for note in dict.fromkeys(f"{one.name}: {one.note}" for one in found if one.note):
        out.print(note)


def _streams_title(one: "Steps") -> str:
    if one.T == 1:
        return _("{cell} of {units} units, a step")
    if one.layers > 1:
        return _("{cell} of two layers of {units} units, a step of a sequence of {steps}")
    if one.directions > 1:
        return _("{cell} of {units} units in both directions, a step of a sequence of {steps}")
    return _("{cell} of {units} units, a step of a sequence of {steps}")


def print_modules(found: "Sequence[Ratio]") -> None:
    """A row a cell, way and size."""
    table = table_of(_("how many times as fast as torch.nn, and the time over that in float32"))
    for name in ("gruta.nn", "torch.nn", "float32"):
        table.add_column(name, justify="right")
    for one in found:
        name = f"{one.cell.upper()} {job_name(one.job)} B{one.B} I{one.I} H{one.H}"
        ratios = (MISSING if r is None else f"{significant(r)}×" for r in (one.torch, one.float32))
        table.add_row(name, duration(one.seconds), *ratios)
    console().print(table)


def print_overheads(found: "Sequence[Overhead]") -> None:
    """A row a cell, library and size."""
    table = table_of(_("what watching every 50 steps adds, and clipping beyond torch's"))
    for name in (_("step"), _("watch"), _("clip")):
        table.add_column(name, justify="right")
    for one in found:
        name = f"{one.cell.upper()} {one.library} H{one.H}"
        table.add_row(name, duration(one.step), percent(one.watch, 2), percent(one.clip, 2))
    console().print(table)


def print_trainings(found: "Sequence[Training]") -> None:
    """A row a job and cell: seconds, their ratio, and scores."""
    table = table_of(_("gruta / torch.nn"))
    for name in (_("training"), _("times as fast"), "sMAPE"):
        table.add_column(name, justify="right")
    for one in found:
        ratio = f"{significant(one.ratio)}×"
        table.add_row(f"{one.cell.upper()} {one.job}", one.times, ratio, one.scores)
    console().print(table)


def print_rates(found: "Sequence[Rate]") -> None:
    """A row a cell and way: characters a second, and their ratio."""
    names = {
        "training": _("training"),
        "writing": _("writing, one stream"),
        "writing_in_16_bits": _("writing, one stream, weights in 16 bits"),
        "training_by_words": _("training, 30,000 words"),
        "training_by_sampled_words": _("training, 30,000 words, sampled softmax"),
        "writing_together": _("writing, 32 streams side by side"),
    }
    table = table_of(_("characters or words a second"))
    for name in ("gruta", "torch.nn", _("times as fast")):
        table.add_column(name, justify="right")
    for one in found:
        row = f"{one.cell.upper()}, {names[one.what]}, {threads_name(one.threads)}"
        own, theirs = number(one.units, 0), number(one.torch_units, 0)
        table.add_row(row, own, theirs, f"{significant(one.ratio)}×")
    console().print(table)


def print_peaks(found: "Sequence[Peak]") -> None:
    """A row a stage: the memory, as a multiple of the data too, and seconds."""
    stages = {"read": _("reading"), "train": _("reading and training one step")}
    table = table_of(_("{rows} rows").format(rows=number(found[0].rows)))
    for name in (_("memory"), _("times the data"), _("seconds")):
        table.add_column(name, justify="right")
    for one in found:
        size, seconds = megabytes(one.size), number(one.seconds, 0)
        table.add_row(stages[one.stage], size, significant(one.times), seconds)
    console().print(table)


def print_served(found: "Sequence[Found]") -> None:
    """A row a size and side: streams in time, and what a step takes of a processor."""
    table = table_of(_("streams that were answered in time"))
    for name in ("H", _("computed by"), _("streams"), _("99 % in, ms"), _("µs a step")):
        table.add_column(name, justify="right")
    for one in found:
        table.add_row(
            str(one.hidden),
            rival_name(one.side),
            number(one.streams),
            significant(one.p99),
            number(one.microseconds, 0),
        )
    console().print(table)


def _print_machine(console: Console, report: Report) -> None:
    machine = report.machine
    lines = [
        _("{cpu}, cores: {cores}, {isa}, {system}").format(
            cpu=machine["cpu"],
            cores=machine["cores"],
            isa=machine["instruction set"] or _("no compiled kernels"),
            system=machine["system"],
        ),
        ", ".join(f"{rival_name(n)} {a.get('version', '?')}" for n, a in report.about.items()),
    ]
    for threads, rates in report.limits.items():
        values = (
            f"{limit_name(kind)} {significant(rate / 1e9)} "
            + ("GFLOP/s" if kind == ARITHMETIC else "GB/s")
            for kind, rate in rates.items()
        )
        lines.append(f"{threads_name(threads)}: {', '.join(values)}")
    for line in lines:
        console.print(line, markup=False, highlight=False)


def _times(title: str, rows: Sequence[Row]) -> Table:
    """A row a case: the time of a call, and under it GFLOP/s."""
    rivals = list(dict.fromkeys(o.rival for row in rows for o in row.outcomes))
    table = table_of(_("{title}: time of a call, and GFLOP/s").format(title=title))
    for rival in rivals:
        table.add_column(rival_name(rival), justify="right")
    for row, heading in _with_headings(rows):
        if heading:
            table.add_row(heading)
        mark = "~" if row.disturbed else ""
        table.add_row(sizes(row.case) + mark, *(_cell(row, rival) for rival in rivals))
    return table


def _cell(row: Row, rival: str) -> str:
    outcome = row.of(rival)
    if outcome is None:
        return MISSING
    if row.case.regime == "memory":
        peaks = [o for o in row.outcomes if o.rival == rival]
        return "\n".join(megabytes(o.peak) if o.peak else _problem(o) for o in peaks)
    if outcome.timing is None:
        return _problem(outcome)
    return f"{duration(outcome.timing.seconds)}\n{significant(row.gflops(outcome) or 0)}"


def _problem(outcome: Outcome) -> str:
    if outcome.parity is not None and not outcome.parity.passed:
        return _("parity failed") + f"\n{exponential(outcome.parity.error)}"
    return _("failed")


def _goals(title: str, rows: Sequence[Row]) -> Table:
    """A row a case: ratios and share of the limit, what is asked of each, and the verdict."""
    table = table_of(_("{title}: how many times as fast (and the goal)").format(title=title))
    for name in ("torch.nn", _("best other"), _("of the limit"), _("goal")):
        table.add_column(name, justify="right")
    for row, heading in _with_headings(rows):
        if heading:
            table.add_row(heading)
        table.add_row(sizes(row.case), *_ratios(row), _met(row))
    return table


def _ratios(row: Row) -> tuple[str, str, str]:
    verdict, goal = row.verdict, row.verdict.goal
    if row.case.regime == "memory":
        names = {
            "memory": _("gates kept"),
            "memory_halved": _("in 16 bits"),
            "memory_rebuilt": _("rebuilt"),
        }
        found = [_asked(getattr(verdict, part), getattr(goal, part), "≤") for part in names]
        return "\n".join(found), "\n".join(names.values()), MISSING
    other = _asked(verdict.other, goal.other)
    if verdict.other is not None:
        other += f"\n{rival_name(verdict.best_other)}"
    share = percent(verdict.share)
    if goal.share is not None:
        share += f" ({percent(goal.share)})"
    return _asked(verdict.torch, goal.torch), other, f"{share}\n{_ceiling(row, goal)}"


def _ceiling(row: Row, goal: Goal) -> str:
    if goal.seconds is not None:
        return f"≤ {duration(goal.seconds)}"
    return limit_name(row.limit_kind)


def _asked(ratio: float | None, goal: float | None, sign: str = "") -> str:
    shown = MISSING if ratio is None else f"{significant(ratio)}×"
    return shown if goal is None else f"{shown} ({sign}{significant(goal, 2)}×)"


def _met(row: Row) -> str:
    met = row.verdict.met
    return MISSING if met is None else _("met") if met else _("missed")


def _print_notes(console: Console, report: Report) -> None:
    judged = [row.verdict.met for row in report.rows if row.verdict.met is not None]
    notes = [_("Goals met: {met} of {judged}.").format(met=sum(judged), judged=len(judged))]
    notes.append(
        _(
            "Limit: from three rows on the FMA peak, else the weights that each step reads again, "
            "a product and a sum each. A ratio counts as met from 85% of the limit on."
        )
    )
    if any(row.disturbed for row in report.rows):
        notes.append(_("~ Others took the cores meanwhile: measure again on an idle machine."))
    notes += list(dict.fromkeys(_problems(report.rows)))
    for note in notes:
        console.print(note, markup=False, highlight=False)


def _problems(rows: Iterable[Row]) -> Iterable[str]:
    for row in rows:
        for o in row.outcomes:
            if o.problem:
                who = f"{rival_name(o.rival)} {o.variant}".strip()
                what = f"{row.case.cell.upper()}, {regime_name(row.case.regime)}"
                yield f"{who}, {what}, {sizes(row.case)}: {o.problem}"


def _with_headings(rows: Sequence[Row]) -> Iterable[tuple[Row, Text | None]]:
    """Each row, the first of a regime with its heading."""
    last = ""
    for row in rows:
        new = row.case.regime != last
        last = row.case.regime
        yield row, Text(regime_name(row.case.regime), style="bold") if new else None


def table_of(title: str, *heads: str) -> Table:
    """A bench's, whose first column says of what its rows are; numbers stand to the right."""
    table = Table(title=title, box=box.SIMPLE, collapse_padding=True, pad_edge=False)
    table.add_column("", min_width=18)
    for name in heads:
        table.add_column(name, justify="right")
    return table
