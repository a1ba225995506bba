"""Parts as tasks of Ray, on this machine or a cluster.

A task, not an actor, is what one core does: whose process or machine dies is begun anew by Ray
wherever there is room, and a cluster that grows takes more. A process of Ray's keeps the run that
it has loaded for the tasks that follow.
"""

import tempfile
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from typing import Any

from gruta.cluster import connected
from gruta.errors import InputError
from gruta.locale import translate as _
from gruta.tasks.forecast.many.files import Place
from gruta.tasks.forecast.many.here import TRIES, Start
from gruta.tasks.forecast.many.parts import Part
from gruta.tasks.forecast.many.work import Done, Question, Worker
from gruta.tasks.trained import FILES

_AHEAD = 2
"""Tasks for each core that are handed to Ray at once."""


def done_on_ray(parts: Iterable[Part], start: Start, workers: int | None) -> Iterator[Done]:
    """Each part as it is done with. workers: so many at once at most, None for all cores."""
    import ray

    run, question, asked, place = start
    with connected(workers):
        content = ray.put(_content(run))
        task = ray.remote(num_cpus=1, max_retries=TRIES)(_answer)
        queue, under_way = iter(parts), dict[Any, Part]()
        _require_loadable(run, content, question, asked, place)
        while True:
            most = workers or _ahead(ray.cluster_resources())  # a cluster may grow meanwhile
            while len(under_way) < most and (part := next(queue, None)) is not None:
                under_way[task.remote(content, question, asked, place, part)] = part
            if not under_way:
                return
            ready, _rest = ray.wait(list(under_way), num_returns=1)
            for one in ready:
                part = under_way.pop(one)
                try:
                    yield ray.get(one)
                except ray.exceptions.RayError as error:
                    yield Done(part, problem=_lost(part, error))


def _ahead(resources: Mapping[str, float]) -> int:
    """So many tasks at once; at least one that waits, for cores that are still to come."""
    return max(1, _AHEAD * int(resources.get("CPU", 0)))


def _content(run: Path) -> dict[str, bytes]:
    """The files of a run that answers are made from, as other machines have no such directory."""
    return {name: (run / name).read_bytes() for name in FILES if (run / name).is_file()}


def _require_loadable(run: Path, *start: Any) -> None:
    """InputError unless a process of Ray's can load the run: else each part would say so."""
    import ray

    task = ray.remote(num_cpus=1, max_retries=TRIES)(_loaded)
    try:
        ray.get(task.remote(*start))
    except ray.exceptions.RayError as error:
        cause = getattr(error, "cause", None) or error
        reason = str(cause).strip().partition("\n")[0]
        kind = "" if isinstance(cause, InputError) else f"{type(cause).__name__}: "
        problem = _("{run}: a process of Ray cannot load it: {reason}")
        raise InputError(problem.format(run=run, reason=f"{kind}{reason}")) from error


_workers: dict[tuple[str, str], Worker] = {}
"""Of this process: the last one, by its fingerprint and where it writes."""


def _answer(
    content: Mapping[str, bytes], question: Question, asked: str, place: Place, part: Part
) -> Done:
    """In a process of Ray's."""
    _loaded(content, question, asked, place)
    return _workers[asked, place.path](part)


def _loaded(content: Mapping[str, bytes], question: Question, asked: str, place: Place) -> None:
    """There too: the run is there."""
    key = asked, place.path
    if key not in _workers:
        _workers.clear()
        with tempfile.TemporaryDirectory() as run:
            for name, own in content.items():
                Path(run, name).write_bytes(own)
            _workers[key] = Worker(Path(run), question, asked, place)


def _lost(part: Part, error: Exception) -> str:
    """Why there is nothing: what was raised there, which is not tried again, or who was lost."""
    cause = getattr(error, "cause", None)
    if isinstance(cause, Exception):
        kind = "" if isinstance(cause, InputError) else f"{type(cause).__name__}: "
        return f"{part.label}: {kind}{cause}"
    reason = str(error).strip().partition("\n")[0] or type(error).__name__
    problem = _("{label}: Ray gave it up after {count} tries: {reason}")
    return problem.format(label=part.label, count=TRIES + 1, reason=reason)
