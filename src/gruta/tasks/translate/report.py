"""The report of a trained translator."""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

import numpy as np

from gruta.codec.text.pairs import PairCodec
from gruta.locale import translate as _
from gruta.locale.numbers import number
from gruta.report.charts import Curve, lines, strokes
from gruta.report.page import Column, Figure, Section, Table, Value
from gruta.report.settings import settings_table
from gruta.tasks.report import learned, reached, score_table
from gruta.tasks.scores import deciding
from gruta.tasks.task import Report
from gruta.tasks.trained import Trained
from gruta.tasks.translate.attention import attention_figure
from gruta.tasks.translate.evaluation import Evaluation, nearest

_SHOWN = 10
_MAPS = 2
_BINS = 6


def model_name(model: str) -> str:
    """A cell or a baseline, as people read it."""
    names = {
        "memory": _("what stands beside the most similar text"),
        "copy": _("the text as it is"),
        "rules": _("rules of letters and their neighbours"),
    }
    return names.get(model, model.upper())


def verdict(found: Evaluation) -> str:
    """Whether the network was worth it; where it lost, that comes first."""
    network, *simple = found.scores
    judged = deciding(found.metrics)
    best = max(simple, key=lambda s: float(s.values[judged.name] or 0))
    text = (
        _(
            "The {cell} loses: {right} on {count} texts, the best simple model {best_right} "
            "({model}). Use that one, or give the network more pairs or steps."
        )
        if found.lost_to
        else _(
            "The {cell} comes to {right} on {count} texts; the best simple model to {best_right} "
            "({model})."
        )
    )
    return text.format(
        cell=model_name(network.model),
        right=reached(network, judged),
        count=number(len(found.expected)),
        best_right=reached(best, judged),
        model=model_name(best.model),
    )


def scores(found: Evaluation) -> Table:
    """A row a model."""
    caption = _("Scores on {count} texts").format(count=number(len(found.expected)))
    styles = strokes([s.model for s in found.scores])
    note = _(
        "BLEU: how many of the runs of one to four words are in what was expected, and whether it "
        "is as long; chrF: the same of runs of characters, found and missed. Wholly right: to the "
        "last character. Edit rate: words to insert, leave out or replace (of single words, their "
        "sounds or letters), over those of what was expected."
    )
    return score_table(
        found.scores, found.metrics, styles, name=model_name, caption=caption, note=note
    )


def report(
    trained: Trained[PairCodec], found: Evaluation, metrics: Sequence[Mapping[str, Any]]
) -> Report:
    """How good it is, what it writes and looks at, how it learned."""
    s, name = trained.settings, model_name(trained.settings.cell)
    maps = [] if s.attention == "none" else _maps(trained, found)
    looked = [Section(_("What it looks at"), (), maps)] if maps else []
    sections = [
        Section(_("How good it is"), found.notes, [scores(found), *_by_length(trained, found)]),
        Section(_("What it writes"), (), [*_examples(found)]),
        *looked,
        *learned(metrics, s, picked=_picked(), beside=_samples(metrics)),
        Section(_("Settings"), (), [settings_table({_("value"): {s.cell: s}})]),
    ]
    title = _("Translation by a {cell}").format(cell=name)
    return Report(title, verdict(found), sections)


def _by_length(trained: Trained[PairCodec], found: Evaluation) -> list[Figure]:
    """How many edits texts of about one length need; nothing where all are of one."""
    count = np.array([trained.codec.source.count(one) for one in found.expected.sources])
    models = {found.scores[0].model: [one.text for one in found.written]}
    models |= {name: list(said) for name, (said, _size) in found.simple.answers.items()}
    styles, curves = strokes([*models]), []
    parts = [p for p in np.array_split(np.argsort(count, kind="stable"), _BINS) if len(p)]
    middle = np.array([count[p].mean() for p in parts])
    if middle[0] == middle[-1]:
        return []
    for model, said in models.items():
        pairs = list(zip(said, found.expected.targets, strict=True))
        off = np.array([nearest(one, own, found.expected.by_words) for one, own in pairs], float)
        rates = np.array([100 * off[p, 0].sum() / max(off[p, 1].sum(), 1) for p in parts])
        if rates.min() >= 95 and model != found.scores[0].model:
            continue  # says nothing of length, and would flatten the others
        marked = replace(styles[model], marker="o")
        curves.append(Curve(model_name(model), middle, rates.clip(max=150), marked))
    figure = Figure(
        "by_length",
        _("Edit rate by the length of what was read, texts in {count} parts of as many.").format(
            count=len(parts)
        ),
        _("Line chart of the edit rate over the length of the text, a line a model."),
        lines(curves, _("units read"), _("edit rate (%)")),
    )
    return [figure]


def _examples(found: Evaluation) -> list[Table]:
    """Some of the texts as they come, and those that need most edits."""
    order = np.argsort(-np.array(found.wrong), kind="stable")
    worst = [int(i) for i in order[:_SHOWN] if found.wrong[i]]
    tables = [_table(found, _("The first ones"), range(min(_SHOWN, len(found.expected))))]
    return tables + ([_table(found, _("Those that need most edits"), worst)] if worst else [])


def _table(found: Evaluation, title: str, at: Sequence[int]) -> Table:
    columns = [_("text"), _("expected"), _("written"), _("edits"), _("score")]
    rows: list[list[Value]] = [
        [
            _cut(found.expected.sources[i]),
            _cut(found.expected.targets[i][0]),
            _cut(found.written[i].text),
            float(found.wrong[i]),
            found.written[i].score,
        ]
        for i in at
    ]
    digits = [None, None, None, 0, 2]
    return Table([Column(t, d) for t, d in zip(columns, digits, strict=True)], rows, title)


def _cut(text: str) -> str:
    return text if len(text) <= 200 else f"{text[:199]}…"


def _maps(trained: Trained[PairCodec], found: Evaluation) -> list[Figure]:
    """Attention of the first texts that are of a good length to be seen."""
    good = [i for i, one in enumerate(found.written) if 1 < len(one.units) <= 30]
    figures = []
    for k, i in enumerate(good[:_MAPS], 1):
        source = found.expected.sources[i]
        figures.append(attention_figure(trained.codec, source, found.written[i], f"attention-{k}"))
    return figures


def _samples(metrics: Sequence[Mapping[str, Any]]) -> list[Table]:
    """What a text became as training went on."""
    told = [r for r in metrics if r.get("samples")]
    if not told:
        return []
    kept = [told[k] for k in np.unique(np.linspace(0, len(told) - 1, 8).round().astype(int))]
    tables = []
    for source in kept[-1]["samples"]:
        rows: list[list[Value]] = [
            [float(r["step"]), _cut(r["samples"][source])] for r in kept if source in r["samples"]
        ]
        title = _("“{text}” as training went on").format(text=_cut(source))
        tables.append(Table([Column(_("step"), 0), Column(_("written"))], rows, title))
    return tables


def _picked() -> str:
    """Which weights are kept, as the lesson's criterion has it."""
    return _(
        "with the lowest share of wrong units there, to which a thousandth of the loss is added"
    )
