"""A trained vocoder on recordings: how likely it finds them, and how near its sounds come."""

import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import polars as pl

from gruta.codec.audio.distortion import distortion
from gruta.codec.audio.mel import Frames, Samples
from gruta.codec.audio.vocoder import VocoderCodec
from gruta.data.audio.recordings import Recordings
from gruta.locale import translate as _
from gruta.locale.numbers import number
from gruta.settings import resolve
from gruta.tasks.scores import Scores, lost_to
from gruta.tasks.sounds import Sounds
from gruta.tasks.trained import Trained
from gruta.tasks.vocode.baselines import Simple, simple_models
from gruta.tasks.vocode.head import VocodeHead
from gruta.tasks.vocode.metrics import METRICS
from gruta.tasks.vocode.options import EvaluateOptions


@dataclass(frozen=True, eq=False)
class Evaluation:
    """Recordings with the nats of their samples `[M]`, and what was made of the first of them.

    made: the network's sounds. distortions: of each of them. speed: samples a second that it made.
    simple: what the models make that know nothing of the network.
    """

    recordings: Recordings
    rate: int
    nats: Sequence[float]
    samples: Sequence[int]
    made: Sequence[Samples]
    distortions: Sequence[float]
    speed: float
    simple: Simple
    scores: list[Scores]
    notes: list[str]

    @property
    def lost_to(self) -> list[str]:
        """The simple models that are better."""
        return lost_to(self.scores, METRICS)

    def frame(self) -> pl.DataFrame:
        """Of each recording how likely it is, and how far what was made of it is off."""
        missing = [None] * (len(self.nats) - len(self.distortions))
        return pl.DataFrame(
            {
                "recording": [one.name for one in self.recordings.utterances],
                "samples": list(self.samples),
                "nats": list(self.nats),
                "distortion": [*self.distortions, *missing],
            },
            schema_overrides={"distortion": pl.Float64},
        )

    @property
    def renamed(self) -> Mapping[str, str]:
        """None: no column of the data is among those of `frame`."""
        return {}


def evaluate(
    trained: Trained[VocoderCodec],
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
    given = {name: value for name, value in how.items() if name != "train"}
    options = resolve(EvaluateOptions, given)
    codec, head = trained.codec, trained.head
    sounds = Sounds(test, codec.mel)
    nats, truths = [], []
    for i in range(len(sounds)):
        own, truth = nats_of(head, codec, *sounds.both(i))
        nats.append(own)
        truths.append(truth)
    count = _made(sounds, options.seconds)
    spectra = [sounds.log_mel(i) for i in range(count)]
    began = time.perf_counter()
    made = [head.make(one, seed=options.seed, temperature=options.temperature) for one in spectra]
    speed = sum(map(len, made)) / max(time.perf_counter() - began, 1e-9)
    known = Sounds(train, codec.mel) if train is not None else None
    simple = (
        like.simple
        if like
        else simple_models(known, codec, truths, spectra, trained.source, options.seed)
    )
    lengths = [len(one) for one in truths]
    own_nats = float(np.average(nats, weights=lengths))
    distortions = _far(codec, made, spectra)
    scores = [
        Scores(
            trained.settings.cell,
            head.size,
            {"nats": own_nats, "distortion": float(np.mean(distortions))},
        )
    ]
    for name, others in simple.sounds.items():
        far = float(np.mean(_far(codec, others, spectra)))
        missing = simple.nats if name == "levels" else None
        scores.append(
            Scores(name, 0 if missing is None else 255, {"nats": missing, "distortion": far})
        )
    notes = [*simple.notes, _compared(made, codec)]
    if seen:
        notes.append(_("Training saw these recordings: name the test's file to score on that."))
    return Evaluation(
        test, codec.rate, nats, lengths, made, distortions, speed, simple, scores, notes
    )


def nats_of(
    head: VocodeHead, codec: VocoderCodec, samples: Samples, log_mel: Frames
) -> "tuple[float, np.ndarray[tuple[int], np.dtype[np.int64]]]":
    """Nats a sample of a recording, and its levels `[T · step]`."""
    cut, prediction = codec.cut(samples, len(log_mel)), codec.predicts(log_mel)
    read = codec.read(cut, codec.around(log_mel), prediction)
    arrays = (read.frames[:, None], read.before[:, None], read.beside[:, None])
    scores = head(arrays)[:, 0].astype(np.float64)
    best = scores.max(1, keepdims=True)
    log_sums = best[:, 0] + np.log(np.exp(scores - best).sum(1))
    found = log_sums - scores[np.arange(len(scores)), read.truth]
    return float(found.mean()), read.truth


def _made(sounds: Sounds, seconds: float) -> int:
    """Of how many recordings sounds are made: at least of one."""
    lengths = np.cumsum([one.seconds for one in sounds.recordings.utterances])
    return max(1, int((lengths <= seconds).sum()))


def _far(codec: VocoderCodec, made: Sequence[Samples], spectra: Sequence[Frames]) -> list[float]:
    return [
        distortion(codec.mel.of(own), wanted) if len(own) else 0.0
        for own, wanted in zip(made, spectra, strict=True)
    ]


def _compared(made: Sequence[Samples], codec: VocoderCodec) -> str:
    seconds = sum(map(len, made)) / codec.rate
    text = _(
        "Sounds were made of {count} recordings, {seconds} s. Griffin and Lim's way works on the "
        "very spectra that are compared, a network on samples."
    )
    return text.format(count=number(len(made)), seconds=number(seconds, 1))
