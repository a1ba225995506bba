"""Pictures and clips as a page shows them, and where a caption's units looked."""

from collections.abc import Sequence

from gruta.codec.text.graphemes import visible
from gruta.data.pictures.shots import Shot
from gruta.locale import translate as _
from gruta.locale.numbers import number
from gruta.report.page import Picture, Pictures
from gruta.report.pictures import lit, png_of, side_by_side
from gruta.tasks.caption.written import Written

_WIDE, _WIDE_CLIP = 128, 360
_MOST_FRAMES = 8


def picture_of(shot: Shot, words: Sequence[str]) -> Picture:
    """With what is said of it; of a clip its frames side by side."""
    frames = shot.frames[_some(shot)]
    return Picture(png_of(side_by_side(frames), _scale(shot)), alt(shot), words, _wide(shot))


def looked_at(shot: Shot, one: Written) -> Pictures:
    """Of each unit of a caption where it looked."""
    some = _some(shot)
    items = []
    for unit, attention in zip(one.units, one.attention, strict=True):
        drawn = side_by_side(lit(shot.frames[some], attention[some]))
        name = visible(unit) or "␣"
        told = _("{picture}, bright where “{unit}” looked").format(picture=alt(shot), unit=name)
        items.append(Picture(png_of(drawn, _scale(shot)), told, (name,), _wide(shot)))
    return Pictures(items)


def alt(shot: Shot) -> str:
    """What a picture is, for who cannot see it."""
    if len(shot.frames) == 1:
        return _("picture {name}").format(name=shot.name)
    text = _("{count} frames of the clip {name}")
    return text.format(count=number(min(len(shot.frames), _MOST_FRAMES)), name=shot.name)


def _wide(shot: Shot) -> int:
    return _WIDE if len(shot.frames) == 1 else _WIDE_CLIP


def _some(shot: Shot) -> slice:
    return slice(None, None, -(-len(shot.frames) // _MOST_FRAMES))


def _scale(shot: Shot) -> int:
    return max(1, _WIDE // shot.frames.shape[1]) if len(shot.frames) == 1 else 1
