"""What a model is asked that the page cannot compute: what it reads of a text or a file, and the
gates of wide networks.
"""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from gruta.errors import InputError
from gruta.lab.bundle import Bundle, sampled
from gruta.lab.opened import read
from gruta.lab.shelf import Shelf
from gruta.lab.sources import Sources
from gruta.lab.walk import outputs, require_small, walk
from gruta.locale import translate as _
from gruta.locale.numbers import number
from gruta.tasks.portrait import Portrait, Sample

Json = dict[str, Any]
Question = Mapping[str, Any]

LONGEST = 100_000
"""Characters of a text that is read at all."""


def samples(shelf: Shelf, sources: Sources, asked: Question) -> Json:
    """`{"bundle", "text"}` or `{"bundle", "upload"}` as sequences that the page can walk."""
    bundle = shelf.bundle(str(asked.get("bundle")))
    found = _read(shelf, sources, bundle, asked)
    return {"samples": [sampled(one, bundle.portrait.vocabulary) for one in found]}


def inferred(shelf: Shelf, sources: Sources, asked: Question) -> Json:
    """`{"bundle", "text"}`, or with "units" or "x" in its place: every gate and state, and what the
    linear layer says, as arrays `[T, …]`.
    """
    bundle = shelf.bundle(str(asked.get("bundle")))
    own = bundle.portrait
    if "text" in asked:
        x = _rows(own, _read(shelf, sources, bundle, asked)[0])
    else:
        x = _units(own, asked["units"]) if "units" in asked else _numbers(own, asked.get("x"))
    traces = walk(own, x)
    y = outputs(own, traces[-1]["h"])
    return {
        "bundle": bundle.name,
        "layers": traces,
        "y": y,
    }


def _read(shelf: Shelf, sources: Sources, bundle: Bundle, asked: Question) -> list[Sample]:
    place, upload = shelf.place(bundle.name), asked.get("upload")
    if upload is None:
        text = _text(asked.get("text"))
        if bundle.portrait.vocabulary is not None:
            return [Sample(lambda: text[:40], text)]
        source: str | Path = text
    else:
        source = sources.find(str(upload))[0]
    if place.is_file():
        problem = _("{name}: a state dict does not say how a file or a text becomes numbers")
        raise InputError(problem.format(name=bundle.name))
    return list(read(place, source).samples)


def _text(text: Any) -> str:
    if not isinstance(text, str) or not text:
        raise InputError(_("text: expected some, got none"))
    if len(text) > LONGEST:
        problem = _("text: {count} characters are too many to show; take at most {most}")
        raise InputError(problem.format(count=number(len(text)), most=number(LONGEST)))
    return text


def _rows(own: Portrait, sample: Sample) -> NDArray[np.float32]:
    if sample.x is not None:
        return sample.x
    assert own.vocabulary is not None
    return _units(own, own.vocabulary.read(sample.text)[0])


def _units(own: Portrait, given: Any) -> NDArray[np.float32]:
    """The vectors of units; InputError where these are none of the model's."""
    table, found = own.embedding, _array(given, np.int64)
    require_small(own, len(found))
    if table is None or found.ndim != 1 or found.min() < 0 or found.max() >= len(table):
        count = 0 if table is None else len(table)
        problem = _("units: expected numbers below {count}").format(count=number(count))
        raise InputError(problem)
    rows: NDArray[np.float32] = table[found]
    return rows


def _numbers(own: Portrait, given: Any) -> NDArray[np.float32]:
    found = _array(given, np.float32)
    require_small(own, len(found))
    wide = own.layers[0].inputs
    if found.ndim != 2 or found.shape[1] != wide or not np.isfinite(found).all():
        problem = _("x: expected steps of {count} numbers each").format(count=number(wide))
        raise InputError(problem)
    return found


def _array(given: Any, dtype: Any) -> NDArray[Any]:
    """At least one step of something."""
    try:
        found = np.asarray(given, dtype)
    except (TypeError, ValueError, OverflowError):
        found = np.zeros(())
    if not found.ndim or not found.size:
        raise InputError(_("a sequence: expected lists of numbers"))
    return found
