"""Transcripts as files: text, captions, words with their times, JSON."""

import json
from collections.abc import Sequence

from gruta.codec.audio import captions
from gruta.codec.text.graphemes import visible
from gruta.tasks.transcribe.transcripts import Transcript

_ENDINGS = {"text": ".txt", "srt": ".srt", "vtt": ".vtt", "ctm": ".ctm", "json": ".json"}


def ending(form: str) -> str:
    """Of a file's name."""
    return _ENDINGS[form]


def written(transcripts: Sequence[Transcript], form: str) -> str:
    """All of them in one; captions are those of a single one.

    srt, vtt, ctm: see `gruta.codec.audio.captions`.
    """
    match form:
        case "srt":
            return visible(captions.srt(_words(transcripts[0])))
        case "vtt":
            return visible(captions.vtt(_words(transcripts[0])))
        case "ctm":
            return visible("".join(captions.ctm(_words(one), one.name) for one in transcripts))
        case "json":
            content = [one.to_json() for one in transcripts]
            return json.dumps(content, ensure_ascii=False, indent=1) + "\n"
    several = len(transcripts) > 1
    return "".join(
        visible(f"{one.name}\t{one.text}" if several else one.text) + "\n" for one in transcripts
    )


def _words(one: Transcript) -> list[captions.Word]:
    return [captions.Word(w.word, w.begin, w.end, w.sure) for w in one.words]
