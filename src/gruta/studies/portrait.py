"""A study's network for a page that computes it."""

import random
from collections.abc import Sequence
from functools import partial
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray

from gruta.studies import contest
from gruta.studies.problems import Paragraphs
from gruta.tasks.portrait import Linear, Portrait, Sample, Vocabulary, stack

_SEQUENCES = 3


def portrait(run: Path) -> Portrait:
    """Of a finished run: its layer, what reads it, and sequences of its own problem."""
    entrant, model = contest.trained(run)
    weights = {name: value.numpy() for name, value in model.state_dict().items()}
    problem, words = entrant.problem, None
    if isinstance(problem, Paragraphs):
        words = Vocabulary("words", problem.words[1:], lambda text: _read(problem, text))
        samples = [Sample(partial(str, text), text) for text in _paragraphs(problem)]
    else:
        x, _y = problem.draw(_SEQUENCES, torch.Generator().manual_seed(0))
        samples = [
            Sample(
                partial(str, f"{problem.name} {k + 1}"), x=own, labels=_labels(own, problem.signs)
            )
            for k, own in enumerate(x.swapaxes(0, 1).numpy())
        ]
    return Portrait(
        entrant.cell,
        stack(weights, "layer"),
        embedding=weights.get("embedding.weight"),
        output=Linear(weights["head.weight"], weights["head.bias"]),
        vocabulary=words,
        columns=lambda: problem.signs,
        samples=samples,
    )


def _labels(x: NDArray[np.float32], signs: Sequence[str]) -> list[str]:
    """The signs that are set at each step, or its number."""
    set_at = (
        "".join(sign for sign, value in zip(signs, row, strict=True) if value == 1) for row in x
    )
    return [said or str(t + 1) for t, said in enumerate(set_at)]


def _paragraphs(problem: Paragraphs) -> list[str]:
    draw = random.Random(0)
    return [problem.paragraph(draw)[0] for _ in range(_SEQUENCES)]


def _read(problem: Paragraphs, text: str) -> tuple[NDArray[np.int64], list[str]]:
    numbers = problem.read(text)[:, 0].numpy()
    return numbers, [problem.words[k] for k in numbers]
