"""Transcripts as files: text, captions, words with their times, JSON."""

import json
from collections.abc import Iterator, Sequence

from gruta.codec.text.graphemes import visible
from gruta.tasks.transcribe.heard import Word
from gruta.tasks.transcribe.transcripts import Transcript

_ENDINGS = {"text": ".txt", "srt": ".srt", "vtt": ".vtt", "ctm": ".ctm", "json": ".json"}

_WIDE, _LONG, _PAUSE = 42, 6.0, 0.8
"""Of a caption: letters of a line, seconds, and seconds without a word at which another begins."""


def ending(form: str) -> str:
    """Of a file's name."""
    return _ENDINGS[form]


def written(transcripts: Sequence[Transcript], form: str) -> str:
    """All of them in one; captions are those of a single one.

    srt, vtt: SubRip and WebVTT, up to two lines at a time. ctm: NIST's, a line a word: file,
    channel, seconds of its begin and its length, word, confidence.
    """
    match form:
        case "srt":
            return "".join(_srt(transcripts[0]))
        case "vtt":
            return "WEBVTT\n\n" + "".join(_vtt(transcripts[0]))
        case "ctm":
            return "".join(_ctm(transcripts))
        case "json":
            content = [one.to_json() for one in transcripts]
            return json.dumps(content, ensure_ascii=False, indent=1) + "\n"
    several = len(transcripts) > 1
    return "".join(
        visible(f"{one.name}\t{one.text}" if several else one.text) + "\n" for one in transcripts
    )


def captions(words: Sequence[Word]) -> Iterator[tuple[float, float, str]]:
    """When each begins and ends, and its text, of up to two lines."""
    held: list[Word] = []
    for i, word in enumerate(words):
        held.append(word)
        following = words[i + 1] if i + 1 < len(words) else None
        if following is not None and _goes_on(held, following):
            continue
        end = held[-1].end
        yield held[0].begin, end, "\n".join(_lines([one.word for one in held]))
        held = []


def _goes_on(held: Sequence[Word], following: Word) -> bool:
    near = following.begin - held[-1].end < _PAUSE
    short = following.end - held[0].begin <= _LONG
    return near and short and len(_lines([*(one.word for one in held), following.word])) <= 2


def _lines(words: Sequence[str]) -> list[str]:
    found = [""]
    for word in words:
        longer = f"{found[-1]} {word}".strip()
        if len(longer) <= _WIDE or not found[-1]:
            found[-1] = longer
        else:
            found.append(word)
    return found


def _srt(one: Transcript) -> Iterator[str]:
    for i, (begin, end, text) in enumerate(captions(one.words), 1):
        yield f"{i}\n{_clock(begin, ',')} --> {_clock(end, ',')}\n{visible(text)}\n\n"


def _vtt(one: Transcript) -> Iterator[str]:
    for begin, end, text in captions(one.words):
        safe = visible(text).replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")
        yield f"{_clock(begin, '.')} --> {_clock(end, '.')}\n{safe}\n\n"


def _ctm(transcripts: Sequence[Transcript]) -> Iterator[str]:
    for one in transcripts:
        name = "_".join(one.name.split())
        for word in one.words:
            length = word.end - word.begin
            yield f"{name} 1 {word.begin:.2f} {length:.2f} {visible(word.word)} {word.sure:.3f}\n"


def _clock(seconds: float, mark: str) -> str:
    """Hours, minutes, seconds and milliseconds."""
    whole = round(seconds * 1000)
    minutes, rest = divmod(whole, 60_000)
    hours, minutes = divmod(minutes, 60)
    return f"{hours:02}:{minutes:02}:{rest // 1000:02}{mark}{rest % 1000:03}"
