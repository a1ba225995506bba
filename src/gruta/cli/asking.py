"""Commands that answer texts: arguments, lines of the standard input, or a file's."""

import json
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Annotated, Any

import typer

from gruta.cli.options import with_own_options
from gruta.cli.verbs import Json, RunPath, opened, require_writable, tell, write_frame
from gruta.errors import InputError
from gruta.locale import translate as _
from gruta.settings import ReadingSettings, resolve
from gruta.tasks import registry
from gruta.tasks.commands import Asking

Texts = Annotated[
    list[str] | None,
    typer.Argument(
        metavar="[TEXT]...",
        help=_("Texts, each in quotes; without any, the lines of the standard input."),
        show_default=False,
    ),
]
File = Annotated[
    Path | None,
    typer.Option("--file", help=_("File of texts, in the place of TEXT."), show_default=_("none")),
]
Out = Annotated[
    Path | None,
    typer.Option(help=_("CSV or Parquet file to write."), show_default=_("standard output")),
]


def asking(own: Asking) -> Callable[..., None]:
    """The command."""

    @with_own_options(own)
    def command(
        run: RunPath,
        texts: Texts = None,
        file: File = None,
        out: Out = None,
        as_json: Json = False,
        *,
        given: dict[str, Any],
    ) -> None:
        from gruta.tasks.trained import Trained

        if texts and file is not None:
            raise InputError(_("TEXT and --file: give one or the other"))
        if out is not None:
            require_writable(out)
        registry.require_task(run, own.task)
        reading = {n: given.pop(n) for n in ReadingSettings.model_fields if n in given}
        resolve(own.options, given)
        trained = Trained.load(run, own.task)

        def answered(asked: Any) -> Any:
            if isinstance(asked, Path):
                asked = opened(trained, asked, reading, quiet=as_json)
            else:
                asked = own.task.open(asked, trained.settings, trained.codec)
                if not as_json:
                    tell(run, asked)
            return own.do(trained, asked, given)

        if out is not None or as_json:
            found = answered(file or texts or _all_lines())
            if out is not None:
                write_frame(found, out)
            if as_json:
                print(json.dumps(found.frame().to_dicts(), ensure_ascii=False))
        elif file or texts:
            print("\n".join(answered(file or texts).lines))
        else:
            for line in _lines():
                print("\n".join(answered([line]).lines) if line else "", flush=True)

    return command


def _lines() -> Iterator[str]:
    """Of the standard input, one by one as they come, blank ones included."""
    for number, line in enumerate(sys.stdin.buffer, 1):
        try:
            yield line.decode("utf-8").strip()
        except UnicodeDecodeError as error:
            problem = _("standard input: line {number}: expected UTF-8 text ({reason})")
            raise InputError(problem.format(number=number, reason=error.reason)) from None


def _all_lines() -> list[str]:
    """Of the standard input, but for blank ones; InputError where there is none."""
    lines = [line for line in _lines() if line]
    if not lines:
        raise InputError(_("standard input: expected at least one text, found none"))
    return lines
