"""What runs are, in a line each: for who lists and compares them."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from gruta.errors import InputError
from gruta.locale import translate as _
from gruta.runs.lock import is_training
from gruta.runs.metrics import read_metrics
from gruta.runs.run import METRICS, MODEL, Run

SCORES = "scores.json"
"""What a run scored on what was held out of its training, and the simple models beside it."""


@dataclass(frozen=True)
class Summary:
    """A run in a line.

    data: the fingerprint of what it was trained on. state: "finished", "training" or "stopped".
    step: how many were taken. validation_loss: the lowest; None before the first. seconds: of
    training. scores: the network's on the test, by name.
    """

    path: Path
    task: str
    data: str
    settings: Mapping[str, Any]
    state: str
    step: int
    validation_loss: float | None
    seconds: float
    scores: Mapping[str, Any]

    @classmethod
    def of(cls, run: Run) -> "Summary":
        """Of a run, finished or not; InputError if its files are broken."""
        try:
            return cls._of(run)
        except (AttributeError, IndexError, KeyError, TypeError) as error:
            raise InputError(
                _("{path}: its files are damaged ({error!r})").format(path=run.path, error=error)
            ) from error

    @classmethod
    def _of(cls, run: Run) -> "Summary":
        records = read_metrics(run.path / METRICS)
        losses = [r["validation_loss"] for r in records if r.get("validation_loss") is not None]
        state = "finished" if run.has(MODEL) else "stopped"
        return cls(
            run.path,
            run.task,
            str(run.about.get("data")),
            run.settings() | run.chosen,
            "training" if is_training(run) else state,
            max((r["step"] for r in records), default=0),
            min(losses, default=None),
            max((r["seconds"] for r in records if "seconds" in r), default=0.0),
            run.read_json(SCORES)["scores"][0] if run.has(SCORES) else {},
        )

    def to_json(self) -> dict[str, Any]:
        """For a program."""
        return vars(self) | {"path": str(self.path)}


def runs_in(places: Sequence[Path]) -> Iterator[Run]:
    """The runs that lie at these places, or anywhere below; InputError where there is none."""
    paths: dict[Path, None] = {}
    for place in places:
        found = sorted(file.parent for file in place.rglob("run.json"))
        found = [path for path in found if not path.name.startswith(".")]
        if not found:
            raise InputError(
                _("{place}: expected a run, or a folder of runs, found none").format(place=place)
            )
        paths |= dict.fromkeys(found)
    yield from map(Run, paths)


def set_apart(summaries: Sequence[Summary], fewest: int = 4) -> list[dict[str, Any]]:
    """Of each run the settings that set it apart: all in which it differs from runs on the same
    data and, where these are few, up to `fewest` with those in which it differs from any.
    """
    everywhere, found = _differing(summaries), []
    for one in summaries:
        near = _differing([other for other in summaries if other.data == one.data])
        own = [name for name in (*near, *everywhere) if one.settings.get(name) is not None]
        names = list(dict.fromkeys(own))[: max(fewest, len(near))]
        found.append({name: one.settings[name] for name in names})
    return found


def _differing(summaries: Sequence[Summary]) -> list[str]:
    """The settings that are not the same in all."""
    names = dict.fromkeys(name for one in summaries for name in one.settings)
    first = summaries[0].settings
    return [n for n in names if any(s.settings.get(n) != first.get(n) for s in summaries)]
