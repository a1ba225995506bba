"""How well models do: a network and the simple ones beside it, in every task alike."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal

from gruta.locale import translate as _


@dataclass(frozen=True)
class Metric:
    """A column of scores.

    name: the score's, in JSON and Python. title: for people, in English, translated where shown.
    digits: decimals, None for as many as the size of the values asks for. best: which value is.
    judged: whether a network loses to a model that is better in it. factor: what people read is so
    many times the score. in_unit: whether it is in the unit of what is forecast.
    """

    name: str
    title: str
    digits: int | None = None
    best: Literal["lowest", "highest"] | None = None
    judged: bool = False
    factor: float = 1.0
    in_unit: bool = False


@dataclass(frozen=True)
class Scores:
    """One model's scores by name, which are attributes too: `scores.mae`.

    parameters: how many numbers were learned. seconds: of training, where that is known.
    """

    model: str
    parameters: int
    values: Mapping[str, float | None]
    seconds: float | None = None

    def __getattr__(self, name: str) -> Any:
        if not name.startswith("_") and name != "values" and name in self.values:
            return self.values[name]
        problem = _("Scores of {model} have no {name!r}")
        raise AttributeError(problem.format(model=self.__dict__.get("model"), name=name))

    def __repr__(self) -> str:
        parts = {"model": self.model, "parameters": self.parameters} | dict(self.values)
        return f"Scores({', '.join(f'{name}={value!r}' for name, value in parts.items())})"

    def to_json(self) -> dict[str, Any]:
        """Flat, for a program."""
        return {"model": self.model, "parameters": self.parameters, **self.values}


def to_json(scores: Sequence[Scores], lost_to: Sequence[str]) -> dict[str, Any]:
    """Of an evaluation, for a program and for a run's scores.json."""
    return {"scores": [s.to_json() for s in scores], "lost_to": list(lost_to)}


def lost_to(scores: Sequence[Scores], metrics: Sequence[Metric]) -> list[str]:
    """The models that are better than the first one, in any metric that is judged."""
    network, *simple = scores
    judged = [metric for metric in metrics if metric.judged]
    return [s.model for s in simple if any(_better(m, s, network) for m in judged)]


def deciding(metrics: Sequence[Metric]) -> Metric:
    """The one that is judged, of those of a task in which one alone is."""
    (found,) = (metric for metric in metrics if metric.judged)
    return found


def _better(metric: Metric, one: Scores, other: Scores) -> bool:
    a, b = one.values.get(metric.name), other.values.get(metric.name)
    if a is None or b is None:
        return False
    return a < b if metric.best == "lowest" else a > b
