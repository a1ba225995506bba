"""The report of a trained language model."""

import itertools
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from gruta.codec.text.graphemes import graphemes, visible
from gruta.codec.text.sampling import Sampling
from gruta.codec.text.units import Units
from gruta.locale import translate as _
from gruta.locale.numbers import number, percent
from gruta.report.charts import ACCENTS, INK, Curve, Stroke, lines, strokes
from gruta.report.page import Column, Figure, Heading, Prose, Section, Table, Value
from gruta.report.settings import settings_table
from gruta.tasks.generate.evaluation import Evaluation, Nats
from gruta.tasks.generate.generation import written
from gruta.tasks.generate.metrics import METRICS
from gruta.tasks.generate.names import kind_name
from gruta.tasks.generate.scoring import DYNAMIC
from gruta.tasks.report import learned, score_table
from gruta.tasks.task import Report
from gruta.tasks.trained import Trained

_SAMPLES = 3
_SAMPLE = 400
_STAGES = 6
_STRETCHES, _STRETCH = 60, 50
_SHADED = 20_000
_DARKEST = 8.0
_BEFORE = 48
"""Graphemes of what stands before a surprise."""


def model_name(model: str) -> str:
    """A cell, an n-gram model or both, as people read it."""
    if model.startswith(DYNAMIC):
        own = model.removeprefix(DYNAMIC)
        name = _gram(own) if own[0].isdigit() else model_name(own)
        return _("learning {model}").format(model=name)
    if model == "unigram":
        return _("how often each unit comes")
    if "+" in model:
        cell, gram = model.split("+")
        return _("{cell} and {gram}").format(cell=cell.upper(), gram=_gram(gram))
    if model.endswith("-gram"):
        return _("{gram}, Kneser-Ney smoothing").format(gram=_gram(model))
    return model.upper()


def _gram(model: str) -> str:
    return _("{order}-gram").format(order=model.removesuffix("-gram"))


def verdict(found: Evaluation) -> str:
    """Whether the network was worth it; where it lost, that comes first."""
    network, simple = found.scores[0], found.simple.scores
    if not simple:
        text = _("The {cell} finds the text likely at {bits} bits a character.")
        return text.format(cell=model_name(network.model), bits=number(network.bits, 3))
    best = min(simple, key=lambda s: s.bits)
    text = (
        _(
            "The {cell} loses: {bits} bits a character, the best simple model {best_bits} "
            "({model}). Use that one, or give the network more text or steps."
        )
        if found.lost_to
        else _(
            "The {cell} needs {bits} bits a character; the best simple model {best_bits} "
            "({model}), so the network needs {gain} less."
        )
    )
    return text.format(
        cell=model_name(network.model),
        bits=number(network.bits, 3),
        best_bits=number(best.bits, 3),
        model=model_name(best.model),
        gain=percent(1 - network.bits / best.bits, 1),
    )


def scores(found: Evaluation) -> Table:
    """A row a model."""
    caption = _("Scores on {count} characters").format(count=number(found.texts.length))
    styles = strokes([s.model for s in found.scores])
    note = _(
        "Bits and nats a character: minus the mean logarithm, to base 2 and e, of the probability "
        "of what came, over all characters, whatever the units are; so models of other units can "
        "be compared. Nats a unit: over units. Perplexity: e to the power of that."
    )
    if any(s.model.startswith(DYNAMIC) for s in found.scores):
        note += " " + _("Learning: from the text itself, each stretch once it was scored.")
    return score_table(found.scores, METRICS, styles, name=model_name, caption=caption, note=note)


def surprises(found: Evaluation) -> Table:
    """Where the text went against what was expected."""
    columns = [
        Column(_("text")),
        Column(_("unit"), 0),
        Column(_("after")),
        Column(_("came")),
        Column(_("nats"), 1),
    ]
    rows: list[list[Value]] = [
        [one.text, one.place, _ending(one.before), _flat(one.came), one.nats]
        for one in found.surprises()
    ]
    return Table(columns, rows, _("What surprised it most"))


