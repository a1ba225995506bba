"""Advice as a command: what retrains a forecaster with one thing changed."""

import shlex
from pathlib import Path

from gruta.health.advice import Advice
from gruta.settings import ForecastSettings


def command(advice: Advice, run: Path, data: Path, settings: ForecastSettings) -> str:
    """The command that trains the run's settings anew in another directory, changed as advised;
    "" where no option of the command does.
    """
    change = _change(advice, settings)
    if not change:
        return ""
    defaults = ForecastSettings.model_fields
    kept = {
        name: value
        for name, value in settings.model_dump().items()
        if value != defaults[name].default and name not in change
    }
    options = [part for name, value in (kept | change).items() for part in _option(name, value)]
    where = ["--run", f"{run}-2"]
    return shlex.join(["gruta", "train", "forecast", str(data), *where, *options])


def _change(advice: Advice, settings: ForecastSettings) -> dict[str, object]:
    gated = settings.cell if settings.cell != "rnn" else "gru"
    third, thrice = (float(f"{settings.learning_rate * f:.3g}") for f in (1 / 3, 3))
    changes: dict[str, dict[str, object]] = {
        "short_memory": {"init": "chrono"},
        "memoryless_units": {"init": "chrono"},
        "vanishing": {"cell": gated, "init": "chrono"},
        "exploding": {"clip": "norm", "clip_threshold": 1.0, "learning_rate": third},
        "frozen_units": {"init": "torch"},
        "idle_units": {"hidden": max(1, settings.hidden * 3 // 4)},
        "window_too_short": {"tbptt": 2 * settings.tbptt},
        "clips_nearly_always": {"clip": "autoclip", "clip_threshold": 90.0},
        "never_clips": {"clip": "autoclip", "clip_threshold": 90.0},
        "clipping_turns": {"clip": "norm", "clip_threshold": 1.0},
        "updates_large": {"learning_rate": third},
        "updates_small": {"learning_rate": thrice},
    }
    change = changes.get(advice.rule, {})
    is_new = any(getattr(settings, name) != value for name, value in change.items())
    return change if is_new else {}


def _option(name: str, value: object) -> list[str]:
    flag = f"--{name.replace('_', '-')}"
    if isinstance(value, tuple):
        return [part for one in value for part in (flag, str(one))]
    return [flag, str(value)]
