"""Recordings drawn: what was heard, over the spectrum in which it was."""

from collections.abc import Sequence

import numpy as np

from gruta.codec.audio.language import Characters, Words
from gruta.codec.audio.mel import Frames
from gruta.codec.audio.speech import SpeechCodec
from gruta.codec.text.graphemes import visible
from gruta.locale import translate as _
from gruta.locale.numbers import number
from gruta.report.page import Column, Figure, Heading, Sound, Table, Value
from gruta.report.spectrum import spectrum
from gruta.tasks.trained import Trained
from gruta.tasks.transcribe.evaluation import Evaluation
from gruta.tasks.transcribe.heard import Heard
from gruta.tasks.transcribe.parts import frames_of

_DRAWN = 3
_LONGEST = 15.0
"""Seconds of a recording that can be drawn, and heard."""
_PLAYED = 6
_BYTES = 1_500_000
"""Of all sounds of a page, before they are written as text."""


def alignments(trained: Trained[SpeechCodec], found: Evaluation) -> list[Figure]:
    """The first recordings that are of a good length to be seen."""
    codec = trained.codec
    figures: list[Figure] = []
    for i, one in enumerate(found.heard):
        if len(figures) == _DRAWN:
            break
        frames = frames_of(found.recordings, i, codec.mel)
        if one.words and len(frames) * codec.hop <= _LONGEST:
            name = found.recordings.utterances[i].name
            figures.append(alignment(trained, frames, one, f"alignment-{len(figures) + 1}", name))
    return figures


def alignment(
    trained: Trained[SpeechCodec], frames: Frames, one: Heard, name: str, title: str
) -> Figure:
    """A recording's frames `[T, C]` with the characters where they were heard."""
    codec, found = trained.codec, one.alignment
    assert found is not None
    seconds = codec.hop * trained.settings.stride
    middle = (found.first + found.last + 1) / 2 * seconds
    letters = [visible(codec.units.written(k)) for k in found.text.tolist()]
    marks = [(float(t), letter) for t, letter in zip(middle, letters, strict=True) if letter != " "]
    words = [(word.begin, word.end, visible(word.word)) for word in one.words]
    band = _("mel band") if codec.mel is not None else _("channel")
    return Figure(
        name,
        _("{title}: above, words where they were heard; below, their characters.").format(
            title=visible(title)
        ),
        _("Map of the recording's frames over time, with the words heard: {text}.").format(
            text=visible(one.text)
        ),
        spectrum(frames, codec.hop, words, marks, _("time (s)"), band),
    )


def players(trained: Trained[SpeechCodec], found: Evaluation) -> list[Heading | Sound]:
    """Some recordings to listen to, the worst heard among them; nothing of features."""
    mel = trained.codec.mel
    if mel is None:
        return []
    edits = found.errors.character_edits
    worst = [int(i) for i in np.argsort(-edits, kind="stable")[:_PLAYED] if edits[i]]
    items: list[Heading | Sound] = []
    left = _BYTES
    for i in dict.fromkeys([*range(min(_PLAYED, len(edits))), *worst]):
        one = found.recordings.utterances[i]
        if one.seconds > _LONGEST or (size := round(one.seconds * mel.rate) * 2) > left:
            continue
        left -= size
        caption = _("{name}. Said: “{said}”. Heard: “{heard}”.").format(
            name=visible(one.name),
            said=visible(found.expected[i]),
            heard=visible(found.heard[i].text),
        )
        items.append(Sound.of(caption, found.recordings.samples(i, mel.rate), mel.rate))
    return [Heading(_("To listen to")), *items] if items else []


def language_table(trained: Trained[SpeechCodec]) -> list[Table]:
    """The n-gram model beside the network, and how much it weighs; nothing where there is none."""
    language = trained.head.language
    if language is None:
        return []
    rows: Sequence[Sequence[Value]]
    if isinstance(language, Words):
        of = _("{order}-gram of words, over a {letters}-gram of characters").format(
            order=language.ngram.order, letters=language.letters.order
        )
        unit = _("added for each word")
    else:
        assert isinstance(language, Characters)
        of = _("{order}-gram of characters").format(order=language.ngram.order)
        unit = _("added for each character")
    rows = [
        [_("model"), of],
        [_("weight of its logarithms"), number(language.weight, 1)],
        [unit, number(language.bonus, 1)],
        [_("numbers that it keeps"), number(language.parameters)],
    ]
    columns = [Column(_("what")), Column("")]
    return [Table(columns, rows, _("The n-gram model that is asked beside the network"))]
