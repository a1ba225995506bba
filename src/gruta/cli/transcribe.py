"""`gruta transcribe`: sounds written down, from files, the standard input, or a microphone."""

import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from gruta.cli.commands import Commands
from gruta.cli.verbs import RunPath, require_directory, tell
from gruta.errors import InputError
from gruta.extras import need
from gruta.locale import translate as _
from gruta.locale.numbers import number
from gruta.tasks import registry

if TYPE_CHECKING:
    from gruta.tasks.trained import Trained
    from gruta.tasks.transcribe.options import SearchOptions

transcribe_app = Commands()

FORMATS = ("text", "srt", "vtt", "ctm", "json")
_CAPTIONS = ("srt", "vtt")
_STANDARD_INPUT = "-"


@transcribe_app.command(
    help=_(
        "Write down what is said in sound files, with the times of words as captions or tables, or "
        "what a microphone hears."
    )
)
def transcribe(
    run: RunPath,
    files: Annotated[
        list[str] | None,
        typer.Argument(
            metavar="[FILE]...",
            help=_("Sound files, or folders of them; - for a sound on the standard input."),
            show_default=False,
        ),
    ] = None,
    form: Annotated[
        str,
        typer.Option(
            "--format",
            help=_("What is written: {formats}.").format(formats=", ".join(FORMATS)),
            show_default=_("as --out ends, else text"),
        ),
    ] = "",
    out: Annotated[
        Path | None,
        typer.Option(
            help=_("File to write, or a directory for a file each."),
            show_default=_("standard output"),
        ),
    ] = None,
    beam: Annotated[
        int,
        typer.Option(
            min=1,
            max=10_000,
            help=_(
                "Texts that are followed side by side; 1: the likeliest character of each frame."
            ),
        ),
    ] = 16,
    ngram: Annotated[
        bool,
        typer.Option(help=_("Ask the n-gram model of the training part beside the network.")),
    ] = True,
    channel: Annotated[
        int,
        typer.Option(
            min=0, max=64, help=_("Channel that is heard of several, from 1; 0: their mean.")
        ),
    ] = 0,
    live: Annotated[
        bool, typer.Option("--live", help=_("Write down what a microphone hears, as it comes."))
    ] = False,
) -> None:
    """Write sounds down."""
    from gruta.settings import resolve
    from gruta.tasks.trained import Trained
    from gruta.tasks.transcribe.options import SearchOptions

    task = registry.task("transcribe")
    form = _format(form, out)
    if live and files:
        raise InputError(_("FILE and --live: give one or the other"))
    if not live and not files:
        problem = _("expected sound files, - for the standard input, or --live")
        raise InputError(problem)
    need(*task.packages)
    registry.require_task(run, task)
    how = resolve(SearchOptions, {"beam": beam, "ngram": ngram})
    trained = Trained.load(run, task)
    if live:
        _listen(trained, how)
        return
    _require_places(files or [], form, out)
    _transcribe(trained, files or [], how, form, out, channel)


def _format(asked: str, out: Path | None) -> str:
    if asked and asked not in FORMATS:
        problem = _("--format: expected one of {formats}, got {given!r}")
        raise InputError(problem.format(formats=", ".join(FORMATS), given=asked))
    ends = out.suffix.lower().removeprefix(".") if out is not None else ""
    return asked or (ends if ends in FORMATS else "text")


def _require_places(files: list[str], form: str, out: Path | None) -> None:
    """InputError where captions of several sounds would be in one, or nothing can be written."""
    several = len(files) > 1 or (files[0] != _STANDARD_INPUT and Path(files[0]).is_dir())
    if files.count(_STANDARD_INPUT) > 1:
        raise InputError(_("-: the standard input can be read once alone"))
    if form in _CAPTIONS and several and (out is None or not out.is_dir()):
        problem = _(
            "captions of several sounds go into a file each; name a directory that is there with "
            "--out"
        )
        raise InputError(problem)
    if out is not None and not out.is_dir():
        require_directory(out)


def _transcribe(
    trained: "Trained[Any]",
    files: list[str],
    how: "SearchOptions",
    form: str,
    out: Path | None,
    channel: int,
) -> None:
    from gruta.files import write_atomically
    from gruta.tasks.transcribe.formats import ending, written
    from gruta.tasks.transcribe.transcripts import transcribed

    settings = trained.settings.model_copy(update={"channel": channel})
    whole = []
    for file in files:
        with _place(file) as (path, name):
            recordings: Any = trained.task.open(path, settings, trained.codec)
            tell(name, recordings)
            for one in transcribed(trained, recordings, how):
                one = one if file != _STANDARD_INPUT else one.called(name)
                if out is not None and out.is_dir():
                    place = out / f"{Path(one.name).stem}{ending(form)}"
                    write_atomically(place, written([one], form).encode())
                    print(_("Wrote {path}").format(path=place), file=sys.stderr)
                elif out is None and form == "text":
                    print(
                        f"{one.name}\t{one.text}"
                        if len(recordings) > 1 or len(files) > 1
                        else one.text,
                        flush=True,
                    )
                else:
                    whole.append(one)
    if out is not None and not out.is_dir():
        write_atomically(out, written(whole, form).encode())
        print(_("Wrote {path}").format(path=out), file=sys.stderr)
    elif whole:
        print(written(whole, form), end="")


@contextmanager
def _place(file: str) -> Iterator[tuple[Path, str]]:
    """A file's path, and what it is called; of the standard input, a copy's."""
    if file != _STANDARD_INPUT:
        yield Path(file), file
        return
    with tempfile.NamedTemporaryFile(suffix=".wav") as copy:
        while block := sys.stdin.buffer.read(2**20):
            copy.write(block)
        copy.flush()
        try:
            yield Path(copy.name), _("standard input")
        except InputError as error:
            raise InputError(error.told().replace(copy.name, _("standard input"))) from error


def _listen(trained: "Trained[Any]", how: "SearchOptions") -> None:
    from gruta.tasks.transcribe.live import Listener, listened, microphone

    listener = Listener(trained, how)
    print(_("Listening; Ctrl-C ends it."), file=sys.stderr)
    try:
        for saying in listened(listener, microphone(listener.rate)):
            _show(saying)
    except KeyboardInterrupt:
        for saying in listener.finish():
            _show(saying)


def _show(saying: Any) -> None:
    """A line for what is said; on a terminal it is written anew until it is done."""
    line = f"{number(saying.begin, 1)} s  {saying.text}"
    if saying.done:
        print(("\r\x1b[K" if sys.stdout.isatty() else "") + line, flush=True)
    elif sys.stdout.isatty():
        print(f"\r\x1b[K{line}", end="", flush=True)
