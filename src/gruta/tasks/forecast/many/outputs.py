"""What is there already of forecasts, and the manifest: which input gave which output."""

import json
import time
from collections.abc import Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from functools import partial
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
    with alone(Path(place.root), problem):
        place.sweep()
        yield
        place.sweep()  # a process that was killed may have left something


@dataclass(frozen=True)
class Before:
    """What an earlier call left.

    found: of parts that need not be done again. changed: of how many parts the file has changed.
    kept: what the manifest says of outputs whose file cannot be read now, by that file's path.
    """

    found: Mapping[Part, Found]
    changed: int
    kept: Mapping[str, Sequence[Mapping[str, Any]]]


def found_before(place: Place, plan: Plan, source: str, asked: str) -> Before:
    """What is there already, of the same files and the same question.

    source: the whole path or address of what is read. What is no longer right is removed.
    InputError, before anything is, where something else lies in the way.
    """
    there, found, outdated = place.names(), dict[Part, Found](), list[str]()
    parts = [part for part in plan.parts if part.output in there]
    with ThreadPoolExecutor(_READERS) as readers:
        footers = readers.map(partial(_footer, place), [part.output for part in parts])
        for part, own in zip(parts, footers, strict=True):
            own = _required_ours(place, part.output, own, part.file.path, asked)
            cut = part.number, part.of
            if own["input"] == _input(part) and (own["part"], own["of"]) == cut:
                found[part] = Found.from_json(own["found"])
            else:
                outdated.append(part.output)
    changed, kept = len(outdated), dict[str, list[Mapping[str, Any]]]()
    for line in _no_longer(place, plan, source, asked, there):
        if line["input"]["path"] in plan.broken:
            kept.setdefault(line["input"]["path"], []).append(line)
        else:
            outdated.append(line["output"])
    place.remove(outdated)
    return Before(found, changed, kept)


def _footer(place: Place, name: str) -> dict[str, Any] | None:
    with place.opened(name) as content:
        return footer(content)


def _required_ours(
    place: Place, name: str, told: dict[str, Any] | None, path: str, asked: str
) -> dict[str, Any]:
    """What an output says of itself; InputError unless it is of this input file and question."""
    if told is None:
        raise _in_the_way(place, name, _("{path}: {name} is there, and none of these forecasts"))
    if told["asked"] != asked:
        problem = _("{path}: {name} is there, by another run or with other options")
        raise _in_the_way(place, name, problem)
    if told["input"]["path"] != path:
        raise _in_the_way(place, name, _("{path}: {name} is there, of another file"))
    return told


def _in_the_way(place: Place, name: str, problem: str) -> InputError:
    problem += _("; name another directory, or take away what is there")
    return InputError(out=problem.format(path=place.path, name=name))


def _no_longer(
    place: Place, plan: Plan, source: str, asked: str, there: set[str]
) -> Iterator[Mapping[str, Any]]:
    """What the manifest says of outputs that no part has now: their file is cut otherwise, is gone,
    or cannot be read. InputError where such a file was never part of this source.
    """
    if MANIFEST not in there:
        return
    try:
        with place.opened(MANIFEST) as content:
            before = json.loads(content.read())
        lines = [line for line in before["parts"] if "output" in line]
        inputs = [(str(line["input"]["path"]), str(line["output"])) for line in lines]
    except (ValueError, KeyError, TypeError, AttributeError) as error:
        if isinstance(error, InputError):  # it was not reached
            raise
        problem = _("{path}: {name} is there, and none of these forecasts")
        raise _in_the_way(place, MANIFEST, problem) from error
    now = {part.output for part in plan.parts}
    own = {part.file.path for part in plan.parts} | plan.broken.keys()
    for line, (path, output) in zip(lines, inputs, strict=True):
        if output in there and output not in now:
            if path not in own and before.get("source") != source:
                raise _in_the_way(place, output, _("{path}: {name} is there, of another file"))
            _required_ours(place, output, _footer(place, output), path, asked)
            yield line


class Manifest:
    """What became of each part, in a file that is written anew now and then.

    head: what it says of all of them: the `run`, the `source` that is read, and `asked`, the
    fingerprint of run and question.
    """

    def __init__(self, place: Place, plan: Plan, head: Mapping[str, str]) -> None:
        self._place, self._plan = place, plan
        self._head = {"format": FORMAT, **head}
        self._kept: Mapping[str, Sequence[Mapping[str, Any]]] = {}
        self._states: dict[Part, dict[str, Any]] = {}
        self._pause, self._last = 0.0, 0.0

    def before(self, before: Before) -> None:
        """What was there."""
        self._kept = before.kept
        for part, own in before.found.items():
            self._states[part] = _state(own)

    def add(self, done: Done) -> None:
        """A part that is done with."""
        self._states[done.part] = _state(done.found, done.problem)
        if time.monotonic() - self._last > self._pause:
            with suppress(InputError):  # that of the end is told of
                self.write()

    def write(self) -> None:
        """The file."""
        self._last = start = time.monotonic()  # where it fails the next one waits too
        waiting = {"state": "waiting"}
        lines = [
            {"input": _input(part), "part": part.number, "of": part.of, "output": part.output}
            | self._states.get(part, waiting)
            for part in self._plan.parts
        ]
        lines += [
            {**line, "state": "failed", "problem": problem}
            for path, problem in self._plan.broken.items()
            for line in self._kept.get(path, [{"input": {"path": path}}])
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
