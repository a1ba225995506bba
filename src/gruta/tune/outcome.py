"""What came of a sweep: the best settings and the default, each a whole run, scored once."""

import shutil
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import optuna
from optuna.trial import FrozenTrial, TrialState

from gruta.report.page import REPORT
from gruta.runs import METRICS, read_metrics
from gruta.runs.replace import replacing
from gruta.tasks.fitting import fit
from gruta.tasks.scored import score
from gruta.tasks.task import Evaluation
from gruta.tasks.trained import Trained, is_unfinished
from gruta.tune.sweep import Sweep

BEST, DEFAULT = "best", "default"


@dataclass(frozen=True, eq=False)
class Scored:
    """A run whose settings were tried: the lowest value of its validations, and its test."""

    name: str
    run: Path
    params: Mapping[str, Any]
    validation: float
    evaluation: Evaluation | None


@dataclass(frozen=True, eq=False)
class Outcome:
    """Of a study.

    importance: of each setting that was tried, shares that sum up to 1; empty with too few trials.
    """

    sweep: Sweep
    number: int
    best: Scored
    default: Scored
    importance: Mapping[str, float]

    @property
    def trials(self) -> list[FrozenTrial]:
        """All that have ended."""
        return [t for t in self.sweep.study.get_trials(deepcopy=False) if t.state.is_finished()]

    def count(self, state: TrialState) -> int:
        """How many trials ended so."""
        return sum(trial.state == state for trial in self.trials)


def outcome(sweep: Sweep, progress: Callable[[str, int], Any]) -> Outcome:
    """Leave the best trial and the default as runs of their own, `best` and `default`, and score
    both. What lies on this machine is not trained again.
    """
    trial = sweep.best
    assert trial is not None
    default = sweep.default
    best = _scored(sweep, BEST, trial.params, trial, progress)
    if default is not None and default.number == trial.number:
        other = Scored(DEFAULT, best.run, {}, best.validation, best.evaluation)
    else:
        other = _scored(sweep, DEFAULT, {}, default, progress, best.evaluation)
    return Outcome(sweep, trial.number, best, other, _importance(sweep))


def _scored(
    sweep: Sweep,
    name: str,
    params: Mapping[str, Any],
    trial: FrozenTrial | None,
    progress: Callable[[str, int], Any],
    like: Evaluation | None = None,
) -> Scored:
    settings, place = sweep.settings(params), sweep.directory / name
    if not _is_that(sweep, place, settings):
        here = None if trial is None else sweep.place(trial.number)
        with replacing(place) as fresh:
            shutil.rmtree(fresh, ignore_errors=True)
            if here is not None and _is_that(sweep, here, settings):
                shutil.copytree(here, fresh)
            else:
                with progress(name, settings.steps) as shown:
                    fit(sweep.task, sweep.data, settings, fresh, progress=shown)
    trained = Trained.load(place, sweep.task)
    metrics = read_metrics(place / METRICS)
    values = [r.get("criterion", r["validation_loss"]) for r in metrics if "validation_loss" in r]
    lowest = min(value for value in values if value is not None)
    untold = not (place / REPORT).is_file()
    found = score(sweep.task, trained, sweep.data, metrics, place, like, page=untold)
    return Scored(name, place, params, lowest, found)


def _is_that(sweep: Sweep, place: Path, settings: Any) -> bool:
    """Whether a finished run with these settings lies there."""
    if not (place / "run.json").is_file() or is_unfinished(place):
        return False
    trained = Trained.load(place, sweep.task)
    return bool(trained.data == sweep.fingerprint and trained.settings == settings)


def _importance(sweep: Sweep) -> dict[str, float]:
    """By how much each setting tells the better trials from the others (PED-ANOVA: Watanabe and
    others 2023, arXiv:2304.10255).
    """
    complete = sweep.study.get_trials(deepcopy=False, states=[TrialState.COMPLETE])
    if len(complete) < 4 or len({t.value for t in complete}) < 2:
        return {}
    try:
        found = optuna.importance.get_param_importances(
            sweep.study, evaluator=optuna.importance.PedAnovaImportanceEvaluator()
        )
    except (RuntimeError, ValueError):
        return {}
    return {name: float(share) for name, share in found.items()}
