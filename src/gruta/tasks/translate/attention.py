"""What each unit that was written looked at, drawn."""

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from gruta.codec.text.graphemes import visible
from gruta.codec.text.pairs import PairCodec
from gruta.locale import translate as _
from gruta.report.maps import grid
from gruta.report.page import Figure
from gruta.tasks.translate.written import Written, shown_units

_SHADES = " ░▒▓█"


def attention_figure(codec: PairCodec, source: str, one: Written, name: str) -> Figure:
    """A map for a page."""
    read, said, weights = _labelled(codec, source, one)
    return Figure(
        name,
        _("What each unit that was written looked at: a row each, darker for more."),
        _("Grid of shades: units written against units read. Written: {text}.").format(
            text=visible(one.text)
        ),
        grid(weights, read, said),
    )


def attention_lines(codec: PairCodec, source: str, one: Written) -> list[str]:
    """A map for a terminal: a line for each unit that was read, a column for each written."""
    read, said, weights = _labelled(codec, source, one)
    wide = max(map(len, read), default=0)
    widths = [max(len(unit), 1) for unit in said]
    lines = [" " * wide + "  " + " ".join(said)]
    for k, unit in enumerate(read):
        shades = (
            _SHADES[min(int(w * len(_SHADES)), len(_SHADES) - 1)] * width
            for w, width in zip(weights[:, k], widths, strict=True)
        )
        lines.append((unit.rjust(wide) + "  " + " ".join(shades)).rstrip())
    return lines


def _labelled(
    codec: PairCodec, source: str, one: Written
) -> tuple[Sequence[str], Sequence[str], NDArray[np.float32]]:
    """Units read `[S]`, units written `[T]`, weights `[T, S]`."""
    read = shown_units(codec, source)
    said = [visible(unit.strip()) or "␣" for unit in one.units]
    weights = one.attention
    if weights is None:  # of what was remembered
        weights = np.zeros((0, len(read)), np.float32)
    return read, said, weights