def report(
    trained: Trained[Units], found: Evaluation, metrics: Sequence[Mapping[str, Any]]
) -> Report:
    """How good it is, what it writes, what surprised it, how it learned."""
    s, name = trained.settings, model_name(trained.settings.cell)
    writes: list[Any] = []
    for title_of, text in _samples(trained):
        writes += [Heading(title_of), Prose([(text, 0.0)])]
    sections = [
        Section(_("How good it is"), found.notes, [scores(found), _along(found)]),
        Section(_("What it writes"), (_sampled(),), writes),
        Section(_("What surprised it"), (), [surprises(found)]),
        *learned(metrics, s, beside=_stages(metrics)),
        Section(_("Settings"), (), [settings_table({_("value"): {s.cell: s}})]),
    ]
    title = _("{count} {units} by a {cell}").format(
        count=number(trained.codec.size - 1), units=kind_name(trained.codec.kind), cell=name
    )
    return Report(title, verdict(found), sections)


def _along(found: Evaluation) -> Figure:
    """What units cost along the texts, by the network and by the best n-gram model."""
    units = sum(map(len, found.nats))
    stretches = max(1, min(_STRETCHES, units // _STRETCH))
    ends = np.linspace(0, units, stretches + 1).astype(int)
    accent = ACCENTS[found.scores[0].model.split("+")[0]]
    models = {_cell(found): (_sums(found.nats), Stroke(accent, width=1.8))}
    if found.simple.nats:
        name = model_name(found.simple.scores[-1].model)
        models[name] = _sums(found.simple.nats), Stroke(INK, width=1.0)
    curves = [
        Curve(name, ends[1:].astype(float), np.diff(sums[ends]) / np.diff(ends), own)
        for name, (sums, own) in models.items()
    ]
    return Figure(
        "along",
        _("Mean nats a unit along what was held out, in {count} stretches.").format(
            count=number(stretches)
        ),
        _("Line chart of the mean nats a unit over the units of the text, a line a model."),
        lines(curves, _("unit"), _("nats a unit")),
    )


def _sums(nats: Nats) -> NDArray[np.float64]:
    """Of all units before each."""
    return np.cumsum(np.concatenate([np.zeros(1), *nats]))


def scored(found: Evaluation) -> Report:
    """Of texts that were scored: how likely they are, and where they surprise."""
    sections = [
        Section(_("How likely it is"), found.notes, [scores(found)]),
        Section(_("What surprised it"), (), [surprises(found)]),
        Section(_("The text"), (_shaded(),), [Prose(list(_shades(found)))]),
    ]
    return Report(_("What surprises a {cell}").format(cell=_cell(found)), verdict(found), sections)


def _shades(found: Evaluation) -> Iterator[tuple[str, float]]:
    """The beginning of the first text; neighbours that stand equally dark in one part."""
    nats = found.nats[0][:_SHADED]
    units = found.codec.split(found.texts.texts[0].text)[:_SHADED]
    levels = np.minimum(nats / _DARKEST, 1).round(1)
    starts = [0, *(np.flatnonzero(np.diff(levels)) + 1).tolist(), len(units)]
    for start, end in itertools.pairwise(starts):
        yield visible(found.codec.joined(units[start:end])), float(levels[start])


def _shaded() -> str:
    return _(
        "The first {count} units: the darker one stands, the less it was expected; {nats} nats and "
        "more are darkest."
    ).format(count=number(_SHADED), nats=number(_DARKEST))


def _cell(found: Evaluation) -> str:
    return model_name(found.scores[0].model)


def _sampled() -> str:
    return _("Drawn at three temperatures from the same draws: the lower, the likelier each unit.")


def _samples(trained: Trained[Units]) -> list[tuple[str, str]]:
    found = []
    for temperature in (0.5, 0.8, 1.0):
        how = Sampling(temperature=temperature)
        (text,) = written(trained.head, trained.codec, "", how, length=_SAMPLE)
        title = _("temperature {value}").format(value=number(temperature, 1))
        found.append((title, text))
    return found


def _stages(metrics: Sequence[Mapping[str, Any]]) -> list[Table]:
    """What it wrote after more and more steps."""
    stages = [record for record in metrics if "samples" in record]
    few = stages[:: max(1, -(-len(stages) // _STAGES))]
    rows: list[list[Value]] = [
        [record["step"], visible(text)] for record in few for text in record["samples"].values()
    ]
    columns = [Column(_("step"), 0), Column(_("it writes"))]
    return [Table(columns, rows, _("What it wrote while it learned"))] if stages else []


def _ending(text: str) -> str:
    found = graphemes(_flat(text))
    return "".join(found) if len(found) <= _BEFORE else "…" + "".join(found[-_BEFORE:])


def _flat(text: str) -> str:
    return visible(text.replace("\n", "↵").replace("\t", "⇥"))
