"""The simple classifiers that stand beside every score; scikit-learn's, and a library's for DTW."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray
from sklearn.feature_extraction.text import TfidfVectorizer
from sklearn.linear_model import LogisticRegression
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

from gruta.codec.classes import ClassCodec
from gruta.data.labelled import Cases
from gruta.locale import translate as _
from gruta.tasks.warping import nearest

Truth = NDArray[np.int64]
Answer = tuple[NDArray[np.float64], int]
"""Probabilities `[N, K]`, and how many numbers were learned for them."""


@dataclass(frozen=True, eq=False)
class Simple:
    """What each model answers, by its name, and what was left out, for people."""

    answers: dict[str, Answer]
    notes: list[str]


def simple_models(
    train: Cases | None, codec: ClassCodec, test: Cases, source: str | None
) -> Simple:
    """The majority class and, where the training part is at hand, what is fitted to it.

    source: where the training part was read, if that is known.
    """
    shares = np.array(codec.counts) / sum(codec.counts)
    majority = {"majority": (np.tile(shares, (len(test), 1)), len(shares))}
    if train is None:
        gone = (
            _("{source}, which the network was trained on, is not there any more, or has changed")
            if source
            else _("no file is known of what the network was trained on")
        )
        left = _("Other simple models are left out: {gone}. Give it with --train (Python: train=).")
        return Simple(majority, [left.format(gone=gone.format(source=source))])
    notes: list[str] = []
    try:
        truth = codec.numbers(train.require_labels())
        fitted = (
            _of_texts(train, truth, test)
            if test.kind == "text"
            else _of_series(train, truth, test, notes)
        )
    except ValueError as error:  # no word in any text
        return Simple(majority, [str(error)])
    return Simple(majority | fitted, notes)


def _of_texts(train: Cases, truth: Truth, test: Cases) -> dict[str, Answer]:
    models = {
        "words": (TfidfVectorizer(sublinear_tf=True), _regression()),
        "characters": (
            TfidfVectorizer(analyzer="char", ngram_range=(2, 5), min_df=2, sublinear_tf=True),
            _regression(),
        ),
    }
    pipelines = {name: make_pipeline(*steps) for name, steps in models.items()}
    return {n: _answer(p, train.cases, truth, test.cases) for n, p in pipelines.items()}


def _of_series(train: Cases, truth: Truth, test: Cases, notes: list[str]) -> dict[str, Answer]:
    regression = make_pipeline(StandardScaler(), _regression())
    x, y = summaries(train.cases), summaries(test.cases)
    found = {"summaries": _answer(regression, x, truth, y)}
    places = nearest(_filled(train.cases), _filled(test.cases), notes)
    if places is not None:
        found["nearest"] = np.eye(int(truth.max()) + 1)[truth[places]], 0
    return found


def _regression() -> LogisticRegression:
    return LogisticRegression(C=10.0, max_iter=300)


def _answer(model: Any, x: Any, truth: Truth, y: Any) -> Answer:
    """In the order of the classes' numbers."""
    model.fit(x, truth)
    last = model[-1] if hasattr(model, "steps") else model
    learned = sum(
        getattr(last, name).size for name in ("coef_", "intercept_") if hasattr(last, name)
    )
    return model.predict_proba(y), learned


def summaries(series: Sequence[NDArray[np.float64]]) -> NDArray[np.float64]:
    """`[N, 6C + 1]`: of each channel mean, deviation, least, largest, first, last; the length."""
    rows = []
    for case in _filled(series):
        parts = [case.mean(0), case.std(0), case.min(0), case.max(0), case[0], case[-1]]
        rows.append(np.concatenate([*parts, [len(case)]]))
    return np.array(rows)


def _filled(series: Sequence[NDArray[np.float64]]) -> list[NDArray[np.float64]]:
    """A gap is its channel's mean in the case, or 0."""
    filled = []
    for case in series:
        missing = np.isnan(case)
        counts = (~missing).sum(0)
        means = np.where(missing, 0.0, case).sum(0) / np.maximum(counts, 1)
        filled.append(np.where(missing, means, case))
    return filled
