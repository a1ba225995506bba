"""What the records of a training tell the advice."""

from collections.abc import Mapping, Sequence
from typing import Any

_EARLY = 10
"""Up to this step the size of the updates tells of the learning rate."""


def told_by(records: Sequence[Mapping[str, Any]], clip: str, window: int | None) -> dict[str, Any]:
    """How it clipped, the window of backpropagation, and early updates, as `advise` takes them.

    records: of metrics.jsonl. window: steps of truncated backpropagation, if it was truncated.
    """
    logged = [r for r in records if "clipped_share" in r]
    watched = next((r for r in records if "health" in r and r["step"] <= _EARLY), None)
    known: dict[str, Any] = {"window": window or None, "mode": clip}
    if logged:
        cosines = [r.get("clip_cosine", 1.0) for r in logged]
        known["clipping"] = {
            "steps": logged[-1]["step"],
            "clipped_share": logged[-1]["clipped_share"],
            "mean_cosine": sum(cosines) / len(cosines),
        }
    if watched is not None:
        mark = "/update_ratio "
        ratios = {k.replace(mark, " "): v for k, v in watched["health"].items() if mark in k}
        known["updates"] = {name: ratio for name, ratio in ratios.items() if ratio is not None}
    return known
