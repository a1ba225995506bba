"""What is there already of forecasts, and the manifest: which input gave which output."""

import json
import time
from collections.abc import Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from gruta.errors import InputError
from gruta.locale import translate as _
from gruta.runs.lock import alone
from gruta.tasks.forecast.many.files import Place
from gruta.tasks.forecast.many.parts import Part, Plan
from gruta.tasks.forecast.many.work import FORMAT, Done, Found, footer

MANIFEST = "manifest.json"
_READERS = 16
_LEAST_PAUSE, _SHARE = 10.0, 20.0


@contextmanager
def kept_alone(place: Place) -> Iterator[None]:
    """Nobody else writes there meanwhile, where locks tell; what a kill left half is gone."""
    if not place.here:
        yield
        return
    problem = _("{path}: {holder} writes forecasts there; wait until it is done")
    with alone(Path(place.path), problem):
        place.sweep()
        yield
        place.sweep()  # a process that was killed may have left something


def found_before(place: Place, plan: Plan, asked: str) -> tuple[dict[Part, Found], int]:
    """What is there already, of the same files and the same question; and of how many parts the
    file has changed since.

    What is no longer right is removed. InputError where something else lies in the way.
    """
    there, found, outdated = place.names(), dict[Part, Found](), list[str]()
    parts = [part for part in plan.parts if part.output in there]

    def told(part: Part) -> dict[str, Any] | None:
        with place.opened(part.output) as content:
            return footer(content)

    with ThreadPoolExecutor(_READERS) as readers:
        for part, own in zip(parts, readers.map(told, parts), strict=True):
            _require_ours(place, part, own, asked)
            assert own is not None
            same = own["input"] == _input(part) and (own["part"], own["of"]) == (
                part.number,
                part.of,
            )
            if same:
                found[part] = Found.from_json(own["found"])
            else:
                outdated.append(part.output)
    changed = len(outdated)
    outdated += _no_longer(place, plan, there)
    place.remove(outdated)
    return found, changed


def _require_ours(place: Place, part: Part, told: Mapping[str, Any] | None, asked: str) -> None:
    problem = ""
    if told is None:
        problem = _("{path}: {name} is there, and none of these forecasts")
    elif told["asked"] != asked:
        problem = _("{path}: {name} is there, by another run or with other options")
    elif told["input"]["path"] != part.file.path:
        problem = _("{path}: {name} is there, of another file")
    if problem:
        problem += _("; name another directory, or take away what is there")
        raise InputError(out=problem.format(path=place.path, name=part.output))


def _no_longer(place: Place, plan: Plan, there: set[str]) -> Iterator[str]:
    """Outputs by the manifest, of files that are read now, which are cut otherwise now."""
    if MANIFEST not in there:
        return
    with place.opened(MANIFEST) as content:
        try:
            before = json.load(content)["parts"]
            outputs = [(str(one["input"]["path"]), str(one.get("output"))) for one in before]
        except (ValueError, KeyError, TypeError, AttributeError) as error:
            problem = _("{path}: {name} is there, and none of these forecasts")
            problem += _("; name another directory, or take away what is there")
            raise InputError(out=problem.format(path=place.path, name=MANIFEST)) from error
    now = {part.output for part in plan.parts}
    read = {part.file.path for part in plan.parts}
    yield from (o for path, o in outputs if path in read and o not in now and o in there)


class Manifest:
    """What became of each part, in a file that is written anew now and then.

    asked: the fingerprint of run and question; run: the directory.
    """

    def __init__(self, place: Place, plan: Plan, run: str, asked: str) -> None:
        self._place, self._plan = place, plan
        self._head = {"format": FORMAT, "run": run, "asked": asked}
        self._states: dict[Part, dict[str, Any]] = {}
        self._pause, self._last = 0.0, 0.0

    def before(self, found: Mapping[Part, Found]) -> None:
        """Parts that were there."""
        for part, own in found.items():
            self._states[part] = _state(own)

    def add(self, done: Done) -> None:
        """A part that is done with."""
        self._states[done.part] = _state(done.found, done.problem)
        if time.monotonic() - self._last > self._pause:
            self.write()

    def write(self) -> None:
        """The file."""
        start = time.monotonic()
        waiting = {"state": "waiting"}
        lines = [
            {"input": _input(part), "part": part.number, "of": part.of, "output": part.output}
            | self._states.get(part, waiting)
            for part in self._plan.parts
        ]
        lines += [
            {"input": {"path": path}, "state": "failed", "problem": problem}
            for path, problem in self._plan.broken.items()
        ]
        told = ",\n".join(json.dumps(line, ensure_ascii=False) for line in lines)
        head = json.dumps(self._head, ensure_ascii=False)[:-1]
        self._place.write(MANIFEST, f'{head}, "parts": [\n{told}\n]}}\n'.encode())
        self._last = time.monotonic()
        self._pause = max(_LEAST_PAUSE, _SHARE * (self._last - start))


def _input(part: Part) -> dict[str, Any]:
    file = part.file
    return {"path": file.path, "size": file.size, "stamp": file.stamp}


def _state(found: Found | None, problem: str = "") -> dict[str, Any]:
    if found is None:
        return {"state": "failed", "problem": problem}
    return {"state": "done", "rows": found.rows, "series": found.series}
