"""Problems with a known answer: sequences drawn at random, whose early steps decide the end."""

from collections.abc import Mapping
from dataclasses import asdict
from typing import Any

from gruta.studies.problems.adding import Adding
from gruta.studies.problems.copying import Copying
from gruta.studies.problems.paragraphs import Paragraphs
from gruta.studies.problems.problem import DTYPE, Problem
from gruta.studies.problems.recall import Recall

__all__ = [
    "DTYPE",
    "Adding",
    "Copying",
    "Paragraphs",
    "Problem",
    "Recall",
    "as_record",
    "from_record",
]

_KINDS: Mapping[str, type[Any]] = {
    kind.__name__: kind for kind in (Adding, Copying, Paragraphs, Recall)
}


def as_record(problem: Problem) -> dict[str, Any]:
    """A problem for a JSON file."""
    fields: dict[str, Any] = asdict(problem)  # type: ignore[call-overload]
    return {"kind": type(problem).__name__, **fields}


def from_record(record: Mapping[str, Any]) -> Problem:
    """The problem that `as_record` wrote; KeyError or TypeError for what it did not."""
    fields = dict(record)
    problem: Problem = _KINDS[fields.pop("kind")](**fields)
    return problem
