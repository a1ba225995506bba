"""Whether a row meets its goal."""

from collections.abc import Mapping
from dataclasses import dataclass, fields
from typing import Any

from gruta.bench.cases import NOTHING, Case, Goal
from gruta.bench.rivals import GRUTA, TORCH

NEAR = 0.85
"""Of the machine's limit: from here on a ratio that is asked for counts as met."""


MEMORY = {"saved": "memory", "halved": "memory_halved", "rebuilt": "memory_rebuilt"}
"""The parts of a goal for memory by the variant of gruta that they are asked of."""


@dataclass(frozen=True)
class Verdict:
    """How gruta stands.

    torch, other: cost (time or memory) of torch.nn and of the best other rival over that of gruta;
    best_other names it. share: of the limit. memory, memory_halved, memory_rebuilt: cost of gruta
    over that of torch.nn. missed: the parts of the goal that are not reached, "gruta" if it has no
    result. met: None if nothing is asked, or if what is asked could not be judged.
    """

    goal: Goal = NOTHING
    torch: float | None = None
    other: float | None = None
    best_other: str = ""
    share: float | None = None
    memory: float | None = None
    memory_halved: float | None = None
    memory_rebuilt: float | None = None
    missed: tuple[str, ...] = ()
    met: bool | None = None


def goal_at(case: Case, threads: int) -> Goal:
    """The case's own on one thread; on more, at least the speed of the best rival."""
    return case.goal if threads == 1 or case.regime == "memory" else Goal(torch=1.0, other=1.0)


def judge(case: Case, threads: int, seconds: Mapping[str, float], limit: float | None) -> Verdict:
    """From the seconds of a call by rival, those with a result; limit: GFLOP/s or None."""
    goal, own = goal_at(case, threads), seconds.get(GRUTA)
    others = {name: s for name, s in seconds.items() if name not in (GRUTA, TORCH)}
    best = min(others, key=lambda name: others[name], default="")
    if own is None:
        return Verdict(goal, best_other=best, **_without_result(goal))
    torch = seconds[TORCH] / own if TORCH in seconds else None
    other = others[best] / own if best else None
    share = case.flops / own / 1e9 / limit if limit else None
    near = share is not None and share >= NEAR
    reached = {
        "torch": _at_least(torch, goal.torch, near),
        "other": _at_least(other, goal.other, near),
        "share": _at_least(share, goal.share),
        "seconds": _at_most(own, goal.seconds),
    }
    missed, met = _together(goal, reached)
    return Verdict(goal, torch, other, best, share, missed=missed, met=met)


def judge_memory(case: Case, threads: int, peaks: Mapping[tuple[str, str], int]) -> Verdict:
    """From the peak memory in bytes by rival and variant, those with a result."""
    goal, torch = goal_at(case, threads), peaks.get((TORCH, "eager"))
    found: dict[str, Any] = {}
    reached: dict[str, bool | None] = {}
    for variant, name in MEMORY.items():
        peak, asked = peaks.get((GRUTA, variant)), getattr(goal, name)
        found[name] = peak / torch if torch and peak else None
        reached[name] = _at_most(found[name], asked)
        if torch and asked and not peak:  # what gruta cannot do yet is not reached
            reached[name] = False
    if (GRUTA, "saved") not in peaks:
        return Verdict(goal, **_without_result(goal))
    missed, met = _together(goal, reached)
    return Verdict(goal, **found, missed=missed, met=met)


def _asked(goal: Goal) -> list[str]:
    return [f.name for f in fields(goal) if getattr(goal, f.name) is not None]


def _together(
    goal: Goal, reached: Mapping[str, bool | None]
) -> tuple[tuple[str, ...], bool | None]:
    """What is missed, and whether all that is asked is reached."""
    asked = _asked(goal)
    missed = tuple(name for name in asked if reached[name] is False)
    judged = asked and all(reached[name] is not None for name in asked)
    return missed, False if missed else True if judged else None


def _without_result(goal: Goal) -> dict[str, Any]:
    asked = bool(_asked(goal))
    return {"missed": (GRUTA,) if asked else (), "met": False if asked else None}


def _at_least(value: float | None, asked: float | None, near: bool = False) -> bool | None:
    return None if value is None or asked is None else value >= asked or near


def _at_most(value: float | None, asked: float | None) -> bool | None:
    return None if value is None or asked is None else value <= asked
