"""A look into a network of a study."""

from dataclasses import replace
from pathlib import Path

import torch
from torch import Tensor

from gruta.errors import InputError
from gruta.health.advice import Advice
from gruta.insight import XRay, xray
from gruta.insight.training import told_by
from gruta.locale import translate as _
from gruta.locale.numbers import percent
from gruta.runs import METRICS, read_metrics
from gruta.studies import contest
from gruta.studies.problems import Paragraphs

_SEQUENCES = 200


def look(run: Path, text: str | None) -> XRay:
    """Into the run's network while it reads `text`, or else a sequence of its own problem."""
    entrant, model = contest.trained(run)
    problem, settings = entrant.problem, entrant.settings
    answer, loss = "", None
    if text is None:  # the first sequence is looked at, and the loss is the mean over all
        x, y = problem.draw(_SEQUENCES, torch.Generator().manual_seed(0))

        def loss(answers: Tensor) -> Tensor:
            return problem.loss(answers, y)

    elif isinstance(problem, Paragraphs):
        x = problem.read(text)
        with torch.no_grad():
            yes = float(torch.sigmoid(model(x)))
        answer = f"{_('yes') if yes > 0.5 else _('no')} ({percent(max(yes, 1 - yes), 1)})"
    else:
        text = _("--text: the run {run} reads no words, but numbers of its own; leave it out")
        raise InputError(text.format(run=run))
    labels = None
    if isinstance(problem, Paragraphs):
        labels = [problem.words[k] for k in x[:, 0] if k]

    def tried_by(advice: Advice) -> str | None:
        has_it = entrant.init == "chrono" and "chrono" in advice.code
        return None if has_it else advice.code if advice.layer else ""

    records = read_metrics(run / METRICS)
    found = xray(model, x, loss=loss, labels=labels)
    training = told_by(records, settings.clip, settings.tbptt)
    return replace(found, training=training, tried_by=tried_by, answer=answer)
