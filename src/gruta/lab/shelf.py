"""The models that the page may open, by names that say nothing of where they lie."""

import re
import threading
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from gruta.cells import CELLS
from gruta.errors import InputError
from gruta.lab import state_dict
from gruta.lab.bundle import Bundle
from gruta.lab.made import RECIPE_OF
from gruta.lab.opened import bundle_of
from gruta.lab.words import in_both
from gruta.locale import translate as _
from gruta.runs import MODEL, Run
from gruta.runs.summary import runs_in

_KEPT = 8
"""Bundles that are kept in memory."""


@dataclass
class Shelf:
    """The runs at the places that were chosen, now and whenever it is asked again, and the page's
    own. InputError where there is no such place. folder: one that may come to be, for new runs.
    """

    places: Sequence[Path]
    folder: Path | None = None
    _ids: dict[Path, str] = field(default_factory=dict)
    _open: dict[str, tuple[int, Bundle]] = field(default_factory=dict)
    _lock: threading.Lock = field(default_factory=threading.Lock)

    def __post_init__(self) -> None:
        self.runs()

    def runs(self) -> dict[str, Path]:
        """All runs by their ids, finished or not, and state dicts."""
        new = [self.folder] if self.folder is not None and self.folder.is_dir() else []
        found = list(dict.fromkeys(_all_in([*self.places, *new])))
        with self._lock:
            for path in found:
                if path not in self._ids:
                    self._ids[path] = self._new_id(path)
            return {self._ids[path]: path for path in found}

    def expect(self, path: Path) -> str:
        """The id of a run that is to be there."""
        with self._lock:
            return self._ids.setdefault(path, self._new_id(path))

    def known(self) -> dict[str, Path]:
        """All runs that are there or are expected, by their ids."""
        self.runs()
        return {name: path for name, path in self._by_id().items() if not path.is_file()}

    def run(self, name: str) -> Path:
        """Of a run by its id; InputError where there is none."""
        found = self._by_id()
        if name not in found:
            found = self.runs()
        if name not in found:
            raise InputError(_("no run is called {name!r}; look at the list").format(name=name))
        return found[name]

    def listed(self) -> list[dict[str, Any]]:
        """Of each finished model what can be told without opening it, the page's own last."""
        ready: list[dict[str, Any]] = [
            {"id": name, "name": name, "task": task, "made": False, "ready": True}
            | {"group": self._group(path) or None}
            for name, path in self.runs().items()
            if (task := _task(path)) and _finished(path)
        ]
        for name, recipe in RECIPE_OF.items():
            told = {"title": in_both(recipe.title), "recipe": recipe.name}
            own = {"id": name, "name": name, "made": True, "ready": name in recipe.places()}
            ready.append(own | told | {"group": recipe.group or None})
        return ready

    def bundle(self, name: str) -> Bundle:
        """The model of this id, opened; InputError where it cannot be."""
        path = self.place(name)
        stamp = _stamp(path)
        with self._lock:
            known = self._open.get(name)
        if known is not None and known[0] == stamp:
            return known[1]
        group = RECIPE_OF[name].group if name in RECIPE_OF else self._group(path)
        bundle = bundle_of(path, name, group)
        with self._lock:
            self._open[name] = stamp, bundle
            while len(self._open) > _KEPT:
                del self._open[next(iter(self._open))]
        return bundle

    def place(self, name: str) -> Path:
        """Where the model of this id lies; InputError where there is none, or it is not made."""
        if name not in RECIPE_OF:
            return self.run(name)
        places = RECIPE_OF[name].places()
        if name not in places:
            problem = _("{name} is not made yet; make it, which takes under a minute")
            raise InputError(problem.format(name=name))
        return places[name]

    def _by_id(self) -> dict[str, Path]:
        with self._lock:
            return {name: path for path, name in self._ids.items()}

    def _group(self, path: Path) -> str:
        """Of runs that lie side by side, one a cell: what `gruta train --compare` leaves."""
        beside = {one.name for one in path.parent.iterdir() if (one / "run.json").is_file()}
        return path.parent.name if len(beside) > 1 and beside <= set(CELLS) else ""

    def _new_id(self, path: Path) -> str:
        name = re.sub(r"[^\w.-]+", "-", path.stem if path.is_file() else path.name) or "run"
        taken = {*self._ids.values(), *RECIPE_OF}
        names = (name if k == 1 else f"{name}-{k}" for k in range(1, len(taken) + 2))
        return next(one for one in names if one not in taken)


def _all_in(places: Iterable[Path]) -> Iterable[Path]:
    for place in places:
        if place.suffix == state_dict.SUFFIX:
            if not place.is_file():
                raise InputError(_("{path}: expected a file, found none").format(path=place))
            yield place.resolve()
        elif place.is_dir() and not (place / "run.json").is_file():
            inside = place.resolve()
            found = (run.path.resolve() for run in _below(place))
            yield from (path for path in found if path.is_relative_to(inside))
        else:
            yield Run.open(place).path.resolve()


def _below(place: Path) -> list[Run]:
    try:
        return list(runs_in([place]))
    except InputError:  # a folder that is empty yet: the page will train there
        return []


def _finished(path: Path) -> bool:
    return path.is_file() or (path / MODEL).is_file()


def _task(path: Path) -> str:
    """Of a run that can be opened at all; "" of others."""
    if path.is_file():
        return "layers"
    try:
        return Run.open(path).task
    except InputError:
        return ""


def _stamp(path: Path) -> int:
    return (path if path.is_file() else path / MODEL).stat().st_mtime_ns if _finished(path) else 0
