"""Advice as a command: what trains a run anew with one thing changed."""

import shlex
from itertools import count
from pathlib import Path
from typing import Any

from gruta.health.advice import Advice
from gruta.settings import least
from gruta.tasks.task import Task


def command(advice: Advice, run: Path, data: str, task: Task[Any], settings: Any) -> str | None:
    """The command that trains with the run's settings anew in another directory, changed as
    advised; "" where no option does so, None where the run has it already.
    """
    fields = task.settings.model_fields
    change = {name: v for name, v in _change(advice, settings).items() if name in fields}
    wanted = settings.model_dump() | change
    if wanted == settings.model_dump():
        return None if change else ""
    given = change | least(task.settings, wanted)
    options = [part for name, value in given.items() for part in _option(name, value)]
    where = ["--run", str(_free(run))]
    return shlex.join(["gruta", "train", task.name, data, *where, *options])


def _free(run: Path) -> Path:
    """The run's path with the first number behind it that no directory has."""
    return next(p for k in count(2) if not (p := run.with_name(f"{run.name}-{k}")).exists())


def _change(advice: Advice, settings: Any) -> dict[str, Any]:
    gated = settings.cell if settings.cell != "rnn" else "gru"
    third, thrice = (float(f"{settings.learning_rate * f:.3g}") for f in (1 / 3, 3))
    changes: dict[str, dict[str, Any]] = {
        "short_memory": {"init": "chrono"},
        "memoryless_units": {"init": "chrono"},
        "vanishing": {"cell": gated, "init": "chrono"},
        "exploding": {"clip": "norm", "clip_threshold": 1.0, "learning_rate": third},
        "frozen_units": {"init": "torch"},
        "idle_units": {"hidden": max(1, settings.hidden * 3 // 4)},
        "window_too_short": {"tbptt": 2 * vars(settings).get("tbptt", 0)},
        "clips_nearly_always": {"clip": "autoclip", "clip_threshold": 90.0},
        "never_clips": {"clip": "autoclip", "clip_threshold": 90.0},
        "clipping_turns": {"clip": "norm", "clip_threshold": 1.0},
        "updates_large": {"learning_rate": third},
        "updates_small": {"learning_rate": thrice},
    }
    return changes.get(advice.rule, {})


def _option(name: str, value: Any) -> list[str]:
    flag = f"--{name.replace('_', '-')}"
    if isinstance(value, bool):
        return [flag if value else f"--no-{flag.removeprefix('--')}"]
    if isinstance(value, tuple):
        return [part for one in value for part in (flag, str(one))]
    return [flag, str(value)]
