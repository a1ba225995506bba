"""The report of a network that writes notes."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from matplotlib.figure import Figure as Drawing
from matplotlib.ticker import FuncFormatter, MultipleLocator

from gruta.codec.notes.frames import LOWEST, Frames
from gruta.codec.notes.piece import END, KEY, START, Piece
from gruta.locale import translate as _
from gruta.locale.numbers import number, percent
from gruta.report.charts import WIDTH, strokes, styled
from gruta.report.page import Column, Figure, Section, Table, Value
from gruta.report.settings import settings_table
from gruta.settings import resolve
from gruta.tasks.generate.notes.evaluation import Evaluation
from gruta.tasks.generate.notes.making import Making, name_of
from gruta.tasks.generate.notes.metrics import METRICS
from gruta.tasks.generate.options import GenerateOptions
from gruta.tasks.report import learned, score_table
from gruta.tasks.task import Report
from gruta.tasks.trained import Trained

_BARS = 8
_TEMPERATURES = (0.8, 1.0)


def model_name(model: str) -> str:
    """A cell or a simple model, as people read it."""
    names = {
        "last frame": _("repeats the last frame"),
        "each key": _("how often each key sounds"),
        "each key after the last frame": _("each key, by whether it sounded last"),
    }
    return names.get(model) or model.upper()


def verdict(found: Evaluation) -> str:
    """Whether the network was worth it; where it lost, that comes first."""
    network, *simple = found.scores
    if not simple:
        text = _("The {cell} finds the music likely at {nats} nats a frame.")
        return text.format(cell=model_name(network.model), nats=number(network.nats, 3))
    best = min(simple, key=lambda s: s.nats)
    text = (
        _(
            "The {cell} loses: {nats} nats a frame, the best simple model {best_nats} ({model}). "
            "Use that one, or give the network more music or steps."
        )
        if found.lost_to
        else _(
            "The {cell} needs {nats} nats a frame; the best simple model {best_nats} ({model}), "
            "so the network needs {gain} less."
        )
    )
    return text.format(
        cell=model_name(network.model),
        nats=number(network.nats, 3),
        best_nats=number(best.nats, 3),
        model=model_name(best.model),
        gain=percent(1 - network.nats / best.nats, 1),
    )


def scores(found: Evaluation) -> Table:
    """A row a model."""
    caption = _("Scores on {count} frames of {pieces} pieces").format(
        count=number(found.frames), pieces=number(len(found.pieces))
    )
    note = _(
        "Nats and bits a frame: minus the mean logarithm, to base e and 2, of the probability of "
        "which of the 88 keys sound in it, after the frames before. Perplexity: e to the power of "
        "the nats. Nats of keys struck again: the same of which of the keys that sound on are "
        "struck again, which the simple models do not say."
    )
    styles = strokes([s.model for s in found.scores])
    return score_table(found.scores, METRICS, styles, name=model_name, caption=caption, note=note)


def surprises(found: Evaluation) -> Table:
    """Where the music went against what was expected."""
    columns = [
        Column(_("piece")),
        Column(_("frame"), 0),
        Column(_("after")),
        Column(_("came")),
        Column(_("nats"), 1),
    ]
    rows: list[list[Value]] = [
        [Path(one.piece).name, one.frame, _chord(one.before), _chord(one.came), one.nats]
        for one in found.surprises()
    ]
    return Table(columns, rows, _("What surprised it most"))


def _chord(keys: Sequence[int]) -> str:
    return " ".join(name_of(key - LOWEST) for key in keys) or _("silence")


def report(
    trained: Trained[Frames], found: Evaluation, metrics: Sequence[Mapping[str, Any]]
) -> Report:
    """How good it is, what it writes, how it learned."""
    s, codec = trained.settings, trained.codec
    told = _("Drawn at two temperatures from the same draws: the lower, the likelier each key.")
    sections = [
        Section(_("How good it is"), found.notes, [scores(found)]),
        Section(_("What it writes"), (told,), [_song(trained, t) for t in _TEMPERATURES]),
        Section(_("What surprised it"), (), [surprises(found)]),
        *learned(metrics, s),
        Section(_("Settings"), (), [settings_table({_("value"): {s.cell: s}})]),
    ]
    title = _("Notes by a {cell}, {count} frames a quarter").format(
        cell=model_name(s.cell), count=number(codec.a_quarter)
    )
    return Report(title, verdict(found), sections)


def scored(found: Evaluation) -> Report:
    """Of pieces that were scored: how likely they are, and where they surprise."""
    sections = [
        Section(_("How likely it is"), found.notes, [scores(found)]),
        Section(_("What surprised it"), (), [surprises(found)]),
    ]
    title = _("What surprises a {cell}").format(cell=model_name(found.scores[0].model))
    return Report(title, verdict(found), sections)


def _song(trained: Trained[Frames], temperature: float) -> Figure:
    how = {"length": _BARS * trained.codec.places, "temperature": temperature}
    options = resolve(GenerateOptions, how)
    (piece,) = Making(trained, options, None).music()
    told = _("{count} bars at temperature {value}, a colour a voice.")
    return Figure(
        f"song-{temperature:g}",
        told.format(count=number(_BARS), value=number(temperature, 1)),
        _("Piano roll: a line a note, its key over the quarters."),
        piano_roll(piece),
    )


@styled()
def piano_roll(piece: Piece) -> Drawing:
    """A line a note, its key over the quarters."""
    figure = Drawing((WIDTH, 2.8), layout="constrained")
    axes = figure.add_subplot(xlabel=_("quarters"), ylabel=_("key"))
    for k, voice in enumerate(piece.voices):
        starts, ends = (voice[:, end] / piece.quarter for end in (START, END))
        axes.hlines(voice[:, KEY], starts, ends - 0.06, colors=f"C{k % 10}", linewidths=3)
    axes.set_xlim(0, max(piece.end / piece.quarter, 1))
    axes.xaxis.set_major_locator(MultipleLocator(4))
    axes.yaxis.set_major_locator(MultipleLocator(12))
    axes.yaxis.set_major_formatter(FuncFormatter(lambda key, _place: name_of(int(key) - LOWEST)))
    return figure
