"""The report of a trained speaker."""

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from gruta.codec.audio.griffin_lim import sound_of
from gruta.codec.audio.saying import END, SayingCodec
from gruta.codec.text.graphemes import visible
from gruta.codec.text.signs import Kind
from gruta.locale import translate as _
from gruta.locale.numbers import number
from gruta.report.aligned import alignment
from gruta.report.charts import strokes
from gruta.report.page import Column, Figure, Heading, Section, Sound, Table, Value
from gruta.report.settings import settings_table
from gruta.report.spectrum import spectrum
from gruta.tasks.report import learned, score_table
from gruta.tasks.sounds import Sounds
from gruta.tasks.speak.evaluation import Evaluation
from gruta.tasks.speak.look import sign
from gruta.tasks.speak.metrics import METRICS
from gruta.tasks.speak.phonemes import word_error
from gruta.tasks.task import Report
from gruta.tasks.trained import Trained

_DRAWN, _PLAYED, _SHOWN, _STAGES = 3, 5, 12, 8


def model_name(model: str) -> str:
    """A cell or a simple model, as people read it."""
    names = {
        "mean": _("the mean spectrum, as long as the text takes on average"),
        "nearest": _("the recording whose text is most alike"),
    }
    return names.get(model, model.upper())


def verdict(found: Evaluation) -> str:
    """Whether the network was worth it; where it lost, that comes first."""
    network, *simple = found.scores
    about = {
        "cell": model_name(network.model),
        "far": number(network.distortion, 1),
        "count": number(len(found.said)),
        "ended": number(100 * network.ended, 0),
    }
    if not simple:
        text = _(
            "The {cell} says {count} texts {far} dB from how they were recorded; {ended}% ended by "
            "themselves."
        )
        return text.format(**about)
    best = min(simple, key=lambda s: float(s.distortion))
    text = (
        _(
            "The {cell} loses: it says {count} texts {far} dB from how they were recorded, the "
            "best simple model {best} dB ({model}). Give it more recordings or steps."
        )
        if found.lost_to
        else _(
            "The {cell} says {count} texts {far} dB from how they were recorded, the best simple "
            "model {best} dB ({model}); {ended}% ended by themselves."
        )
    )
    return text.format(**about, best=number(best.distortion, 1), model=model_name(best.model))


def scores(found: Evaluation) -> Table:
    """A row a model."""
    caption = _("Scores on {count} texts").format(count=number(len(found.said)))
    styles = strokes([s.model for s in found.scores])
    note = _(
        "Mel cepstral distortion: of the spectra that are made from those recorded, brought into "
        "step by dynamic time warping, over 13 coefficients. It tells little of whether one can "
        "understand what is said: listen, or ask a recogniser."
    )
    return score_table(found.scores, METRICS, styles, name=model_name, caption=caption, note=note)


def report(
    trained: Trained[SayingCodec], found: Evaluation, metrics: Sequence[Mapping[str, Any]]
) -> Report:
    """How good it is, how it sounds and what it looks at, how it learned."""
    s, name = trained.settings, model_name(trained.settings.cell)
    notes = [*_of_phonemes(s.phonemes), *found.notes]
    sections = [
        Section(_("How good it is"), notes, [scores(found)]),
        Section(_("How it sounds"), (), [*_players(trained, found), *_pictures(trained, found)]),
        Section(_("What it looks at"), (), _alignments(found)),
        Section(_("What it says"), (), [_table(found)]),
        *learned(metrics, s, beside=_samples(trained.codec.units.kind, metrics)),
        Section(_("Settings"), (), [settings_table({_("value"): {s.cell: s}})]),
    ]
    return Report(_("Speech by a {cell}").format(cell=name), verdict(found), sections)


def _of_phonemes(place: str) -> list[str]:
    """By what words became phonemes, and how well that does it."""
    if not place:
        return []
    share = word_error(place)
    if share is None:
        return [_("Words are read as the phonemes that {place} gives them.").format(place=place)]
    text = _(
        "Words are read as the phonemes that {place} gives them; of the words of its own test it "
        "had {share}% wrong."
    )
    return [text.format(place=place, share=number(100 * share, 1))]


def _middling(found: Evaluation) -> list[int]:
    """Recordings from short to long, some of each."""
    order = np.argsort([len(one) for one in found.real], kind="stable")
    at = np.linspace(0, len(order) - 1, min(_PLAYED, len(order))).round().astype(int)
    return [int(order[k]) for k in np.unique(at)]


