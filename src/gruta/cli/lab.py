"""`gruta lab`: a page on this machine that shows how a trained network works."""

import sys
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from gruta.cli.commands import Commands
from gruta.errors import InputError
from gruta.extras import need
from gruta.locale import language
from gruta.locale import translate as _

if TYPE_CHECKING:
    from gruta.lab.bundle import Bundle
    from gruta.lab.shelf import Shelf

lab_app = Commands()
RUNS = Path("runs")


@lab_app.command(
    help=_(
        "Open a page on this machine that shows a trained network at work: its gates step by step, "
        "its gradient, its memory, a training as it goes on. Without RUN it shows what lies in "
        "runs/, and models of its own."
    )
)
def lab(
    places: Annotated[
        list[Path] | None,
        typer.Argument(
            metavar="RUN",
            help=_("Runs, folders that hold some, or state dicts of torch.nn (.safetensors)."),
            show_default="runs",
        ),
    ] = None,
    export: Annotated[
        Path | None,
        typer.Option(
            help=_("Write the page and these models into one file, which needs no server."),
            show_default=_("none"),
        ),
    ] = None,
    make: Annotated[
        bool, typer.Option("--make", help=_("Make the page's own models, and open nothing."))
    ] = False,
    host: Annotated[
        str, typer.Option(help=_("Address to listen at; others than this machine's are for all."))
    ] = "127.0.0.1",
    port: Annotated[
        int, typer.Option(min=0, max=65_535, help=_("Port to listen at; 0: one that is free."))
    ] = 0,
    open_: Annotated[
        bool, typer.Option("--open/--no-open", help=_("Open the page in the browser."))
    ] = True,
    start: Annotated[
        bool,
        typer.Option(
            "--start/--no-start", help=_("Let the page start, stop and go on with trainings.")
        ),
    ] = True,
) -> None:
    """Open the page, or write it into a file."""
    from gruta.lab.made import MADE
    from gruta.lab.shelf import Shelf

    chosen = list(places or [])
    if export is not None and make:
        raise InputError(_("--export and --make: give one or the other"))
    if make:
        _make(*MADE)
        return
    if export is not None:
        _export(export, Shelf(chosen), chosen=bool(chosen))
        return
    need("starlette", "uvicorn", "websockets")
    from gruta.lab.lab import Lab
    from gruta.lab.server import serve

    folder = next((one for one in chosen if _holds_runs(one)), RUNS)
    found = Lab.of(chosen, folder, start)
    if not start and not any(one["ready"] for one in found.models()):
        told = _("No model is there yet, and this page makes none; see gruta lab --make")
        print(told, file=sys.stderr)
    serve(found, host, port, lambda told: print(told, flush=True), browse=open_)


def _holds_runs(place: Path) -> bool:
    return place.is_dir() and not (place / "run.json").is_file()


def _own() -> str:
    """The character model in the reader's language."""
    return "portuguese" if language() == "pt_BR" else "english"


def _make(*names: str) -> None:
    from gruta.cli.progress import progress, stoppable
    from gruta.lab.made import MADE

    with stoppable("gruta lab --make"):
        for name in names:
            recipe = MADE[name]
            if not recipe.ready:
                print(_("Making, once: {model}").format(model=recipe.title()), flush=True)
                recipe.ensure(progress)


def _export(path: Path, shelf: "Shelf", *, chosen: bool) -> None:
    """The models on the shelf or, where none was chosen, the page's own that show most."""
    from gruta.lab.made import FACTS, MADE
    from gruta.lab.page import export, index, require_place

    index()
    require_place(path)
    names = [one["id"] for one in shelf.listed() if not one["made"]]
    if chosen and not names:
        raise InputError(_("--export: no run that is finished lies there"))
    if not chosen:
        _make(_own(), FACTS)
        names = [name for recipe in (_own(), FACTS) for name in MADE[recipe].runs]
    bundles: list[Bundle] = [shelf.bundle(name) for name in names]
    export(path, bundles)
    print(_("Open the page: {path}").format(path=path))
