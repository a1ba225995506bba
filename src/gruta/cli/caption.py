"""`gruta caption`: what pictures and clips show, in words."""

import sys
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from gruta.cli.commands import Commands
from gruta.cli.options import with_options_of
from gruta.cli.verbs import Json, RunPath
from gruta.errors import InputError
from gruta.extras import need
from gruta.locale import translate as _
from gruta.settings import resolve
from gruta.tasks import registry

if TYPE_CHECKING:
    from gruta.tasks.caption.answers import Answers
    from gruta.tasks.caption.said import Format

caption_app = Commands()

_TASK = registry.task("caption")
_FORMATS = ("text", "srt", "vtt", "json")


@caption_app.command(help=_("Say what pictures and clips show; for clips as subtitles too."))
@with_options_of([_TASK], "predict", reads=False)
def caption(
    run: RunPath,
    pictures: Annotated[
        list[Path],
        typer.Argument(
            metavar="PICTURE...",
            help=_("Pictures, clips, folders of them, or tables that name them."),
            show_default=False,
        ),
    ],
    form: Annotated[
        str,
        typer.Option(
            "--format",
            help=_("What is written: {formats}; srt and vtt are subtitles of clips.").format(
                formats=", ".join(_FORMATS)
            ),
        ),
    ] = "text",
    out: Annotated[
        Path | None,
        typer.Option(
            help=_("File to write, or a folder with a file for each picture or clip."),
            show_default=_("standard output"),
        ),
    ] = None,
    page: Annotated[
        Path | None,
        typer.Option(
            help=_("HTML page to write, with where each word looked."), show_default=_("none")
        ),
    ] = None,
    as_json: Json = False,
    *,
    given: dict[str, Any],
) -> None:
    """Say what pictures show."""
    from gruta.files import write_atomically
    from gruta.tasks.caption.answers import answered
    from gruta.tasks.trained import Trained

    if form not in _FORMATS:
        problem = _("--format: expected one of {formats}, got {form!r}")
        raise InputError(problem.format(formats=", ".join(_FORMATS), form=form))
    form = "json" if as_json else form
    registry.require_task(run, _TASK)
    need("PIL")
    best = resolve(_TASK.options.predict, given).best  # type: ignore[attr-defined]
    for path in (out, page):
        _require_place(path)
    trained = Trained.load(run, _TASK)
    answers = _together([answered(trained, path, **given) for path in pictures])
    for path, text in _files(answers, form, best, out):
        if path is None:
            print(text, end="")
        else:
            write_atomically(path, text.encode())
            print(_("Wrote {path}").format(path=path), file=sys.stderr)
    if page is not None:
        from gruta.tasks.caption.said import page as page_of

        page_of(trained, answers).save(page)
        print(_("Wrote {path}").format(path=page), file=sys.stderr)


def _require_place(path: Path | None) -> None:
    if path is not None and not path.parent.is_dir():
        problem = _("{path}: expected a directory to write {name} into")
        raise InputError(problem.format(path=path.parent, name=path.name))


def _together(parts: "list[Answers]") -> "Answers":
    from gruta.tasks.caption.answers import Answers

    shots = [shot for part in parts for shot in part.shots]
    texts = [own for part in parts for own in part.texts]
    return Answers(shots, texts, parts[0].language)


def _files(
    answers: "Answers", form: "Format | str", best: int, out: Path | None
) -> list[tuple[Path | None, str]]:
    """What is written where: into a folder a file for each picture or clip."""
    from gruta.tasks.caption.answers import Answers
    from gruta.tasks.caption.said import as_format

    kind: Any = form
    names = list(dict.fromkeys(shot.name for shot in answers.shots))
    if out is None or not out.is_dir():
        if form in ("srt", "vtt") and len(names) > 1:
            problem = _(
                "--format {form}: subtitles are of one clip, got {count}; name a folder with --out"
            )
            raise InputError(problem.format(form=form, count=len(names)))
        return [(out, as_format(answers, kind, best))]
    found: list[tuple[Path | None, str]] = []
    ending = {"text": "txt"}.get(form, form)
    for name in names:
        at = [i for i, shot in enumerate(answers.shots) if shot.name == name]
        own = Answers(
            [answers.shots[i] for i in at], [answers.texts[i] for i in at], answers.language
        )
        path = out / f"{Path(name).name}.{ending}"
        found.append((path, as_format(own, kind, best)))
    return found
