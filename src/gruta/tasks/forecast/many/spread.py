"""All of it: plan, what is there, the rest, and what is told of it."""

import hashlib
import json
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import gruta
from gruta import locale
from gruta.codec.series.codec import ForecastCodec
from gruta.cores import cores
from gruta.errors import InputError
from gruta.extras import need
from gruta.locale import translate as _
from gruta.locale.numbers import number
from gruta.report.page import Column, Table, Value
from gruta.resident import peak
from gruta.runs import Run
from gruta.settings import resolve
from gruta.tasks.forecast.forecasts import require_reach
from gruta.tasks.forecast.many.files import Place, files_of, whole_path
from gruta.tasks.forecast.many.options import SpreadOptions
from gruta.tasks.forecast.many.outputs import (
    MANIFEST,
    Before,
    Manifest,
    found_before,
    kept_alone,
)
from gruta.tasks.forecast.many.parts import Part, Plan, planned
from gruta.tasks.forecast.many.work import Done, Found, Question
from gruta.tasks.trained import FILES, Trained


@dataclass(frozen=True)
class Standing:
    """How far it is: parts and rows that are done with, of how many; those of `now` since this
    process began, so many seconds ago; series that are forecast.
    """

    parts: int
    of: int
    rows: int
    all_rows: int
    rows_now: int
    series_now: int
    seconds: float

    @property
    def rate(self) -> float:
        """Series a second."""
        return self.series_now / max(self.seconds, 1e-9)

    @property
    def left(self) -> float:
        """Seconds until all is done, if it goes on as it has."""
        return (self.all_rows - self.rows) * self.seconds / max(self.rows_now, 1)


Watch = Callable[[Standing], None]


@dataclass(frozen=True)
class Spread:
    """What became of all parts.

    before: how many were there already; changed: of how many the file had changed. problems: by
    part or file. absent: series of the training that are not there. series_now, busy, cpu: how
    many were forecast by this call, the seconds of all processes that this took, and of these the
    processors'. peak, own_peak: bytes of the largest of them, and of this one.
    """

    place: str
    plan: Plan
    found: Mapping[Part, Found]
    before: int
    changed: int
    problems: Mapping[str, str]
    absent: int
    seconds: float
    series_now: int
    busy: float
    cpu: float
    workers: int | None
    on: str
    peak: int
    own_peak: int

    @property
    def tables(self) -> Sequence[Table]:
        """Counts of all."""
        columns = [Column(""), Column(_("count"), 0)]
        return [Table(columns, [[name, count] for name, count in self._counts() if count])]

    def _counts(self) -> Iterator[tuple[str, Value]]:
        found = self.found.values()
        yield _("parts"), len(self.plan.parts) + len(self.plan.broken)
        yield _("parts that were there already"), self.before
        yield _("parts whose file had changed, done again"), self.changed
        yield _("parts that failed"), len(self.problems)
        yield _("series that are forecast"), sum(one.series for one in found)
        yield _("series that training did not see"), sum(one.unseen for one in found)
        yield _("series of the training that are not there"), self.absent
        yield _("series left out, of too few rows"), sum(one.left_out for one in found)
        yield _("rows"), sum(one.rows for one in found)
        yield from self.repairs.items()

    @property
    def repairs(self) -> Mapping[str, int]:
        """How often what was mended."""
        counts: dict[str, int] = {}
        for one in self.found.values():
            for kind, count in one.repairs.items():
                counts[kind] = counts.get(kind, 0) + count
        return counts

    @property
    def words(self) -> Sequence[str]:
        """Said below the table."""
        told = _("{rate} series a second in {seconds} seconds. Forecasts and {manifest}: {path}")
        rate = number(self.series_now / max(self.seconds, 1e-9), 1)
        seconds = number(self.seconds, 1)
        path = self.place
        return [told.format(rate=rate, seconds=seconds, manifest=MANIFEST, path=path)]

    def to_json(self) -> dict[str, Any]:
        """For a program."""
        found = self.found.values()
        left = [name for one in found for name in one.left]
        return {
            "out": self.place,
            "manifest": MANIFEST,
            "parts": len(self.plan.parts) + len(self.plan.broken),
            "before": self.before,
            "changed": self.changed,
            "failed": [{"what": what, "problem": told} for what, told in self.problems.items()],
            "series": sum(one.series for one in found),
            "unseen": sum(one.unseen for one in found),
            "absent": self.absent,
            "left_out": {"count": sum(one.left_out for one in found), "first": left[:20]},
            "rows": sum(one.rows for one in found),
            "repairs": dict(self.repairs),
            "on": self.on,
            "workers": self.workers,
            "seconds": round(self.seconds, 3),
            "busy_seconds": round(self.busy, 3),
            "cpu_seconds": round(self.cpu, 3),
            "series_now": self.series_now,
            "series_per_second": round(self.series_now / max(self.seconds, 1e-9), 3),
            "peak_bytes": self.peak,
            "own_peak_bytes": self.own_peak,
        }


