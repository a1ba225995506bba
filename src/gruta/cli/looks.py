"""What `gruta inspect` looks at: the run, and the sequence that its network reads."""

from dataclasses import replace
from pathlib import Path
from typing import Any

import torch
from torch import Tensor

from gruta.cli.remedies import command
from gruta.errors import InputError
from gruta.health.advice import Advice
from gruta.insight import XRay, xray
from gruta.locale import translate as _
from gruta.locale.numbers import percent
from gruta.runs import METRICS, read_metrics
from gruta.settings import TrainSettings
from gruta.studies import contest
from gruta.studies.problems import Paragraphs
from gruta.tasks.forecast import Forecaster

_SEQUENCES = 200
_EARLY = 10
"""Up to this step the size of the updates tells of the learning rate."""


def look(run: Path, data: Path | None, text: str | None, start: str | None) -> XRay:
    """Into the run's network: a forecaster's while it reads `data`, up to `start`; that of a study
    while it reads `text`, or else a sequence of its own problem.
    """
    if not run.is_dir():
        raise InputError(f"{run}: expected the directory of a run, found none")
    if (run / "runs").is_dir():
        raise InputError(f"{run}: holds a study; name one of the runs in {run / 'runs'}")
    if (run / contest.ENTRANT).is_file():
        if data is not None or start is not None:
            raise InputError(
                f"--data and --from: the run {run} is one of a study, and reads no series; leave "
                "them out"
            )
        return _into_study(run, text)
    if text is not None:
        raise InputError(f"--text: the run {run} reads a series, not text; give --data FILE")
    return _into_forecaster(run, data, start)


def _into_forecaster(run: Path, data: Path | None, start: str | None) -> XRay:
    forecaster = Forecaster.load(run)
    if data is None:
        raise InputError(f"--data: the run {run} reads a series; give its file with --data FILE")
    settings, given = forecaster.settings, data
    found = forecaster.xray(given, at=start)
    return replace(
        found,
        training=found.training | _training(run, settings),
        tried_by=lambda advice: command(advice, run, given, settings),
    )


def _into_study(run: Path, text: str | None) -> XRay:
    entrant, model = contest.trained(run)
    problem, known = entrant.problem, _training(run, entrant.settings)
    answer, loss = "", None
    if text is None:  # the first sequence is looked at, and the loss is the mean over all
        x, y = problem.draw(_SEQUENCES, torch.Generator().manual_seed(0))

        def loss(answers: Tensor) -> Tensor:
            return problem.loss(answers, y)

    elif isinstance(problem, Paragraphs):
        x = problem.read(text)
        with torch.no_grad():
            yes = float(torch.sigmoid(model(x)))
        answer = f"{_('yes') if yes > 0.5 else _('no')} ({percent(max(yes, 1 - yes))})"
    else:
        raise InputError(
            f"--text: the run {run} reads no words, but numbers of its own; leave it out"
        )
    labels = None
    if isinstance(problem, Paragraphs):
        labels = [problem.words[k] for k in x[:, 0] if k]

    def tried_by(advice: Advice) -> str | None:
        has_it = entrant.init == "chrono" and "chrono" in advice.code
        return None if has_it else advice.code if advice.layer else ""

    found = xray(model, x, loss=loss, labels=labels)
    return replace(found, training=known, tried_by=tried_by, answer=answer)


def _training(run: Path, settings: TrainSettings) -> dict[str, Any]:
    """What the run tells of its training: how it clipped, and the window of backpropagation."""
    records = read_metrics(run / METRICS)
    logged = [r for r in records if "clipped_share" in r]
    watched = next((r for r in records if "health" in r and r["step"] <= _EARLY), None)
    known: dict[str, Any] = {"window": settings.tbptt or None, "mode": settings.clip}
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
