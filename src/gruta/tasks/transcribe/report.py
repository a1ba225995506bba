"""The report of a trained recogniser."""

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from gruta.codec.audio.speech import SpeechCodec
from gruta.codec.text.graphemes import visible
from gruta.locale import translate as _
from gruta.locale.numbers import number, percent
from gruta.report.charts import strokes
from gruta.report.page import Column, Section, Table, Value
from gruta.report.settings import settings_table
from gruta.tasks.report import learned, score_table
from gruta.tasks.task import Report
from gruta.tasks.trained import Trained
from gruta.tasks.transcribe.evaluation import Evaluation
from gruta.tasks.transcribe.metrics import METRICS
from gruta.tasks.transcribe.shown import alignments, language_table, players

_SHOWN = 10
_STAGES = 8


def model_name(model: str) -> str:
    """A cell or a baseline, as people read it."""
    names = {
        "phrase": _("what is said most often"),
        "summary": _("nearest neighbour by means of eight stretches"),
        "warping": _("nearest neighbour, dynamic time warping of cepstra"),
    }
    return names.get(model, model.upper())


def verdict(found: Evaluation) -> str:
    """Whether the network was worth it; where it lost, that comes first."""
    network, *simple = found.scores
    count = number(len(found.expected))
    if not simple:
        text = _("The {cell} hears {count} recordings with {error} of the words wrong.")
        return text.format(
            cell=model_name(network.model), error=percent(network.wer, 1), count=count
        )
    best = min(simple, key=lambda s: float(s.wer))
    text = (
        _(
            "The {cell} loses: {error} of the words wrong in {count} recordings, the best simple "
            "model {best_error} ({model}). Use that one, or give the network more recordings or "
            "steps."
        )
        if found.lost_to
        else _(
            "The {cell} has {error} of the words wrong in {count} recordings; the best simple "
            "model {best_error} ({model})."
        )
    )
    return text.format(
        cell=model_name(network.model),
        error=percent(network.wer, 1),
        count=count,
        best_error=percent(best.wer, 1),
        model=model_name(best.model),
    )


def scores(found: Evaluation) -> Table:
    """A row a model."""
    caption = _("Scores on {count} recordings").format(count=number(len(found.expected)))
    styles = strokes([s.model for s in found.scores])
    note = _(
        "Word error: words to insert, leave out or replace, over those that were said; it may pass "
        "100%. Character error: the same of characters, blanks among them. Wholly right: without "
        "an error."
    )
    return score_table(found.scores, METRICS, styles, name=model_name, caption=caption, note=note)


def report(
    trained: Trained[SpeechCodec], found: Evaluation, metrics: Sequence[Mapping[str, Any]]
) -> Report:
    """How good it is, what it hears and where, how it learned."""
    s, name = trained.settings, model_name(trained.settings.cell)
    beside = [*_by_speaker(found), *language_table(trained)]
    sections = [
        Section(_("How good it is"), found.notes, [scores(found), *beside]),
        Section(_("What it hears"), (), _examples(found)),
        Section(
            _("Where it hears it"), (), [*alignments(trained, found), *players(trained, found)]
        ),
        *learned(metrics, s, picked=_picked(), beside=_samples(metrics)),
        Section(_("Settings"), (), [settings_table({_("value"): {s.cell: s}})]),
    ]
    return Report(_("Speech recognition by a {cell}").format(cell=name), verdict(found), sections)


def _by_speaker(found: Evaluation) -> list[Table]:
    """Error rates of each speaker; nothing where they are not known, or one alone."""
    speakers = found.recordings.speakers
    if speakers is None or len(set(speakers)) < 2:
        return []
    of, errors = np.array(speakers), found.errors
    rows: list[list[Value]] = []
    for one in sorted(set(speakers)):
        own = of == one
        words = errors.word_edits[own].sum() / max(errors.words[own].sum(), 1)
        characters = errors.character_edits[own].sum() / max(errors.characters[own].sum(), 1)
        rows.append([visible(one), float(own.sum()), 100 * float(words), 100 * float(characters)])
    columns = [
        Column(_("speaker")),
        Column(_("recordings"), 0),
        Column(_("word error (%)"), 1),
        Column(_("character error (%)"), 1),
    ]
    return [Table(columns, rows, _("By who speaks"))]


def _examples(found: Evaluation) -> list[Table]:
    """Some of the recordings as they come, and those that are heard worst."""
    edits = found.errors.character_edits
    order = np.argsort(-edits, kind="stable")
    worst = [int(i) for i in order[:_SHOWN] if edits[i]]
    tables = [_table(found, _("The first ones"), range(min(_SHOWN, len(found.expected))))]
    return tables + ([_table(found, _("Those with most errors"), worst)] if worst else [])


def _table(found: Evaluation, title: str, at: Sequence[int]) -> Table:
    columns = [
        Column(_("recording")),
        Column(_("said")),
        Column(_("heard")),
        Column(_("characters wrong"), 0),
        Column(_("confidence (%)"), 0),
    ]
    rows: list[list[Value]] = [
        [
            visible(found.recordings.utterances[i].name),
            _cut(found.expected[i]),
            _cut(found.heard[i].text) or "–",
            float(found.errors.character_edits[i]),
            100 * found.heard[i].sure,
        ]
        for i in at
    ]
    return Table(columns, rows, title)


def _cut(text: str) -> str:
    text = visible(text)
    return text if len(text) <= 200 else f"{text[:199]}…"


def _samples(metrics: Sequence[Mapping[str, Any]]) -> list[Table]:
    """What was heard as training went on."""
    told = [r for r in metrics if r.get("samples")]
    if not told:
        return []
    at = np.unique(np.linspace(0, len(told) - 1, _STAGES).round().astype(int))
    kept = [told[k] for k in at]
    tables = []
    for recording in kept[-1]["samples"]:
        rows: list[list[Value]] = [
            [float(r["step"]), _cut(r["samples"][recording]) or "–"]
            for r in kept
            if recording in r["samples"]
        ]
        title = _("{recording} as training went on").format(recording=_cut(recording))
        tables.append(Table([Column(_("step"), 0), Column(_("heard"))], rows, title))
    return tables


def _picked() -> str:
    """Which weights are kept, as the lesson's criterion has it."""
    return _(
        "with the lowest share of wrong characters there, to which a thousandth of the loss is "
        "added"
    )
