"""The built page: served, or written as one file with models inside."""

import json
from collections.abc import Sequence
from pathlib import Path

from gruta.errors import InputError
from gruta.files import write_atomically
from gruta.lab.bundle import Bundle
from gruta.locale import translate as _
from gruta.locale.numbers import number

ASSETS = Path(__file__).with_name("assets")
INDEX = "index.html"

_LARGEST = 64 * 2**20
"""Bytes of a page that is to be opened from a stick."""


def index(assets: Path | None = None) -> bytes:
    """The page as it was built; InputError where it was not."""
    path = (assets or ASSETS) / INDEX
    if not path.is_file():
        problem = _("the page is not built: run make lab, which needs Node (wheels have it inside)")
        raise InputError(problem)
    return path.read_bytes()


def require_place(path: Path) -> None:
    """InputError where no page can be written, before models are made for it: no folder, or a
    device, which would be replaced by a file.
    """
    if not path.parent.is_dir() or (path.exists() and not path.is_file()):
        problem = _("{path}: expected a file in a folder that is there; name another")
        raise InputError(problem.format(path=path))


def export(path: Path, bundles: Sequence[Bundle], assets: Path | None = None) -> None:
    """Write the page and these models into one file, which needs no other and asks nobody.

    InputError where a model is too large for the page to compute.
    """
    require_place(path)
    page = index(assets)
    for bundle in bundles:
        if bundle.remote:
            problem = _(
                "{name}: {hidden} hidden units and {count} weights are too many for a page "
                "without a server; open it by gruta lab"
            )
            sizes = {"hidden": bundle.portrait.hidden, "count": bundle.portrait.size}
            told = {name: number(size) for name, size in sizes.items()}
            raise InputError(problem.format(name=bundle.name, **told))
    content = {"bundles": [bundle.to_json() for bundle in bundles]}
    whole = with_models(page, json.dumps(content, ensure_ascii=False, separators=(",", ":")))
    if len(whole) > _LARGEST:
        problem = _("{path}: {size} bytes are too many for a page; choose fewer or smaller models")
        raise InputError(problem.format(path=path, size=number(len(whole))))
    write_atomically(path, whole)


def with_models(page: bytes, models: str) -> bytes:
    """The page with this JSON inside, in which nothing can be taken for a tag."""
    harmless = models.replace("<", "\\u003c")
    element = f'<script type="application/json" id="gruta-bundles">{harmless}</script>'
    before, end, after = page.rpartition(b"</body>")
    return before + element.encode() + end + after
