"""What `gruta inspect` looks at: the run, and the sequence that its network reads."""

from dataclasses import replace
from pathlib import Path
from typing import Any

import torch

from gruta.checkpoint import read_metrics
from gruta.cli.remedies import command
from gruta.errors import InputError
from gruta.insight import XRay, xray
from gruta.settings import TrainSettings
from gruta.studies import contest
from gruta.studies.problems import Paragraphs
from gruta.tasks.forecast import Forecaster
from gruta.train import METRICS


def look(run: Path, data: Path | None, text: str | None, start: str | None) -> XRay:
    """Into the run's network: a forecaster's while it reads `data`, up to `start`; that of a study
    while it reads `text`, or else a sequence of its own problem.
    """
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
    return replace(
        forecaster.xray(given, at=start),
        training=_training(run, settings),
        tried_by=lambda advice: command(advice, run, given, settings),
    )


def _into_study(run: Path, text: str | None) -> XRay:
    entrant, model = contest.trained(run)
    problem, known = entrant.problem, _training(run, entrant.settings)
    if text is None:
        x, y = problem.draw(1, torch.Generator().manual_seed(0))
        labels = [problem.words[k] for k in x[:, 0]] if isinstance(problem, Paragraphs) else None
        found = xray(model, x, loss=lambda answer: problem.loss(answer, y), labels=labels)
    elif isinstance(problem, Paragraphs):
        x = problem.read(text)
        found = xray(model, x, labels=[problem.words[k] for k in x[:, 0]])
    else:
        raise InputError(
            f"--text: the run {run} reads no words, but numbers of its own; leave it out"
        )
    return replace(found, training=known)


def _training(run: Path, settings: TrainSettings) -> dict[str, Any]:
    """What the run tells of its training: how it clipped, and the window of backpropagation."""
    logged = [r for r in read_metrics(run / METRICS) if "clipped_share" in r]
    known: dict[str, Any] = {"window": settings.tbptt or None, "mode": settings.clip}
    if logged:
        cosines = [r.get("clip_cosine", 1.0) for r in logged]
        known["clipping"] = {
            "steps": logged[-1]["step"],
            "clipped_share": logged[-1]["clipped_share"],
            "mean_cosine": sum(cosines) / len(cosines),
        }
    return known
