"""The report of a trained captioner."""

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from gruta.codec.pictures.captions import CaptionCodec
from gruta.locale import translate as _
from gruta.locale.numbers import number, percent
from gruta.report.charts import Curve, lines, strokes
from gruta.report.page import Column, Figure, Heading, Pictures, Section, Table, Value
from gruta.report.settings import settings_table
from gruta.tasks.caption.drawn import looked_at, picture_of
from gruta.tasks.caption.evaluation import Evaluation
from gruta.tasks.caption.scores import Difference
from gruta.tasks.report import learned, reached, score_table
from gruta.tasks.scores import Scores, deciding
from gruta.tasks.task import Report
from gruta.tasks.trained import Trained

_SHOWN = 12
_LOOKED_AT = 4


def model_name(model: str) -> str:
    """A cell or a baseline, as people read it."""
    names = {
        "pixels": _("the caption of the nearest picture, by pixels"),
        "features": _("of the nearest by what the convolutions see"),
        "frequent": _("the most frequent caption"),
    }
    return names.get(model, model.upper())


def verdict(found: Evaluation) -> str:
    """Whether the network was worth it; where it lost, that comes first."""
    network, *simple = found.scores
    judged = deciding(found.metrics)
    if not simple:
        text = _("The {cell} comes to {right} on {count} captions.")
        return text.format(
            cell=model_name(network.model),
            right=reached(network, judged),
            count=number(len(found.expected)),
        )
    best = max(simple, key=lambda s: float(s.values[judged.name] or 0))
    gap, error = next(
        getattr(one, judged.name) for one in found.differences if one.model == best.model
    )
    text = (
        _(
            "The {cell} loses: {right} on {count} captions, the best simple model {best_right} "
            "({model}). Use that one, or give the network more pictures or steps."
        )
        if found.lost_to
        else _(
            "The {cell} comes to {right} on {count} captions; the best simple model to "
            "{best_right} ({model})."
        )
        if gap >= 2 * error
        else _(
            "The {cell} comes to {right} on {count} captions; the best simple model to "
            "{best_right} ({model}), which is no more apart than by chance."
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
    caption = _("Scores on {count} captions").format(count=number(len(found.expected)))
    note = _(
        "BLEU: how many of the runs of one to four words are in what was expected, and whether it "
        "is as long; CIDEr: the same of runs that weigh more the fewer pictures have them, up to "
        "10; wholly right: to the last character."
    )
    return _table(found, found.scores, caption, note)


def _table(found: Evaluation, own: Sequence[Scores], caption: str, note: str = "") -> Table:
    styles = strokes([s.model for s in own])
    return score_table(own, found.metrics, styles, name=model_name, caption=caption, note=note)


def report(
    trained: Trained[CaptionCodec], found: Evaluation, metrics: Sequence[Mapping[str, Any]]
) -> Report:
    """How good it is, what it says and looks at, how it learned."""
    s, name = trained.settings, model_name(trained.settings.cell)
    looked = [] if s.attention == "none" else _looked(found)
    sections = [
        Section(_("How good it is"), found.notes, [scores(found), *_apart(found), _spread(found)]),
        Section(_("What it says"), (), _examples(found)),
        *([Section(_("What it looks at"), (_looks_how(),), looked)] if looked else []),
        *learned(metrics, s, picked=_picked(), beside=_samples(metrics)),
        Section(_("Settings"), (), [settings_table({_("value"): {s.cell: s}})]),
    ]
    title = _("Captions by a {cell}").format(cell=name)
    return Report(title, verdict(found), sections)


def _apart(found: Evaluation) -> list[Table]:
    """How far the network is from each simple model, and the scores of each language."""
    tables = []
    if len(found.by_language) > 1:
        for language, own in found.by_language.items():
            tables.append(_table(found, own, _("In {language}").format(language=language)))
    if found.differences:
        columns = [Column(_("model")), Column("BLEU"), Column("CIDEr"), Column(_("wholly right"))]
        rows: list[list[Value]] = [_difference(one) for one in found.differences]
        title = _("How much better the network is, with the standard error")
        note = _(
            "Paired: over the same pictures, drawn anew a thousand times for BLEU. Less than two "
            "standard errors may be chance."
        )
        tables.append(Table(columns, rows, title, note))
    return tables


def _spread(found: Evaluation) -> Figure:
    """How many captions are at least so good, of each model."""
    styles, curves = strokes([*found.counted]), []
    shares = np.linspace(0, 100, 101)
    for model, own in found.counted.items():
        best_first = np.quantile(own.cider, 1 - shares / 100)
        curves.append(Curve(model_name(model), shares, best_first, styles[model]))
    return Figure(
        "spread",
        _("CIDEr of each caption, the best first: how many are how good."),
        _("Line chart of CIDEr over the share of captions that reach it, a line a model."),
        lines(curves, _("captions (%)"), "CIDEr"),
    )


def _difference(one: Difference) -> list[Value]:
    gaps = (*(((one.bleu, 1, 1)), (one.cider, 1, 2)),)
    told: list[Value] = [
        f"{number(gap * factor, digits)} ± {number(error * factor, digits)}"
        for (gap, error), factor, digits in gaps
    ]
    gap, error = one.exact
    return [model_name(one.model), *told, f"{percent(gap, 1)} ± {percent(error, 1)}"]


def _examples(found: Evaluation) -> list[Heading | Pictures]:
    """Some as they come, and those that are least like what was expected."""
    own = next(iter(found.counted.values()))
    first = np.linspace(0, len(found.expected) - 1, min(_SHOWN, len(found.expected))).astype(int)
    order = np.argsort(own.cider + own.exact, kind="stable")
    worst = [int(i) for i in order[:_SHOWN] if not own.exact[i]]
    shown: list[Heading | Pictures] = [
        Heading(_("Some, evenly over the test")),
        _gallery(found, first.tolist()),
    ]
    if worst:
        shown += [Heading(_("Those that are least like it")), _gallery(found, worst)]
    return shown


def _gallery(found: Evaluation, at: Sequence[int]) -> Pictures:
    items = []
    for i in at:
        expected = _("Expected: {text}").format(text=found.expected.captions[i][0])
        said = _("Written: {text}").format(text=found.written[i].text)
        items.append(picture_of(found.expected.shots[i], (expected, said)))
    return Pictures(items)


def _looked(found: Evaluation) -> list[Heading | Pictures]:
    """Of some captions, where each of their units looked."""
    good = [i for i, one in enumerate(found.written) if 1 < len(one.units) <= 24]
    own = next(iter(found.counted.values()))
    good.sort(key=lambda i: -own.cider[i])
    shown: list[Heading | Pictures] = []
    for i in good[:_LOOKED_AT]:
        shown += [
            Heading(found.written[i].text),
            looked_at(found.expected.shots[i], found.written[i]),
        ]
    return shown


def _looks_how() -> str:
    return _(
        "A picture for each unit that was written, of a clip its frames side by side: bright where "
        "it looked, as far as attention tells that."
    )


def _samples(metrics: Sequence[Mapping[str, Any]]) -> list[Table]:
    """What was said of a picture as training went on."""
    told = [r for r in metrics if r.get("samples")]
    if not told:
        return []
    kept = [told[k] for k in np.unique(np.linspace(0, len(told) - 1, 8).round().astype(int))]
    tables = []
    for name in kept[-1]["samples"]:
        rows: list[list[Value]] = [
            [float(r["step"]), r["samples"][name]] for r in kept if name in r["samples"]
        ]
        title = _("“{text}” as training went on").format(text=name)
        tables.append(Table([Column(_("step"), 0), Column(_("written"))], rows, title))
    return tables


def _picked() -> str:
    """Which weights are kept, as the lesson's criterion has it."""
    return _(
        "with the lowest share of wrong units there, to which a thousandth of the loss is added"
    )
