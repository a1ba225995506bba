"""A trained classifier against what was true, with the simple ones beside it."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

import numpy as np
import polars as pl
from numpy.typing import NDArray
from sklearn.metrics import f1_score

from gruta.codec.classes import ClassCodec
from gruta.data.labelled import Cases
from gruta.errors import InputError
from gruta.locale import translate as _
from gruta.locale.numbers import number
from gruta.tasks.classify.answers import encoded
from gruta.tasks.classify.baselines import Simple, simple_models
from gruta.tasks.classify.metrics import METRICS
from gruta.tasks.scores import Scores, lost_to
from gruta.tasks.trained import Trained

_BINS = np.linspace(0, 1, 11)


@dataclass(frozen=True, eq=False)
class Evaluation:
    """N cases: what was true `[N]`, the network's probabilities `[N, K]`, and scores.

    simple: what the models answer that know nothing of the network.
    """

    cases: Cases
    labels: tuple[str, ...]
    truth: NDArray[np.int64]
    probabilities: NDArray[np.float64]
    simple: Simple
    scores: list[Scores]
    notes: list[str]

    @property
    def lost_to(self) -> list[str]:
        """The simple models that are more often right."""
        return lost_to(self.scores, METRICS)

    @property
    def answers(self) -> NDArray[np.int64]:
        """The likeliest class of each case `[N]`."""
        found: NDArray[np.int64] = self.probabilities.argmax(1)
        return found

    @property
    def certainty(self) -> NDArray[np.float64]:
        """Its probability `[N]`."""
        found: NDArray[np.float64] = self.probabilities.max(1)
        return found

    def frame(self) -> pl.DataFrame:
        """Of each case what was true, the answer, how certain that is, and each class's share."""
        labels = np.array(self.labels, object)
        known = {"case": np.arange(1, len(self.truth) + 1), "truth": labels[self.truth]}
        answers = {"class": labels[self.answers], "certainty": self.certainty}
        shares = {f"p {label}": self.probabilities[:, i] for i, label in enumerate(self.labels)}
        return pl.DataFrame(known | answers | shares)

    @property
    def renamed(self) -> Mapping[str, str]:
        """None: no column of the data is among those of `frame`."""
        return {}


def evaluate(
    trained: Trained[ClassCodec],
    test: Cases,
    train: Cases | None,
    *,
    seen: bool = False,
    like: Evaluation | None = None,
) -> Evaluation:
    """Score the network on `test`, and simple models fitted to `train`.

    seen: whether training saw these cases. like: of another network, trained and scored on the same
    cases; its simple models are taken as they are.
    """
    codec, name = trained.codec, trained.settings.cell
    labels = tuple(map(str, codec.labels))
    truth = codec.numbers(test.require_labels())
    if (truth < 0).any():
        unknown = sorted({*map(str, test.require_labels())} - {*labels})
        problem = _(
            "{source}: expected the classes {known}, found {unknown}; train with them, or leave "
            "those cases out"
        )
        raise InputError(
            problem.format(
                source=test.source, known=", ".join(labels), unknown=", ".join(unknown[:5])
            )
        )
    read = encoded(codec, test)
    own, bayes = codec.probabilities(trained.head(read)), trained.head.bayes(read)
    simple = like.simple if like else simple_models(train, codec, test, trained.source)
    answers = {name: (own, trained.head.size)} | simple.answers
    if bayes is not None:
        by_units = replace(codec, temperature=1.0).probabilities(bayes)
        answers["naive Bayes"] = (by_units, trained.head.bayes_size)
    scores = [
        Scores(model, size, measures(truth, found)) for model, (found, size) in answers.items()
    ]
    longest = sum(codec.steps(case) > codec.longest for case in test.cases)
    cut = _("{count} cases are longer than the {steps} steps that are read of them.").format(
        count=number(longest), steps=number(codec.longest)
    )
    notes = simple.notes + ([cut] if longest else [])
    if seen:
        notes.append(_("Training saw these cases: name the test's file to score on that."))
    return Evaluation(test, labels, truth, own, simple, scores, notes)


def measures(truth: NDArray[np.int64], found: NDArray[np.float64]) -> dict[str, float]:
    """The scores of probabilities `[N, K]` by name."""
    answers, rows = found.argmax(1), np.arange(len(truth))
    return {
        "accuracy": float((answers == truth).mean()),
        "macro_f1": float(f1_score(truth, answers, average="macro", zero_division=0.0)),
        "log_loss": float(-np.log(found[rows, truth].clip(1e-15)).mean()),
        "calibration_error": sum(
            share * abs(right - sure) for sure, right, share in calibration(truth, found)
        ),
    }


def calibration(
    truth: NDArray[np.int64], found: NDArray[np.float64]
) -> Sequence[tuple[float, float, float]]:
    """Mean certainty, share of right answers, and share of the cases, by bin of certainty."""
    sure, right = found.max(1), found.argmax(1) == truth
    bins = np.clip(np.digitize(sure, _BINS) - 1, 0, len(_BINS) - 2)
    used = [bins == k for k in np.unique(bins)]
    return [(float(sure[b].mean()), float(right[b].mean()), float(b.mean())) for b in used]
