"""`gruta evaluate` and `gruta predict`: of any run, whatever its task."""

import io
import json
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from gruta.cli.commands import Commands
from gruta.cli.options import with_options_of
from gruta.cli.spread import spread
from gruta.errors import InputError
from gruta.locale import translate as _
from gruta.settings import ReadingSettings, resolve
from gruta.tasks import registry
from gruta.tasks.scores import to_json
from gruta.tasks.task import Evaluation, Opened, Records, Spreads, Task

if TYPE_CHECKING:
    import polars as pl

    from gruta.tasks.trained import Trained

evaluate_app = Commands()
predict_app = Commands()

RunPath = Annotated[
    Path, typer.Argument(metavar="RUN", help=_("Directory of a run."), show_default=False)
]
Source = Annotated[
    Path,
    typer.Argument(
        metavar="FILE", help=_("What the run's task reads: a file or a folder."), show_default=False
    ),
]
Json = Annotated[bool, typer.Option("--json", help=_("Print JSON, for programs."))]


@evaluate_app.command(help=_("Score a trained run on a file, beside the simple baselines."))
@with_options_of(registry.all_tasks(), "evaluate")
def evaluate(
    run: RunPath,
    source: Source,
    out: Annotated[
        Path | None,
        typer.Option(
            help=_("CSV or Parquet file to write all forecasts or answers into, beside the truth."),
            show_default=_("none"),
        ),
    ] = None,
    as_json: Json = False,
    *,
    given: dict[str, Any],
) -> None:
    """Score a trained run on a file."""
    from gruta.tasks.trained import Trained

    if out is not None:
        require_writable(out)
    task = registry.task_of(run)
    how = taken(task, "evaluate", given, run)
    trained = Trained.load(run, task)
    found = task.evaluate(trained, opened(trained, source, how, quiet=as_json), **given)
    if out is not None:
        write_frame(found, out)
    if as_json:
        print(json.dumps(to_json(found.scores, found.lost_to)))
    else:
        show(task, found)


@predict_app.command(help=_("Ask a trained run: what follows, or what something is."))
@with_options_of(registry.all_tasks(), "predict", "spread")
def predict(
    run: RunPath,
    source: Annotated[
        str,
        typer.Argument(
            metavar="FILE",
            help=_(
                "What the run's task reads: a file or a folder. Of forecasters also a folder of "
                "Parquet files, a quoted pattern of their names, or an address such as s3://…"
            ),
            show_default=False,
        ),
    ],
    out: Annotated[
        str | None,
        typer.Option(
            metavar="PATH",
            help=_("CSV or Parquet file to write; for a folder of files the directory."),
            show_default=_("standard output"),
        ),
    ] = None,
    as_json: Json = False,
    *,
    given: dict[str, Any],
) -> None:
    """What the network says of the input."""
    from gruta.files import write_atomically
    from gruta.tasks.trained import Trained

    task = registry.task_of(run)
    if isinstance(task, Spreads):
        of_many = given.keys() & task.options.spread.model_fields.keys()
        if of_many or task.names_many(source):
            how = taken(task, "predict", given, run, "spread")
            spread(task, run, source, out, given | {"how": how}, as_json=as_json)
            return
    path = None if out is None else Path(out)
    if path is not None:
        require_writable(path, ".json" if as_json else "")
    kind = ".json" if as_json else ".csv" if path is None else path.suffix
    how = taken(task, "predict", given, run)
    trained = Trained.load(run, task)
    data = opened(trained, Path(source), how, quiet=as_json)
    content = _as_bytes(task.answer(trained, data, **given), kind)
    if path is None:
        print(content.decode(), end="")
    else:
        write_atomically(path, content)
        print(_("Wrote {path}").format(path=path), file=sys.stderr)


def require_writable(out: Path, kind: str = "") -> None:
    """InputError unless it can be the name of a table's file; kind: what is written, whatever the
    name says.
    """
    if (kind or out.suffix) not in (".csv", ".parquet", ".json"):
        problem = _("--out: expected a file that ends in .csv or .parquet, got {path}")
        raise InputError(problem.format(path=out))
    require_directory(out)


def require_directory(out: Path) -> None:
    """InputError unless there is one to write the file of --out into."""
    if not out.parent.is_dir():
        problem = _("--out: {path}: expected a directory to write {name} into")
        raise InputError(problem.format(path=out.parent, name=out.name))


def write_frame(found: Records, out: Path) -> None:
    """The frame as a file; what had to be renamed is told."""
    from gruta.files import write_atomically

    write_atomically(out, _as_bytes(found.frame(), out.suffix))
    for name, own in found.renamed.items():
        text = _("{path}: the column {name} is called {own}, as the data have one of that name")
        print(text.format(path=out, name=name, own=own), file=sys.stderr)
    print(_("Wrote {path}").format(path=out), file=sys.stderr)


def taken(
    task: Task[Any], verb: str, given: dict[str, Any], run: Path, *more: str
) -> dict[str, Any]:
    """The options of `given` that say how the input is read: they are no longer among it.

    InputError where an option is given that is another task's, or of other verbs than this and
    `more`.
    """
    fields = task.settings.model_fields
    how = {name: given.pop(name) for name in ReadingSettings.model_fields if name in given}
    models = [getattr(task.options, one) for one in (verb, *more)]
    known = {*(how.keys() & fields.keys())}.union(*(model.model_fields for model in models))
    for name in (*given, *how):
        if name not in known:
            problem = _(
                "the run {run} is of the task {task}, which has no such option; leave it out"
            )
            raise InputError(**{name: problem.format(run=run, task=task.name)})
    for model in models:
        resolve(model, {name: v for name, v in given.items() if name in model.model_fields})
    return how


def opened(trained: "Trained[Any]", source: Any, how: dict[str, Any], *, quiet: bool) -> Any:
    """The input, read as in training but for what `how` says; what was guessed is told."""
    settings = resolve(trained.task.settings, trained.settings.model_dump() | how)
    data = trained.task.open(source, settings, trained.codec)
    if not quiet:
        tell(source, data)
    return data


def tell(source: Any, data: Opened) -> None:
    """What was found out about a source and mended in it, beside the results."""
    from gruta.cli.console import console
    from gruta.report.terminal import lines
    from gruta.tasks.report import repair_table

    for guess in data.guesses:
        told = guess.told(lambda name: "--" + name.replace("_", "-"))
        print(f"{source}: {told}", file=sys.stderr)
    if data.repairs:
        console(stderr=True).print(lines(repair_table(data.repairs)))


def _as_bytes(answer: "pl.DataFrame", kind: str) -> bytes:
    """The answer as a file of this kind; stamps in whole seconds where they are."""
    buffer = io.BytesIO()
    if kind == ".parquet":
        answer.write_parquet(buffer)
    elif kind == ".json":
        answer.write_json(buffer)
        buffer.write(b"\n")
    else:
        zoned = any(getattr(kind, "time_zone", None) for kind in answer.dtypes)
        stamps = "%Y-%m-%dT%H:%M:%S%.f" + ("%:z" if zoned else "")
        answer.write_csv(buffer, datetime_format=stamps)
    return buffer.getvalue()


def show(task: Task[Any], found: Evaluation, *verdicts: str) -> None:
    """The scores on the terminal, and the verdict; `verdicts` where there are several."""
    from gruta.cli.console import console
    from gruta.report.terminal import lines

    out = console()
    out.print(lines(task.scores(found)))
    print("\n".join(verdicts or [task.verdict(found)]))
    for note in found.notes:
        print(note)
