"""What a table of engines is made of."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Literal

from gruta.exchange.doctor.finding import Recurrent

Verdict = Literal["right", "refused", "wrong"]
When = Callable[[Recurrent], bool]


@dataclass(frozen=True)
class Rule:
    """verdict: where `when` holds of a layer; why: the attribute that decides, and what happens."""

    verdict: Verdict
    when: When
    why: Callable[[], str]


@dataclass(frozen=True)
class Engine:
    """An engine, the version it was seen in, and its rules."""

    name: str
    version: str
    rules: Sequence[Rule]


def free(layer: Recurrent) -> bool:
    """Whether a size is not fixed."""
    return layer.free_batch or layer.free_time
