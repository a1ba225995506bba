"""The captions of pictures that training saw, for those that look nearly the same."""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import partial

import numpy as np
from numpy.typing import NDArray

from gruta.codec.pictures.captions import CaptionCodec
from gruta.codec.text.beam import Beam
from gruta.data.pictures.captioned import Captioned
from gruta.data.pictures.shots import Shot
from gruta.errors import InputError
from gruta.locale import translate as _
from gruta.tasks.caption.baselines import distances, frames_of, nearest, thumbnails
from gruta.tasks.caption.expected import Expected
from gruta.tasks.caption.head import CaptionHead
from gruta.tasks.caption.parts import parts_of
from gruta.tasks.caption.written import Written, written
from gruta.tasks.scoring import trained_on
from gruta.tasks.trained import Trained

_MOST = 400
"""Captions of the validation part by which it is decided how near is near."""


@dataclass(frozen=True, eq=False)
class Remembered:
    """Of N pictures the caption of the nearest picture of the training part, and how far that is:
    the mean square of what small copies differ by, colours from 0 to 1 `[N]`.
    """

    texts: Sequence[str]
    far: NDArray[np.float64]


def remembered(train: Captioned, shots: Sequence[Shot], languages: Sequence[str]) -> Remembered:
    """Of each shot, in its language."""
    texts, far = [""] * len(shots), np.full(len(shots), np.inf)
    count = frames_of([*train.shots, *shots])
    for language in dict.fromkeys(languages):
        captions = train.captions.get(language, [()] * len(train))
        there = [i for i, own in enumerate(captions) if own]
        rows = [i for i, own in enumerate(languages) if own == language]
        if not there:
            continue
        asked = thumbnails([shots[i] for i in rows], count)
        known = thumbnails([train.shots[i] for i in there], count)
        places = nearest(asked, known)
        far[rows] = distances(asked, known[places])
        for i, place in zip(rows, places, strict=True):
            texts[i] = captions[there[place]][0]
    return Remembered(texts, far)


def near_enough(
    head: CaptionHead, codec: CaptionCodec, train: Captioned, validation: Captioned
) -> float:
    """How near a picture has to be for its caption to be better than what the network writes, by
    the captions of the validation part: of all bounds the one by which their BLEU, caption by
    caption, gains most; 0 where none gains.
    """
    expected = Expected.of(validation, [n for n in codec.languages if n in validation.captions])
    expected = expected.first(_MOST)
    own = written(head, codec, expected.shots, expected.languages, Beam())
    known = remembered(train, expected.shots, expected.languages)
    others = _alike([several[0].text for several in own], expected)
    return bound(known.far, _alike(known.texts, expected) - others)


def bound(far: NDArray[np.float64], gains: NDArray[np.float64]) -> float:
    """Between which two of these distances to stop, so that the gains of those nearer add up to
    most; 0 where that is nothing.
    """
    order = np.argsort(far, kind="stable")
    ends = np.append(far[order][:-1] < far[order][1:], True)  # those as far are in or out together
    sums = np.where(ends, np.cumsum(gains[order]), -np.inf)
    last = int(sums.argmax())
    if sums[last] <= 0:
        return 0.0
    further = far[order][last + 1 : last + 2]
    return float(np.append(far[order][last], further).mean())


def _alike(texts: Sequence[str], expected: Expected) -> NDArray[np.float64]:
    """Of each text its BLEU."""
    from sacrebleu.metrics.bleu import BLEU

    score = BLEU(effective_order=True).sentence_score
    pairs = zip(texts, expected.captions, strict=True)
    return np.array([score(text, list(own)).score for text, own in pairs])


def with_memory(
    trained: Trained[CaptionCodec],
    train: Captioned,
    shots: Sequence[Shot],
    languages: Sequence[str],
    texts: Sequence[Sequence[Written]],
) -> list[Sequence[Written]]:
    """What the network wrote of each shot, but where a picture of the training part is near enough
    its caption, which has no score.
    """
    known = remembered(train, shots, languages)
    found = list(texts)
    for i in np.flatnonzero(known.far < trained.codec.near).tolist():
        nowhere = np.zeros((0, len(shots[i].frames), 1, 1), np.float32)
        found[i] = [Written(known.texts[i], None, (), nowhere)]
    return found


def training_of(trained: Trained[CaptionCodec]) -> Captioned:
    """What the run was trained on; InputError where that is gone."""
    known = None
    if trained.source is not None:
        known = trained_on(trained, trained.source, partial(parts_of, trained))
    if known is None:
        gone = _("no file is known of what the network was trained on")
        if trained.source:
            gone = _(
                "{source}, which the network was trained on, is not there any more, or has changed"
            )
        raise InputError(memory=gone.format(source=trained.source))
    found: Captioned = known.train
    return found
