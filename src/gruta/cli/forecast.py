"""`gruta train forecast`, `gruta evaluate`, `gruta predict`."""

import io
import json
import shlex
import sys
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from gruta.cli.commands import Commands
from gruta.cli.options import with_settings
from gruta.errors import InputError
from gruta.locale import translate as _
from gruta.settings import ForecastSettings

if TYPE_CHECKING:
    import polars as pl

    from gruta.tasks.forecast.evaluation import Evaluation

train_app = Commands(no_args_is_help=True)
evaluate_app = Commands()
predict_app = Commands()

File = Annotated[
    Path, typer.Argument(metavar="FILE", help=_("CSV or Parquet file."), show_default=False)
]
RunPath = Annotated[
    Path, typer.Argument(metavar="RUN", help=_("Directory of a run."), show_default=False)
]
Json = Annotated[bool, typer.Option("--json", help=_("Print JSON, for programs."))]


@train_app.callback(help=_("Train a model on a file; each task is a command."))
def tasks() -> None:
    """Keep `forecast` a command of its own, though it is the only one yet."""


@train_app.command(
    "forecast",
    help=_(
        "Train a forecaster on FILE: a row a time step, stamps in even steps. The end of the file "
        "is held out, forecast, and scored beside naive, seasonal naive and linear forecasts."
    ),
)
@with_settings(ForecastSettings)
def train_forecast(
    file: File,
    run: Annotated[
        Path | None,
        typer.Option(
            help=_("Directory of the run."), show_default=_("runs/, the file's name, the cell")
        ),
    ] = None,
    resume: Annotated[
        bool, typer.Option("--resume", help=_("Go on with the run where it stopped."))
    ] = False,
    profile: Annotated[
        bool, typer.Option("--profile", help=_("Show where the training time went."))
    ] = False,
    as_json: Json = False,
    *,
    given: dict[str, Any],
) -> None:
    """Train, score what was held out, and write the report."""
    from gruta.cli.progress import progress, stoppable
    from gruta.cli.tables import print_profile
    from gruta.runs import METRICS, Run, read_metrics
    from gruta.tasks.forecast.estimator import TASK, Forecaster, settings_of
    from gruta.tasks.forecast.report import write_report

    cell = given.get("cell", ForecastSettings.model_fields["cell"].default)
    directory = run or Path("runs", f"{file.stem}-{cell}")
    earlier = settings_of(Run.open(directory, TASK)).model_dump() if resume else {}
    forecaster = Forecaster(**earlier | given)
    again = ["gruta", "train", "forecast", str(file), "--run", str(directory), "--resume"]
    with (
        stoppable(shlex.join(again)),
        progress(directory.name, forecaster.settings.steps) as shown,
    ):
        forecaster.fit(file, run=directory, resume=resume, progress=shown)
    result: dict[str, Any] = {"run": str(directory)}
    if profile and as_json:
        result["profile"] = forecaster.stopwatch_.seconds
    elif profile:
        print_profile(directory.name, forecaster.stopwatch_.seconds)
    if forecaster.settings.test_share:
        evaluation = forecaster.evaluate(file, stride=forecaster.settings.horizon)
        metrics = read_metrics(directory / METRICS)
        report = write_report(directory, evaluation, metrics, forecaster.settings)
        result |= _scores(evaluation) | {"report": str(report)}
        if not as_json:
            _show(evaluation)
            print(_("Report: {path}").format(path=report))
    if as_json:
        print(json.dumps(result))
    else:
        print(_("Run: {path}").format(path=directory))


@evaluate_app.command(help=_("Score a trained run on a file, beside the simple baselines."))
def evaluate(
    run: RunPath,
    file: File,
    start: Annotated[
        str | None,
        typer.Option(
            "--from",
            metavar="STAMP",
            help=_("First stamp to forecast."),
            show_default=_("the first that training did not see"),
        ),
    ] = None,
    stride: Annotated[
        int | None,
        typer.Option(help=_("Rows from one forecast to the next."), show_default=_("the horizon")),
    ] = None,
    as_json: Json = False,
) -> None:
    """Score a trained run on a file."""
    from gruta.tasks.forecast import Forecaster

    forecaster = Forecaster.load(run)
    stride = forecaster.settings.horizon if stride is None else stride
    evaluation = forecaster.evaluate(file, start=start, stride=stride)
    if as_json:
        print(json.dumps(_scores(evaluation)))
        return
    _show(evaluation)
    if evaluation.times[0, 0] <= forecaster.trained_.until:
        print(_("Some of these values were seen in training."))


@predict_app.command(help=_("Forecast the steps after a file's last row with a target."))
def predict(
    run: RunPath,
    file: File,
    out: Annotated[
        Path | None,
        typer.Option(help=_("CSV or Parquet file to write."), show_default=_("standard output")),
    ] = None,
    as_json: Json = False,
) -> None:
    """Forecast the steps after a file's last row."""
    from gruta.files import write_atomically
    from gruta.tasks.forecast import Forecaster

    kind = ".json" if as_json else ".csv" if out is None else out.suffix
    if kind not in (".csv", ".parquet", ".json"):
        raise InputError(f"--out: expected a file that ends in .csv or .parquet, got {out}")
    if out is not None and not out.parent.is_dir():
        raise InputError(f"--out: {out.parent}: expected a directory to write {out.name} into")
    content = _as_bytes(Forecaster.load(run).predict(file), kind)
    if out is None:
        print(content.decode(), end="")
    else:
        write_atomically(out, content)
        print(_("Wrote {path}").format(path=out), file=sys.stderr)


def _as_bytes(forecast: "pl.DataFrame", kind: str) -> bytes:
    """The forecast as a file of this kind; stamps in whole seconds where they are."""
    buffer = io.BytesIO()
    if kind == ".parquet":
        forecast.write_parquet(buffer)
    elif kind == ".json":
        forecast.write_json(buffer)
        buffer.write(b"\n")
    else:
        forecast.write_csv(buffer, datetime_format="%Y-%m-%dT%H:%M:%S%.f")
    return buffer.getvalue()


def _scores(evaluation: "Evaluation") -> dict[str, Any]:
    scores = [asdict(s) for s in evaluation.scores]
    return {"scores": scores, "lost_to": evaluation.lost_to}


def _show(evaluation: "Evaluation") -> None:
    from gruta.cli.tables import print_scores, print_verdict

    print_scores(evaluation.scores)
    count, steps = evaluation.truth.shape
    print(_("{count} forecasts of {steps} steps").format(count=count, steps=steps))
    print_verdict(evaluation)
