"""The commands by name, and what happens to errors that they raise."""

import os
import sys
from importlib import import_module
from typing import Annotated, Any

import typer
from typer.core import TyperCommand

from gruta import locale
from gruta.cli.commands import Commands, Group
from gruta.errors import InputError, RankLost
from gruta.locale import translate as _

HOMES = {
    "train": "train",
    "tune": "tune",
    "evaluate": "verbs",
    "predict": "verbs",
    "generate": "generate",
    "score": "own",
    "translate": "own",
    "transcribe": "transcribe",
    "speak": "speak",
    "caption": "caption",
    "inspect": "inspect",
    "explain": "explain",
    "backtest": "own",
    "update": "own",
    "export": "export",
    "serve": "serve",
    "runs": "runs",
    "lab": "lab",
    "doctor": "doctor",
    "study": "study",
    "demo": "demo",
    "bench": "bench",
}
"""The module of each command; it has a Typer app of the command's name."""


def _summaries() -> dict[str, str]:
    return {
        "train": _("Train a model on a file; each task is a command."),
        "tune": _("Find settings by trials; each task is a command."),
        "evaluate": _("Score a trained run on a file, beside the simple baselines."),
        "predict": _("Ask a trained run: what follows, or what something is."),
        "generate": _("Let a trained run make something new: text, shown as it is written."),
        "score": _("Tell how likely a trained language model finds a text, and what surprised it."),
        "translate": _("Translate texts, a file of them, or the lines of the standard input."),
        "transcribe": _(
            "Write down what is said in sound files, as captions too, or as a microphone hears it."
        ),
        "speak": _("Say a text as a sound file, by a speaker's run and a vocoder's."),
        "caption": _("Say what pictures and clips show; for clips as subtitles too."),
        "inspect": _("Look inside a trained network: gates, gradients, memory, advice."),
        "explain": _("Take one forecast apart: what each input adds, how far back, what changed."),
        "backtest": _(
            "Forecast the end of a series from several cuts, trained before each or not."
        ),
        "update": _("Train on from a finished run with new rows, and tell what has changed."),
        "export": _("Write a trained run as one file, to be asked without PyTorch."),
        "serve": _("Answer for model files over HTTP, and for streams over WebSockets."),
        "runs": _("List runs with their scores, and the settings in which they differ."),
        "lab": _("Open a page that shows a trained network at work, step by step."),
        "doctor": _("Tell what recurrent layers a model file holds, and who computes it right."),
        "study": _("See what the textbook says: trained, measured, drawn and explained."),
        "demo": _("Train and compare GRU, LSTM and RNN on real half-hourly electricity demand."),
        "bench": _("Measure gruta beside other libraries, on this machine."),
    }


class LazyGroup(Group):
    """Imports a command's module when it is called, not to list it in the help."""

    def __init__(self, **settings: Any) -> None:
        super().__init__(**settings)
        self.commands = {name: TyperCommand(name, help=h) for name, h in _summaries().items()}

    def resolve_command(self, ctx: Any, args: list[str]) -> Any:
        """The command itself, imported, in the place of its stand-in that knows its help."""
        name, stand_in, rest = super().resolve_command(ctx, args)
        if name is None or stand_in is None:
            return name, stand_in, rest
        module = import_module(f"gruta.cli.{HOMES[name]}")
        command = typer.main.get_command(getattr(module, f"{name}_app"))
        command.name, command.help = name, command.help or stand_in.help
        return name, command, rest


app = Commands(
    name="gruta",
    cls=LazyGroup,
    no_args_is_help=True,
    pretty_exceptions_enable=False,
    add_completion=True,
    context_settings={"help_option_names": ["-h", "--help"]},
    help=_("Gated recurrent networks: trained, seen from inside, and put to work."),
)


def _show_version(wanted: bool) -> None:
    if wanted:
        import gruta

        typer.echo(gruta.__version__)
        raise typer.Exit


@app.callback()
def options(
    lang: Annotated[
        str,
        typer.Option(
            "--lang",
            help=_("Language of what is printed: {languages}.").format(
                languages=", ".join(locale.LANGUAGES)
            ),
            show_default=_("from the environment"),
        ),
    ] = "",
    version: Annotated[
        bool,
        typer.Option(
            "--version", callback=_show_version, is_eager=True, help=_("Show the version.")
        ),
    ] = False,
) -> None:
    """Options of no command; the language was chosen before this module's import."""


def run() -> int:
    """Run the command line; the exit status: 2 for what a person can mend, 130 for an interrupt."""
    try:
        return app(prog_name="gruta", standalone_mode=False) or 0
    except InputError as error:
        return _fail(str(error))
    except RankLost as lost:
        if not lost.told:
            _fail(str(lost))
        sys.stdout.flush()
        os._exit(1)  # what connects to the lost process would be waited for
    except typer.TyperException as error:
        return _fail(error.format_message()) if str(error) else error.exit_code
    except OSError as error:
        return _fail(f"{error.filename or _('a file')}: {error.strerror or error}")


def _fail(message: str) -> int:
    print(f"gruta: {message}", file=sys.stderr)
    return 2
