"""The commands, put together, and what happens to errors that they raise."""

import errno
import sys
from typing import Annotated

import typer

from gruta import locale
from gruta.cli import demo, forecast
from gruta.errors import InputError
from gruta.locale import translate as _

app = typer.Typer(
    name="gruta",
    no_args_is_help=True,
    pretty_exceptions_enable=False,
    add_completion=False,
    help=_("Gated recurrent networks: trained, seen from inside, and put to work."),
)
app.add_typer(forecast.train_app, name="train")
app.command("evaluate", help=_("Score a trained run on a file, beside the simple baselines."))(
    forecast.evaluate
)
app.command("predict", help=_("Forecast the steps after a file's last row."))(forecast.predict)
app.command(
    "demo", help=_("Train and compare GRU, LSTM and RNN on real half-hourly electricity demand.")
)(demo.demo)


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
    """Options before the command's name."""


def run() -> int:
    """Run the command line; the exit status: 2 for what a person can mend, 130 for an interrupt."""
    try:
        app()
    except InputError as error:
        return _fail(str(error))
    except OSError as error:
        if error.errno not in (errno.ENOSPC, errno.EDQUOT, errno.EACCES, errno.EROFS):
            raise
        where = error.filename or _("a file")
        return _fail(
            _("{path}: cannot be written: {reason}").format(path=where, reason=error.strerror)
        )
    return 0


def _fail(message: str) -> int:
    print(f"gruta: {message}", file=sys.stderr)
    return 2
