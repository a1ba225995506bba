"""What a captioner answers: of each picture or clip what is said of it."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from gruta.codec.pictures.captions import CaptionCodec
from gruta.codec.text.beam import Beam
from gruta.data.pictures.captioned import Captioned
from gruta.data.pictures.shots import Shot
from gruta.settings import resolve
from gruta.tasks.caption.memory import training_of, with_memory
from gruta.tasks.caption.options import PredictOptions, SearchOptions
from gruta.tasks.caption.parts import read
from gruta.tasks.caption.written import Written, written
from gruta.tasks.trained import Trained

if TYPE_CHECKING:
    import polars as pl


@dataclass(frozen=True, eq=False)
class Answers:
    """Of each picture, clip or part of a clip what is said of it, the likeliest first."""

    shots: Sequence[Shot]
    texts: Sequence[Sequence[Written]]
    language: str

    def frame(self) -> "pl.DataFrame":
        """A row a caption; begin and end are seconds of a clip, null of a picture."""
        import polars as pl

        rows = [
            (
                row,
                shot.name,
                shot.begin if shot.end else None,
                shot.end or None,
                rank,
                one.text,
                one.score,
            )
            for row, (shot, texts) in enumerate(zip(self.shots, self.texts, strict=True), 1)
            for rank, one in enumerate(texts, 1)
        ]
        names = {"case": pl.Int64, "picture": pl.String, "begin": pl.Float64, "end": pl.Float64}
        names |= {"rank": pl.Int64, "caption": pl.String, "score": pl.Float64}
        return pl.DataFrame(rows, schema=names, orient="row")


def answered(trained: Trained[CaptionCodec], source: Any, **how: Any) -> Answers:
    """What is said of the pictures of a source; see `PredictOptions`."""
    options = resolve(PredictOptions, how)
    codec = trained.codec
    language = codec.require_language(options.language)
    if isinstance(source, Captioned) and options.every and source.place is not None:
        source = source.place
    data: Captioned = read(source, trained.settings, asked=True, every=options.every)
    beam = Beam(max(options.beam, options.best), options.length_penalty)
    languages = [language] * len(data)
    texts: Sequence[Sequence[Written]]
    texts = written(trained.head, codec, data.shots, languages, beam, best=options.best)
    if options.memory:
        texts = with_memory(trained, training_of(trained), data.shots, languages, texts)
    return Answers(data.shots, texts, language)


def search_of(options: SearchOptions) -> Beam:
    """The beam that these ask for."""
    return Beam(options.beam, options.length_penalty)
