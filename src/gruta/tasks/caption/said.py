"""What was said of pictures and clips, as files and pages have it."""

import json
from collections.abc import Sequence
from typing import Literal

from gruta.codec.pictures.captions import CaptionCodec
from gruta.codec.text.graphemes import visible
from gruta.codec.text.subtitles import Timed, joined, srt, vtt
from gruta.data.pictures.shots import Shot
from gruta.errors import InputError
from gruta.locale import translate as _
from gruta.locale.numbers import number
from gruta.report.page import Column, Figure, Pictures, Section, Table, Value
from gruta.tasks.caption.answers import Answers
from gruta.tasks.caption.drawn import looked_at, picture_of
from gruta.tasks.caption.written import Written
from gruta.tasks.task import Report
from gruta.tasks.trained import Trained

Format = Literal["text", "srt", "vtt", "json"]
_MOST = 50


def as_format(answers: Answers, form: Format, best: int = 1) -> str:
    """All of it as a file of this kind; InputError for subtitles of a picture, which has no time.

    best: how many captions were asked for: where there are several, a score stands before each.
    """
    if form == "json":
        rows = answers.frame().to_dicts()
        return json.dumps(rows, ensure_ascii=False) + "\n"
    if form == "text":
        return "".join(f"{line}\n" for line in _lines(answers, best))
    timed: list[Timed] = []
    for shot, texts in zip(answers.shots, answers.texts, strict=True):
        if not shot.end:
            problem = _("{name}: a picture has no times; --format {form} is for clips")
            raise InputError(problem.format(name=shot.name, form=form))
        timed.append((shot.begin, shot.end, visible(texts[0].text)))
    return (srt if form == "srt" else vtt)(joined(timed))


def _lines(answers: Answers, best: int) -> list[str]:
    names = {shot.name for shot in answers.shots}
    found = []
    for shot, texts in zip(answers.shots, answers.texts, strict=True):
        before = [shot.name] if len(names) > 1 else []
        if len(answers.shots) > len(names):
            before.append(_("{s} s").format(s=number(shot.begin, 1)))
        for one in texts:
            score = [_scored(one)] if best > 1 else []
            found.append("\t".join([*before, *score, visible(one.text)]))
    return found


def _scored(one: Written) -> str:
    return "–" if one.score is None else number(one.score, 3)


def page(trained: Trained[CaptionCodec], answers: Answers) -> Report:
    """The captions, and where the units of the first ones looked."""
    columns = [Column(_("picture")), Column(_("written")), Column(_("score"), 3)]
    rows: list[list[Value]] = [
        [shot.name, one.text, one.score]
        for shot, texts in zip(answers.shots, answers.texts, strict=True)
        for one in texts
    ]
    content: Sequence[Table | Figure] = [Table(columns, rows)]
    sections = [Section(_("What it says"), (), content)]
    for shot, texts in list(zip(answers.shots, answers.texts, strict=True))[:_MOST]:
        sections.append(_section(trained, shot, texts[0]))
    cell = trained.settings.cell.upper()
    return Report(_("Captions by a {cell}").format(cell=cell), "", sections)


def _section(trained: Trained[CaptionCodec], shot: Shot, one: Written) -> Section:
    content = [Pictures([picture_of(shot, ())])]
    if trained.settings.attention != "none" and one.units:
        content.append(looked_at(shot, one))
    return Section(one.text or "–", (shot.name,), content)
