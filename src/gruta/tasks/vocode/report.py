"""The report of a trained vocoder."""

from collections.abc import Mapping, Sequence
from typing import Any

from gruta.codec.audio.vocoder import VocoderCodec
from gruta.codec.text.graphemes import visible
from gruta.locale import translate as _
from gruta.locale.numbers import number
from gruta.report.charts import strokes
from gruta.report.page import Column, Figure, Heading, Section, Sound, Table, Value
from gruta.report.settings import settings_table
from gruta.report.spectrum import spectrum
from gruta.tasks.report import learned, score_table
from gruta.tasks.sounds import Sounds
from gruta.tasks.task import Report
from gruta.tasks.trained import Trained
from gruta.tasks.vocode.evaluation import Evaluation
from gruta.tasks.vocode.metrics import METRICS

_PLAYED, _LONGEST = 4, 8.0
"""Recordings to listen to, and seconds of each."""


def model_name(model: str) -> str:
    """A cell or a simple model, as people read it."""
    names = {
        "levels": _("levels by how often they come, whatever was before"),
        "griffin-lim": _("Griffin and Lim, 32 rounds"),
    }
    return names.get(model, model.upper())


def verdict(found: Evaluation) -> str:
    """Whether the network was worth it; where it lost, that comes first."""
    network = found.scores[0]
    others = {one.model: one for one in found.scores[1:]}
    about = {
        "cell": model_name(network.model),
        "nats": number(network.nats, 3),
        "far": number(network.distortion, 1),
        "lim": number(others["griffin-lim"].distortion, 1),
    }
    if "levels" not in others:
        text = _(
            "The {cell} misses {nats} nats a sample; its sounds are {far} dB off, those of Griffin "
            "and Lim {lim} dB."
        )
        return text.format(**about)
    about["simple"] = number(others["levels"].nats, 3)
    text = (
        _(
            "The {cell} loses: it misses {nats} nats a sample, levels by how often they come "
            "{simple}. Give it more recordings or steps."
        )
        if found.lost_to
        else _(
            "The {cell} misses {nats} nats a sample, levels by how often they come {simple}; its "
            "sounds are {far} dB off, those of Griffin and Lim {lim} dB."
        )
    )
    return text.format(**about)


def scores(found: Evaluation) -> Table:
    """A row a model."""
    caption = _("Scores on {count} recordings").format(count=number(len(found.nats)))
    styles = strokes([s.model for s in found.scores])
    note = _(
        "Nats a sample: how much is missing to foretell its level, of 256, from all before it and "
        "the spectrum. Mel distortion: how far the spectra of what is made are from those asked "
        "for, on average over bands and frames; what lies 60 dB below the loudest is silence."
    )
    return score_table(found.scores, METRICS, styles, name=model_name, caption=caption, note=note)


def report(
    trained: Trained[VocoderCodec], found: Evaluation, metrics: Sequence[Mapping[str, Any]]
) -> Report:
    """How good and how fast it is, how it sounds, how it learned."""
    s, name = trained.settings, model_name(trained.settings.cell)
    sections = [
        Section(_("How good it is"), found.notes, [scores(found), _speed(found)]),
        Section(_("How it sounds"), (), [*_pictures(trained, found), *_players(trained, found)]),
        *learned(metrics, s),
        Section(_("Settings"), (), [settings_table({_("value"): {s.cell: s}})]),
    ]
    return Report(_("Sounds made by a {cell}").format(cell=name), verdict(found), sections)


def _speed(found: Evaluation) -> Table:
    rows: list[list[Value]] = [[_("samples a second"), number(found.speed)]]
    rows += [
        [
            _("as a factor of real time at {rate} Hz").format(rate=number(rate)),
            number(found.speed / rate, 2),
        ]
        for rate in sorted({found.rate, 8000, 16_000})
    ]
    note = _("On one core of this machine, together with whatever else it was doing.")
    return Table([Column(_("what")), Column("")], rows, _("How fast it is"), note)


def _pictures(trained: Trained[VocoderCodec], found: Evaluation) -> list[Figure]:
    """The spectrum of a recording, and those of what was made of it."""
    mel = trained.codec.mel
    sounds = Sounds(found.recordings, mel)
    i = max(range(len(found.made)), key=lambda k: min(len(found.made[k]), _LONGEST * mel.rate))
    name = visible(found.recordings.utterances[i].name)
    count = round(_LONGEST / mel.step * mel.rate)
    kinds = {
        "real": (_("{name}, as it was recorded.").format(name=name), sounds.log_mel(i)),
        "made": (
            _("{name}, made by the network.").format(name=name),
            mel.of(found.made[i]),
        ),
        "griffin-lim": (
            _("{name}, by Griffin and Lim.").format(name=name),
            mel.of(found.simple.sounds["griffin-lim"][i]),
        ),
    }
    axes = (_("time (s)"), _("mel band"))
    return [
        Figure(kind, caption, caption, spectrum(frames[:count], mel.step / mel.rate, [], [], *axes))
        for kind, (caption, frames) in kinds.items()
    ]


def _players(trained: Trained[VocoderCodec], found: Evaluation) -> list[Heading | Sound]:
    rate = trained.codec.rate
    sounds, most = Sounds(found.recordings, trained.codec.mel), round(_LONGEST * rate)
    items: list[Heading | Sound] = []
    for i in range(min(len(found.made), _PLAYED)):
        name = visible(found.recordings.utterances[i].name)
        real = _("{name}, as it was recorded.").format(name=name)
        items.append(Sound.of(real, sounds.samples(i)[:most], rate))
        own = _("{name}, made by the network.").format(name=name)
        items.append(Sound.of(own, found.made[i][:most], rate))
        for model, others in found.simple.sounds.items():
            other = _("{name}: {model}.").format(name=name, model=model_name(model))
            items.append(Sound.of(other, others[i][:most], rate))
    return [Heading(_("To listen to")), *items]
