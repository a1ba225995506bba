"""A trained speaker against recordings of what it is to say, with the simple models beside it."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import polars as pl

from gruta.codec.audio.distortion import warped_distortion
from gruta.codec.audio.mel import Frames
from gruta.codec.audio.saying import SayingCodec
from gruta.data.audio.recordings import Recordings
from gruta.locale import translate as _
from gruta.locale.numbers import number
from gruta.settings import resolve
from gruta.tasks.scores import Scores, lost_to
from gruta.tasks.sounds import Sounds
from gruta.tasks.speak.baselines import Simple, simple_models
from gruta.tasks.speak.metrics import METRICS
from gruta.tasks.speak.options import EvaluateOptions
from gruta.tasks.speak.parts import spectrum
from gruta.tasks.speak.saying import Said, say
from gruta.tasks.trained import Trained


@dataclass(frozen=True, eq=False)
class Evaluation:
    """Recordings, what was made of their texts, and how far that is off `[N]`.

    real: the spectra that were recorded, without the silence around them.
    """

    recordings: Recordings
    said: Sequence[Said]
    real: Sequence[Frames]
    distortions: Sequence[float]
    simple: Simple
    scores: list[Scores]
    notes: list[str]

    @property
    def lost_to(self) -> list[str]:
        """The simple models that are better."""
        return lost_to(self.scores, METRICS)

    def frame(self) -> pl.DataFrame:
        """Of each recording what was said, how long, and how far off."""
        found: dict[str, Sequence[Any]] = {
            "recording": [one.name for one in self.recordings.utterances],
            "text": [one.text for one in self.said],
            "said": [one.written for one in self.said],
            "phonemes": [one.phonemes for one in self.said],
            "seconds": [one.seconds for one in self.said],
            "distortion": list(self.distortions),
            "ended": [one.ended for one in self.said],
        }
        if found["phonemes"][:1] == [None]:
            del found["phonemes"]
        return pl.DataFrame(found)

    @property
    def renamed(self) -> Mapping[str, str]:
        """None: no column of the data is among those of `frame`."""
        return {}


def evaluate(
    trained: Trained[SayingCodec],
    test: Recordings,
    train: Recordings | None,
    *,
    seen: bool = False,
    like: Evaluation | None = None,
    **how: object,
) -> Evaluation:
    """Score the network on `test`, beside simple models that know `train`.

    seen: whether training saw these recordings. like: of another network, trained and scored on
    the same; its simple models are taken as they are. how: see `EvaluateOptions`.
    """
    options = resolve(EvaluateOptions, {n: v for n, v in how.items() if n != "train"})
    codec, head = trained.codec, trained.head
    notes = []
    if len(test) > options.count:
        text = _("Of {all} recordings the first {count} are scored; --count says how many.")
        notes.append(text.format(all=number(len(test)), count=number(options.count)))
        test = test.pick(range(options.count))
    sounds = Sounds(test, codec.mel)
    real = [spectrum(sounds, i) for i in range(len(test))]
    head.reader.units(test.texts)  # whose words are asked together
    said = [say(head, text, seed=options.seed) for text in test.texts]
    known = Sounds(train, codec.mel) if train is not None else None
    simple = like.simple if like else simple_models(known, head.reader, test.texts, trained.source)
    made = [one.log_mel for one in said]
    distortions = [_far(codec, own, wanted) for own, wanted in zip(made, real, strict=True)]
    ended = float(np.mean([one.ended for one in said]))
    about = {"distortion": float(np.mean(distortions)), "length": _length(made, real)}
    scores = [Scores(trained.settings.cell, head.size, about | {"ended": ended})]
    for name, spectra in simple.spectra.items():
        far = [_far(codec, own, wanted) for own, wanted in zip(spectra, real, strict=True)]
        values = {"distortion": float(np.mean(far)), "length": _length(spectra, real)}
        scores.append(Scores(name, 0, values | {"ended": None}))
    notes += simple.notes
    if seen:
        notes.append(_("Training saw these recordings: name the test's file to score on that."))
    return Evaluation(test, said, real, distortions, simple, scores, notes)


def _far(codec: SayingCodec, made: Frames, real: Frames) -> float:
    return warped_distortion(made, np.maximum(real, codec.floor))


def _length(made: Sequence[Frames], real: Sequence[Frames]) -> float:
    """How much longer or shorter, on average."""
    pairs = zip(made, real, strict=True)
    return float(np.mean([abs(len(a) - len(b)) / len(b) for a, b in pairs]))
