"""What was heard, with its times, as subtitles (SRT, WebVTT) and as NIST's CTM.

Pure functions of words; what they give is read back by other programs.
"""

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from gruta.codec.text import subtitles

_LINE, _LINES = 42, 2
"""Letters of a line of subtitles, and lines that are shown together: what broadcasters keep to."""

_LONGEST, _PAUSE, _SHORTEST = 7.0, 0.8, 1.0
"""Seconds: of a subtitle at most, of a pause that begins another, that one stays at least."""

_SENTENCE = re.compile(r"[.!?…][\"'”’)]*$")


@dataclass(frozen=True)
class Word:
    """start, end: seconds. confidence: 0 to 1."""

    text: str
    start: float
    end: float
    confidence: float = 1.0


@dataclass(frozen=True)
class Cue:
    """A subtitle: its lines, and seconds from when to when they are shown."""

    lines: tuple[str, ...]
    start: float
    end: float


def cues(words: Sequence[Word], *, line: int = _LINE, lines: int = _LINES) -> list[Cue]:
    """Words in subtitles: a new one behind a sentence or a pause, and where the room is full.

    line: letters of one. A subtitle stays a second where the next leaves it the time; none
    overlaps the next.
    """
    groups = list(_groups(words, line, lines))
    found = []
    for i, group in enumerate(groups):
        start, end = group[0].start, max(word.end for word in group)
        following = groups[i + 1][0].start if i + 1 < len(groups) else float("inf")
        end = min(max(end, start + _SHORTEST), max(following, start + 0.001))
        found.append(Cue(tuple(_wrapped([w.text for w in group], line)), start, end))
    return found


def _groups(words: Sequence[Word], line: int, lines: int) -> Iterator[list[Word]]:
    group: list[Word] = []
    for word in words:
        if not word.text.strip():
            continue
        last = group[-1] if group else word
        full = len(_wrapped([w.text for w in (*group, word)], line)) > lines
        apart = word.start - last.end > _PAUSE or word.end - (group or [word])[0].start > _LONGEST
        if group and (full or apart or _SENTENCE.search(last.text)):
            yield group
            group = []
        group.append(word)
    if group:
        yield group


def _wrapped(words: Sequence[str], line: int) -> list[str]:
    """Lines of whole words; one that is longer than a line has its own."""
    found: list[str] = []
    for word in (" ".join(one.split()) for one in words):
        if found and len(found[-1]) + 1 + len(word) <= line:
            found[-1] += " " + word
        else:
            found.append(word)
    return found


def srt(words: Sequence[Word], *, line: int = _LINE, lines: int = _LINES) -> str:
    """SubRip: numbered subtitles; "" for no words."""
    return subtitles.srt(_timed(cues(words, line=line, lines=lines)))


def vtt(words: Sequence[Word], *, line: int = _LINE, lines: int = _LINES) -> str:
    """WebVTT (W3C): &, < and > are written as entities."""
    return subtitles.vtt(_timed(cues(words, line=line, lines=lines)))


def _timed(found: Sequence[Cue]) -> list[subtitles.Timed]:
    return [(cue.start, cue.end, "\n".join(cue.lines)) for cue in found]


def ctm(words: Sequence[Word], recording: str, channel: str = "1") -> str:
    """NIST's time-marked conversation: recording, channel, start, duration, word, confidence a
    line, blanks between, so none is left inside a name or a word.
    """
    name = "_".join(recording.split()) or "-"
    if name.startswith(";;"):  # which begins a remark
        name = "_" + name
    return "".join(
        f"{name} {channel} {word.start:.3f} {max(word.end - word.start, 0):.3f} "
        f"{'_'.join(word.text.split())} {word.confidence:.4f}\n"
        for word in words
        if word.text.strip()
    )
