"""How the forecaster's training was chosen: rolling origins before the demo's test part."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from gruta.codec.series.series import Series
from gruta.demo.rich_linear import NAME
from gruta.demo.run import HIDDEN, Job, OpenProgress, fit, forecaster, score_rich_linear

SCORED_ROWS = 1_752
ENDS = (10_512, 12_264, 14_016, 15_768)
"""Each fold ends at one of these rows; what it scores, its last `SCORED_ROWS`, no training sees."""

VARIANTS: Mapping[str, Mapping[str, Any]] = {
    "as chosen": {},
    "4 places in a window": {"origins": 4},
    "weight decay 0.01": {"weight_decay": 0.01},
    "rate 2e-3": {"learning_rate": 2e-3},
    "600 steps": {"steps": 600},
}


@dataclass(frozen=True)
class Trial:
    """A variant's sMAPE in per cent on one fold."""

    job: Job
    variant: str
    end: int
    smape: float


def trials(job: Job, series: Series, directory: Path, progress: OpenProgress) -> Iterator[Trial]:
    """The linear models and every variant of the GRU on every fold; finished runs are reused."""
    for end in ENDS:
        fold = series.until(np.array([end]))
        share = {"test_share": SCORED_ROWS / end}
        for variant, changes in VARIANTS.items():
            chosen = forecaster(job, "gru", HIDDEN).set_params(**share, **changes)
            place = directory / f"{job.key}-{end}-{variant.replace(' ', '-')}"
            fitted = fit(chosen, fold, place, progress)
            evaluation = fitted.evaluate(fold, stride=job.stride)
            yield Trial(job, variant, end, evaluation.scores[0].smape)
        linear = next(s for s in evaluation.scores if s.model == "linear")
        yield Trial(job, "linear", end, linear.smape)
        yield Trial(job, NAME, end, score_rich_linear(evaluation, fitted, fold)[0].smape)


def table(found: list[Trial]) -> dict[str, list[float]]:
    """The scores by variant: one a fold, then their mean."""
    rows: dict[str, list[float]] = {}
    for trial in found:
        rows.setdefault(trial.variant, []).append(trial.smape)
    return {variant: [*scores, float(np.mean(scores))] for variant, scores in rows.items()}
