"""Scores by music21: MusicXML and ABC, as they sound.

Its own way to MIDI is not taken: that writes transposing parts as they are written, and its ties
join other notes than the score does. Its cache is passed by, as that is made of pickles.
"""

import re
import warnings
from collections import defaultdict
from collections.abc import Iterator
from fractions import Fraction
from pathlib import Path
from typing import Any
from xml.etree.ElementTree import ParseError, iterparse

import numpy as np

from gruta.codec.notes.piece import TEMPO, Bars, Notes, Piece, as_notes, whole_bars
from gruta.data.found import Found
from gruta.data.notes.nothing import NoMusic
from gruta.data.plain import find_encoding, text_blocks
from gruta.errors import InputError
from gruta.extras import need
from gruta.locale import translate as _

QUARTER = 10_080
"""Ticks: whole ones for all that two to ten share a quarter, halved twice."""

_INLINE = re.compile(r"\[[KLM]:")
_TUNE = re.compile(r"^X:", re.MULTILINE)
_VELOCITY = 80
_SCORES = "score-partwise", "score-timewise"


def read_scores(file: Path, found: Found) -> list[Piece]:
    """The pieces of a file, in its order; InputError where music21 can make nothing of it.

    What sounds otherwise than it is written is counted in `found`.
    """
    if file.suffix.lower() == ".xml":
        _require_score(file)
    need("music21")
    if file.suffix.lower() == ".abc":
        return list(_tunes(file, found))
    return [_piece(_parsed(file, file, None), file, "", found)]


def _require_score(file: Path) -> None:
    """NoMusic unless the first element is one that MusicXML begins with."""
    try:
        with open(file, "rb") as content:
            _event, first = next(iterparse(content, events=("start",)))
        found = first.tag
    except (ParseError, LookupError, ValueError, StopIteration) as error:
        found = str(error)
    if found not in _SCORES:
        problem = _("{path}: expected MusicXML, which begins with {elements}; found {element}")
        elements = _(" or ").join(_SCORES)
        raise NoMusic(problem.format(path=file, elements=elements, element=found))


def _tunes(file: Path, found: Found) -> Iterator[Piece]:
    """Of ABC. Accidentals hold until the bar line, as players read them; music21 has them so in
    files that name a version of the format from 2 on.
    """
    text = "".join(text_blocks(file, find_encoding(file)))
    starts = [match.start() for match in _TUNE.finditer(text)]
    if not starts:
        problem = _("{path}: expected tunes, each of which begins with X:, found none")
        raise InputError(problem.format(path=file))
    head = text[: starts[0]]
    mark = "" if re.match(r"%abc-\d", head) else "%abc-2.1\n"
    for i, (start, end) in enumerate(zip(starts, [*starts[1:], len(text)], strict=True), 1):
        tune, place = text[start:end], f"{file.name} {i}"
        if _INLINE.search(tune):
            changes = _("tunes whose key, meter or length of notes changes within a line")
            found.add(1, place, changes, _("not read, as music21 passes over the change"))
            continue
        score = _parsed(file, mark + head + tune, "abc")
        yield _piece(score, file, str(i) if len(starts) > 1 else "", found)


def _parsed(file: Path, source: Any, kind: str | None) -> Any:
    from music21 import converter

    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            score = converter.parse(source, format=kind, forceSource=True)
    except Exception as error:  # it raises whatever its parsers meet
        problem = _("{path}: music21 cannot read it ({kind}: {error})")
        raise InputError(
            problem.format(path=file, kind=type(error).__name__, error=error)
        ) from None
    scores = getattr(score, "scores", None)  # of an Opus
    return scores[0] if scores else score


def _piece(score: Any, file: Path, name: str, found: Found) -> Piece:
    place = f"{file.name} {name}".strip()
    played = _played(score, place, found)
    parts = list(played.getElementsByClass("Part")) or [played]
    voices: list[Notes] = []
    for part in parts:
        voices += _voices(_sounding(part, place, found), place, found)
    return Piece(f"{file} {name}".strip(), tuple(voices), QUARTER, _bars(parts[0]), _tempo(played))


def _played(score: Any, place: str, found: Found) -> Any:
    """With its repeats written out."""
    if not any(True for _mark in score.recurse().getElementsByClass("RepeatMark")):
        return score
    repeats = _("scores with repeats")
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            played = score.expandRepeats()
    except Exception:  # signs that do not fit together
        found.add(1, place, repeats, _("read once, as music21 cannot tell how they are played"))
        return score
    found.add(1, place, repeats, _("read as they are played"))
    return played


def _sounding(part: Any, place: str, found: Found) -> Any:
    transposed = any(
        (instrument.transposition is not None and instrument.transposition.chromatic.semitones)
        for instrument in part.recurse().getElementsByClass("Instrument")
    )
    found.add(int(transposed), place, _("transposing parts"), _("read as they sound"))
    return part.toSoundingPitch() if transposed else part


def _voices(part: Any, place: str, found: Found) -> Iterator[Notes]:
    """The notes of each voice of a part, tied ones joined; each note of a chord by its own tie."""
    from music21.harmony import Harmony
    from music21.note import Unpitched
    from music21.percussion import PercussionChord

    left_out = _("not read")
    of_voice: dict[str, list[tuple[int, int, int, Any]]] = defaultdict(list)
    drums = empty = 0
    for one in part.recurse().notes:
        if isinstance(one, Harmony):  # a chord's name above the staff, not notes
            continue
        if isinstance(one, Unpitched | PercussionChord):
            drums += 1
            continue
        within = one.activeSite
        voice = str(within.id) if within is not None and "Voice" in within.classes else ""
        start = _ticks(one.getOffsetInHierarchy(part))
        end = start + _ticks(one.duration.quarterLength)
        for note in one.notes if one.isChord else [one]:
            if end > start:
                of_voice[voice].append((start, end, int(note.pitch.midi), note.tie))
            else:
                empty += 1
    found.add(drums, place, _("notes of drums"), left_out)
    found.add(empty, place, _("notes of no length"), left_out)
    for notes in of_voice.values():
        yield _joined(notes)


def _joined(notes: list[tuple[int, int, int, Any]]) -> Notes:
    """Those with their start, end, key and tie, as they sound."""
    joined: list[list[int]] = []
    held: dict[tuple[int, int], list[list[int]]] = defaultdict(list)  # by end and key
    for start, end, key, tie in sorted(notes, key=lambda note: note[:3]):
        kind = None if tie is None else tie.type
        if kind in ("continue", "stop") and held[start, key]:
            note = held[start, key].pop()
            note[1] = end
        else:
            note = [start, end, key, _VELOCITY]
            joined.append(note)
        if kind in ("start", "continue"):
            held[end, key].append(note)
    return as_notes(joined)


def _ticks(offset: Any) -> int:
    return round(Fraction(offset) * QUARTER)


def _bars(part: Any) -> Bars:
    """Of the measures of a part; four quarters where it has none."""
    found: list[list[int]] = []
    for measure in part.getElementsByClass("Measure"):
        whole = _ticks(measure.barDuration.quarterLength)
        start = _ticks(measure.getOffsetBySite(part))
        size = whole - _ticks(measure.paddingLeft)
        if size > 0 and (not found or found[-1][1] != size):
            found.append([start, size])
    if not found or found[0][0]:
        return whole_bars(QUARTER)
    return np.array(found, np.int64)


def _tempo(score: Any) -> float:
    for mark in score.recurse().getElementsByClass("MetronomeMark"):
        tempo = mark.getQuarterBPM()
        if tempo:
            return float(tempo)
    return TEMPO
