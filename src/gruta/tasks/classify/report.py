"""The report of a trained classifier."""

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from gruta.codec.classes import ClassCodec
from gruta.codec.text.vocabulary import Vocabulary
from gruta.locale import translate as _
from gruta.locale.numbers import number, percent
from gruta.report.charts import ACCENTS, INK, Curve, Stroke, lines, strokes
from gruta.report.page import Column, Figure, Section, Table, Value
from gruta.report.settings import settings_table
from gruta.tasks.classify.answers import deciding
from gruta.tasks.classify.evaluation import Evaluation, calibration
from gruta.tasks.classify.metrics import METRICS
from gruta.tasks.report import learned, score_table
from gruta.tasks.task import Report
from gruta.tasks.trained import Trained

_SHOWN = 8
_MOST_CLASSES = 12
_FEW = 10


def model_name(model: str) -> str:
    """A cell or a baseline, as people read it."""
    names = {
        "majority": _("majority class"),
        "naive Bayes": _("naive Bayes on the same units"),
        "words": _("TF-IDF of words, logistic regression"),
        "characters": _("TF-IDF of 2 to 5 characters, logistic regression"),
        "summaries": _("summary statistics, logistic regression"),
        "nearest": _("nearest neighbour, dynamic time warping"),
    }
    return names.get(model, model.upper())


def verdict(found: Evaluation) -> str:
    """Whether the network was worth it; where it lost, that comes first."""
    network, *simple = found.scores
    best = max(simple, key=lambda s: s.accuracy)
    text = (
        _(
            "The {cell} loses: {right} of {count} cases right, the best simple model {best_right} "
            "({model}). Use that one, or give the network more cases or steps."
        )
        if found.lost_to
        else _(
            "The {cell} is right in {right} of {count} cases; the best simple model in "
            "{best_right} ({model})."
        )
    )
    return text.format(
        cell=model_name(network.model),
        right=percent(network.accuracy, 1),
        count=number(len(found.truth)),
        best_right=percent(best.accuracy, 1),
        model=model_name(best.model),
    )


def scores(found: Evaluation) -> Table:
    """A row a model."""
    caption = _("Scores on {count} cases").format(count=number(len(found.truth)))
    styles = strokes([s.model for s in found.scores])
    note = _(
        "Accuracy: share of right answers. Macro F1: of each class the harmonic mean of the share "
        "of its cases that are found and of its answers that are right, and the mean over the "
        "classes; rare ones weigh as much. Log loss: minus the mean logarithm of the probability "
        "given to what was true. Calibration error: how far certainty lies from the share of right "
        "answers."
    )
    return score_table(found.scores, METRICS, styles, name=model_name, caption=caption, note=note)


def report(
    trained: Trained[ClassCodec], found: Evaluation, metrics: Sequence[Mapping[str, Any]]
) -> Report:
    """How good it is, where it errs and how sure it is, how it learned."""
    s, name = trained.settings, model_name(trained.settings.cell)
    sections = [
        Section(_("How good it is"), found.notes, [scores(found)]),
        Section(_("Where it errs"), (), [_confusions(found), *errors(trained, found)]),
        Section(_("How sure it is"), _sureness(trained), [_calibration_figure(found, s.cell)]),
        *learned(metrics, s, picked=_picked()),
        Section(_("Settings"), (), [settings_table({_("value"): {s.cell: s}})]),
    ]
    title = _("{classes} classes by a {cell}").format(classes=number(len(found.labels)), cell=name)
    return Report(title, verdict(found), sections)


def _picked() -> str:
    """Which weights are kept, as the lesson's criterion has it."""
    return _("with the lowest share of errors there, to which a thousandth of the loss is added")