def _players(trained: Trained[SayingCodec], found: Evaluation) -> list[Heading | Sound]:
    codec = trained.codec
    sounds = Sounds(found.recordings, codec.mel)
    items: list[Heading | Sound] = [Heading(_("To listen to"))]
    for i in _middling(found):
        text = visible(found.said[i].text)
        real = _("“{text}”, as it was recorded.").format(text=text)
        items.append(Sound.of(real, sounds.samples(i), codec.rate))
        copied = _("“{text}”, recorded, its spectrum made sound by Griffin and Lim.")
        samples = sound_of(found.real[i], codec.mel)
        items.append(Sound.of(copied.format(text=text), samples, codec.rate))
        made = _("“{text}”, made by the network, and sound by Griffin and Lim.").format(text=text)
        items.append(Sound.of(made, found.said[i].samples(), codec.rate))
    return items


def _pictures(trained: Trained[SayingCodec], found: Evaluation) -> list[Figure]:
    codec = trained.codec
    i = _middling(found)[-1]
    text, hop = visible(found.said[i].text), codec.mel.step / codec.rate
    kinds = {
        "real": (_("“{text}”, as it was recorded."), np.maximum(found.real[i], codec.floor)),
        "made": (_("“{text}”, made by the network."), found.said[i].log_mel),
    }
    axes = (_("time (s)"), _("mel band"))
    return [
        Figure(
            name,
            told.format(text=text),
            told.format(text=text),
            spectrum(frames, hop, [], [], *axes),
        )
        for name, (told, frames) in kinds.items()
    ]


def _alignments(found: Evaluation) -> list[Figure]:
    figures = []
    for k, i in enumerate(_middling(found)[-_DRAWN:], 1):
        said = found.said[i]
        units = [sign(one) for one in (*said.units[0], END)]
        told = _("Which character each step looked at while “{text}” was said.")
        axis = _("character")
        if said.phonemes is not None:
            told = _("Which phoneme each step looked at while “{text}” was said.")
            axis = _("phoneme")
        caption = told.format(text=visible(said.pieces[0]))
        drawn = alignment(said.spectra[0].attention.T, units, _("step"), axis)
        figures.append(Figure(f"attention-{k}", caption, caption, drawn))
    return figures


def _table(found: Evaluation) -> Table:
    read = found.said[0].phonemes is not None
    columns = [
        Column(_("text")),
        *([Column(_("phonemes"))] if read else []),
        Column(_("said (s)"), 2),
        Column(_("recorded (s)"), 2),
        Column(_("mel cepstral distortion (dB)"), 1),
        Column(_("ended by itself")),
    ]
    hop = found.said[0].codec.mel.step / found.said[0].codec.rate
    rows: list[list[Value]] = [
        [
            _cut(one.text),
            *([_cut(one.phonemes or "")] if read else []),
            one.seconds,
            len(found.real[i]) * hop,
            found.distortions[i],
            _("yes") if one.ended else _("no"),
        ]
        for i, one in enumerate(found.said[:_SHOWN])
    ]
    return Table(columns, rows, _("The first ones"))


def _cut(text: str) -> str:
    text = visible(text)
    return text if len(text) <= 120 else f"{text[:119]}…"


def _samples(kind: Kind, metrics: Sequence[Mapping[str, Any]]) -> list[Table]:
    """What attention was at as training went on."""
    told = [r for r in metrics if r.get("samples")]
    if not told:
        return []
    at = np.unique(np.linspace(0, len(told) - 1, _STAGES).round().astype(int))
    kept = [told[k] for k in at]
    titles = {
        "characters": (
            _("The character that each step looked at in “{text}”, as training went on"),
            _("characters"),
        ),
        "phonemes": (
            _("The phoneme that each step looked at in “{text}”, as training went on"),
            _("phonemes"),
        ),
    }
    tables = []
    for text in kept[-1]["samples"]:
        rows: list[list[Value]] = [
            [float(r["step"]), _cut(r["samples"][text])] for r in kept if text in r["samples"]
        ]
        title, name = titles[kind]
        columns = [Column(_("step"), 0), Column(name)]
        tables.append(Table(columns, rows, title.format(text=_cut(text))))
    return tables
