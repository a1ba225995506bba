"""Subtitles: texts, each with the seconds from when to when it stands there, as files have them."""

from collections.abc import Sequence

Timed = tuple[float, float, str]
"""Begin and end in seconds, and a text."""


def srt(texts: Sequence[Timed]) -> str:
    """A SubRip file."""
    blocks = [
        f"{i}\n{_clock(begin, ',')} --> {_clock(end, ',')}\n{_lines(text)}\n"
        for i, (begin, end, text) in enumerate(texts, 1)
    ]
    return "\n".join(blocks)


def vtt(texts: Sequence[Timed]) -> str:
    """A WebVTT file."""
    blocks = [
        f"{_clock(begin, '.')} --> {_clock(end, '.')}\n{_escaped(_lines(text))}\n"
        for begin, end, text in texts
    ]
    return "\n".join(["WEBVTT\n", *blocks])


def joined(texts: Sequence[Timed]) -> list[Timed]:
    """Those that follow each other with the same text as one."""
    found: list[Timed] = []
    for begin, end, text in texts:
        if found and found[-1][2] == text and abs(found[-1][1] - begin) < 1e-3:
            found[-1] = (found[-1][0], end, text)
        else:
            found.append((begin, end, text))
    return found


def _clock(seconds: float, mark: str) -> str:
    whole = max(round(1000 * seconds), 0)
    rest, thousandths = divmod(whole, 1000)
    minutes, s = divmod(rest, 60)
    hours, m = divmod(minutes, 60)
    return f"{hours:02}:{m:02}:{s:02}{mark}{thousandths:03}"


def _lines(text: str) -> str:
    """A blank line would end the block."""
    return "\n".join(line for line in text.splitlines() if line.strip())


def _escaped(text: str) -> str:
    return text.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")