def _confusions(found: Evaluation) -> Table:
    """Each class against each where they are few, else the most frequent confusions."""
    K = len(found.labels)
    counts = np.zeros((K, K), int)
    np.add.at(counts, (found.truth, found.answers), 1)
    if K <= _MOST_CLASSES:
        columns = [Column(_("true, and taken for")), *(Column(label, 0) for label in found.labels)]
        square = zip(found.labels, counts.tolist(), strict=True)
        return Table(
            columns, [[label, *row] for label, row in square], _("What was taken for what")
        )
    np.fill_diagonal(counts, 0)
    first = np.argsort(-counts, axis=None, kind="stable")[:_SHOWN]
    pairs = [divmod(int(k), K) for k in first]
    rows: list[list[Value]] = [
        [found.labels[i], found.labels[j], float(counts[i, j])] for i, j in pairs if counts[i, j]
    ]
    columns = [Column(_("true")), Column(_("taken for")), Column(_("cases"), 0)]
    return Table(columns, rows, _("The most frequent confusions"))


def errors(trained: Trained[ClassCodec], found: Evaluation) -> list[Table]:
    """The errors of which the network was surest, and least sure."""
    wrong = np.flatnonzero(found.answers != found.truth)
    order = wrong[np.argsort(-found.certainty[wrong], kind="stable")]
    parts = {_("Surest errors"): order[:_SHOWN], _("Least sure errors"): order[_SHOWN:][::-1]}
    if len(order) <= _SHOWN:
        parts = {_("Errors, the surest first"): order}
    return [
        _error_table(trained, found, title, at[:_SHOWN].tolist())
        for title, at in parts.items()
        if len(at)
    ]


def _error_table(
    trained: Trained[ClassCodec], found: Evaluation, title: str, at: Sequence[int]
) -> Table:
    columns = [_("case"), _("true"), _("taken for"), _("certainty (%)"), _("what decided")]
    if found.cases.kind == "series":
        columns[-1] = _("what decided (steps, from 0)")
    rows = [
        [
            _shown(found, i),
            found.labels[found.truth[i]],
            found.labels[found.answers[i]],
            100 * float(found.certainty[i]),
            _deciding(trained, found.cases.cases[i]),
        ]
        for i in at
    ]
    return Table([Column(t, 1 if k == 3 else None) for k, t in enumerate(columns)], rows, title)


def _shown(found: Evaluation, i: int) -> str:
    case = found.cases.cases[i]
    text = case if isinstance(case, str) else found.cases.names[i]
    return text if len(text) <= 90 else f"{text[:89]}…"


def _deciding(trained: Trained[ClassCodec], case: Any) -> str:
    """The steps that the answer hangs on: units of a text, numbers of steps of a series."""
    encoded = trained.codec.encode([case])[0]
    if len(encoded) > 400:
        return ""
    at, reader = deciding(trained, encoded), trained.codec.reader
    if isinstance(reader, Vocabulary):
        steps = reader.shown(case)
        around = 2 if reader.unit in ("characters", "grams") else 0
        return " · ".join("".join(steps[max(0, k - around) : k + 1 + around]) for k in at)
    return ", ".join(map(str, at))


def _sureness(trained: Trained[ClassCodec]) -> list[str]:
    codec = trained.codec
    told = _(
        "The scores are divided by {temperature}, the temperature at which the validation part is "
        "likeliest. On the diagonal certainty is right: of the answers given with 80%, 80% hold."
    ).format(temperature=number(codec.temperature))
    if codec.kind == "series" or not trained.settings.bayes:
        return [told]
    mixed = _(
        "Naive Bayes weighs {mix} beside the network: so most of the validation part is right."
    )
    return [told, mixed.format(mix=number(codec.mix))]


def _calibration_figure(found: Evaluation, cell: str) -> Figure:
    """Bins of a few cases say little, and are left out."""
    enough = (_FEW - 0.5) / len(found.truth)
    used = [b for b in calibration(found.truth, found.probabilities) if b[2] > enough]
    bins = np.array(used).reshape(-1, 3) * 100
    diagonal = np.array([0.0, 100.0])
    curves = [
        Curve(_("as it should be"), diagonal, diagonal, Stroke(INK, width=0.8)),
        Curve(model_name(cell), bins[:, 0], bins[:, 1], Stroke(ACCENTS[cell], marker="o")),
    ]
    return Figure(
        "calibration",
        _(
            "Share of right answers by how certain they were given, in steps of 10%; those with "
            "fewer than {few} answers are left out."
        ).format(few=_FEW),
        _("Line chart of the share of right answers over the certainty, beside the diagonal."),
        lines(curves, _("certainty (%)"), _("right (%)")),
    )