def spread(
    run: Path,
    source: str,
    out: str,
    options: SpreadOptions,
    question: Question,
    watch: Watch = lambda standing: None,
) -> Spread:
    """Forecast all series of the Parquet files that `source` names, a file of output for each part.

    What an earlier call left in `out` with the same run, question and files is not done again.
    InputError for what concerns all of it; what is wrong with a part is in `Spread.problems`.
    """
    from gruta.tasks.forecast.task import TASK

    if options.on:
        need(options.on)
    start = time.monotonic()
    question = replace(question, leave_out=options.short == "leave-out", language=locale.language())
    trained = Trained.load(run, TASK)
    _require_long(trained, run)
    require_reach(trained, question.horizon)
    resolve(TASK.settings, trained.settings.model_dump() | dict(question.how))
    columns = trained.codec.encoding.columns
    plan = planned(files_of(source, out), columns.series, options.part_rows)
    place, asked = Place(out), _fingerprint(run, question)
    with kept_alone(place):
        whence = whole_path(source)
        before = found_before(place, plan, whence, asked)
        plan = replace(plan, broken=_with_kept(plan.broken, before))
        manifest = Manifest(place, plan, {"run": str(run), "source": whence, "asked": asked})
        manifest.before(before)
        manifest.write()
        todo = [part for part in plan.parts if part not in before.found]
        done = _Told(plan, before.found, start, watch)
        for one in _engine(options)(todo, (run.resolve(), question, asked, place)):
            manifest.add(one)
            done.add(one)
        manifest.write()
    known = sum(one.series - one.unseen for one in done.found.values())
    whole = not done.problems and not any(one.left_out for one in done.found.values())
    return Spread(
        place=out,
        plan=plan,
        found=done.found,
        before=len(before.found),
        changed=before.changed,
        problems=done.problems,
        absent=len(trained.codec.encoding.ids) - known if whole else 0,
        seconds=time.monotonic() - start,
        series_now=done.series,
        busy=done.busy,
        cpu=done.cpu,
        workers=options.workers or (None if options.on else cores()),
        on=options.on or "here",
        peak=done.peak,
        own_peak=peak(),
    )


class _Told:
    """What has been done, told as it comes."""

    def __init__(self, plan: Plan, before: Mapping[Part, Found], start: float, watch: Watch):
        self.found, self.problems = dict(before), dict(plan.broken)
        self.series, self.busy, self.cpu, self.peak, self._rows = 0, 0.0, 0.0, 0, 0
        self._plan, self._start, self._watch = plan, start, watch
        self._done = sum(part.rows for part in before)
        self._all = sum(part.rows for part in plan.parts)

    def add(self, done: Done) -> None:
        """A part more."""
        if done.found is None:
            self.problems[done.part.label] = done.problem
        else:
            self.found[done.part] = done.found
            self.series += done.found.series
        self.busy += done.seconds
        self.cpu += done.cpu
        self.peak = max(self.peak, done.peak)
        self._rows += done.part.rows
        self._watch(
            Standing(
                parts=len(self.found) + len(self.problems),
                of=len(self._plan.parts) + len(self._plan.broken),
                rows=self._done + self._rows,
                all_rows=self._all,
                rows_now=self._rows,
                series_now=self.series,
                seconds=time.monotonic() - self._start,
            )
        )


def _engine(options: SpreadOptions) -> Callable[..., Iterator[Done]]:
    if options.on == "ray":
        from gruta.tasks.forecast.many.on_ray import done_on_ray

        return lambda parts, start: done_on_ray(parts, start, options.workers)
    from gruta.tasks.forecast.many.here import done_here

    workers = options.workers or cores()
    return lambda parts, start: done_here(parts, start, min(workers, max(len(parts), 1)))


def _with_kept(broken: Mapping[str, str], before: Before) -> dict[str, str]:
    """Problems with files, and what is still there of their forecasts."""
    told = dict(broken)
    for path, lines in before.kept.items():
        names = ", ".join(str(line["output"]) for line in lines)
        kept = _("{problem}; the forecasts that are there of it, {names}, are kept")
        told[path] = kept.format(problem=told[path], names=names)
    return told


def _require_long(trained: Trained[ForecastCodec], run: Path) -> None:
    """InputError unless the run's series are in long form, and each forecast for itself."""
    columns, problem = trained.codec.encoding.columns, ""
    if columns.wide or not columns.series:
        problem = _(
            "{run}: expected a run of many series in long form, with a column that names them; "
            "give it one file"
        )
    elif columns.parent:
        problem = _(
            "{run}: its series sum up, so all of them are forecast together; give it one file"
        )
    if problem:
        raise InputError(problem.format(run=run))


def _fingerprint(run: Path, question: Question) -> str:
    """Of all that the answer to a part depends on besides the part."""
    digest, home = hashlib.sha256(), Run(run)
    for name in FILES:
        if home.has(name):
            digest.update(name.encode() + home.read(name))
    digest.update(json.dumps([gruta.__version__, question.told()], default=str).encode())
    return digest.hexdigest()
