"""What a recogniser answers: of each recording what is said, with confidence and times."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from gruta.codec.audio.speech import SpeechCodec
from gruta.data.audio.recordings import Recordings
from gruta.settings import resolve
from gruta.tasks.trained import Trained
from gruta.tasks.transcribe.heard import Heard, heard
from gruta.tasks.transcribe.options import PredictOptions
from gruta.tasks.transcribe.parts import as_codec_hears, frames_of, read
from gruta.tasks.transcribe.transcripts import is_long, transcribed

if TYPE_CHECKING:
    import polars as pl

_AT_ONCE = 32


@dataclass(frozen=True, eq=False)
class Answers:
    """Of each recording what is heard, the likeliest first."""

    recordings: Recordings
    texts: Sequence[Sequence[Heard]]

    def frame(self) -> "pl.DataFrame":
        """A row a text."""
        import polars as pl

        rows = [
            (one.name, rank, text.text, text.sure, text.score)
            for one, texts in zip(self.recordings.utterances, self.texts, strict=True)
            for rank, text in enumerate(texts, 1)
        ]
        names = {"recording": pl.String, "rank": pl.Int64, "text": pl.String}
        return pl.DataFrame(
            rows, schema=names | {"confidence": pl.Float64, "score": pl.Float64}, orient="row"
        )


def answered(trained: Trained[SpeechCodec], source: Any, **how: Any) -> Answers:
    """What is heard in the recordings of a source; see `PredictOptions`. Of a long one, which is
    heard in pieces, the best text alone.
    """
    options = resolve(PredictOptions, how)
    codec = trained.codec
    recordings = as_codec_hears(codec, read(source, trained.settings, asked=True))
    found: dict[int, Sequence[Heard]] = {}
    short = [i for i, one in enumerate(recordings.utterances) if not is_long(codec, one)]
    for start in range(0, len(short), _AT_ONCE):
        some = short[start : start + _AT_ONCE]
        frames = [codec.encode(frames_of(recordings, i, codec.mel)) for i in some]
        found |= zip(some, heard(trained.head, codec, frames, options, options.best), strict=True)
    for i in set(range(len(recordings))) - found.keys():
        (whole,) = transcribed(trained, recordings.pick([i]), options)
        score = sum(part.heard.score for part in whole.parts)
        found[i] = [Heard(whole.text, score, whole.words)]
    return Answers(recordings, [found[i] for i in range(len(recordings))])
