"""A trained recogniser against what was said, with the simple models beside it."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import polars as pl

from gruta.codec.audio.speech import SpeechCodec
from gruta.data.audio.recordings import Recordings
from gruta.locale import translate as _
from gruta.settings import resolve
from gruta.tasks.scores import Scores, lost_to
from gruta.tasks.trained import Trained
from gruta.tasks.transcribe.baselines import Simple, simple_models
from gruta.tasks.transcribe.errors import Errors, errors_of
from gruta.tasks.transcribe.heard import Heard, heard
from gruta.tasks.transcribe.metrics import METRICS
from gruta.tasks.transcribe.options import SearchOptions
from gruta.tasks.transcribe.parts import frames_of


@dataclass(frozen=True, eq=False)
class Evaluation:
    """Recordings, what is said and heard in them `[N]`, and scores.

    simple: what the models answer that know nothing of the network. errors: the network's.
    """

    recordings: Recordings
    expected: Sequence[str]
    heard: Sequence[Heard]
    errors: Errors
    simple: Simple
    scores: list[Scores]
    notes: list[str]

    @property
    def lost_to(self) -> list[str]:
        """The simple models that are better."""
        return lost_to(self.scores, METRICS)

    def frame(self) -> pl.DataFrame:
        """Of each recording what was said and heard, and how far that is off."""
        return pl.DataFrame(
            {
                "recording": [one.name for one in self.recordings.utterances],
                "expected": list(self.expected),
                "heard": [one.text for one in self.heard],
                "confidence": [one.sure for one in self.heard],
                "word_errors": self.errors.word_edits,
                "words": self.errors.words,
                "character_errors": self.errors.character_edits,
                "characters": self.errors.characters,
            }
        )

    @property
    def renamed(self) -> Mapping[str, str]:
        """None: no column of the data is among those of `frame`."""
        return {}


def evaluate(
    trained: Trained[SpeechCodec],
    test: Recordings,
    train: Recordings | None,
    *,
    seen: bool = False,
    like: Evaluation | None = None,
    **how: object,
) -> Evaluation:
    """Score the network on `test`, beside simple models that know `train`.

    seen: whether training saw these recordings. like: of another network, trained and scored on
    the same; its simple models are taken as they are. how: see `SearchOptions`.
    """
    options = resolve(SearchOptions, dict(how))
    codec, head = trained.codec, trained.head
    expected = [codec.spell(text) for text in test.texts]
    frames = [codec.encode(frames_of(test, i, codec.mel)) for i in range(len(test))]
    found = [several[0] for several in heard(head, codec, frames, options)]
    simple = like.simple if like else simple_models(train, codec, test, trained.source)
    errors = errors_of(expected, [one.text for one in found])
    own = Scores(trained.settings.cell, head.size, measures(errors))
    scores = [own] + [
        Scores(model, size, measures(errors_of(expected, said)))
        for model, (said, size) in simple.answers.items()
    ]
    notes = [*simple.notes, _sure()]
    if seen:
        notes.append(_("Training saw these recordings: name the test's file to score on that."))
    return Evaluation(test, expected, found, errors, simple, scores, notes)


def measures(errors: Errors) -> dict[str, float | None]:
    """The scores by name."""
    return {
        "wer": errors.wer,
        "wer_error": errors.wer_error,
        "cer": errors.cer,
        "cer_error": errors.cer_error,
        "exact": errors.right,
    }


def _sure() -> str:
    return _(
        "Errors by jiwer, on texts as the network spells them; ± is their standard error, were "
        "other recordings drawn like these."
    )
