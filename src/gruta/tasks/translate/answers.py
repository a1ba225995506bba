"""What a translator answers: of each text what it becomes, from the network or from memory."""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING, Any

from gruta.codec.text.beam import Beam
from gruta.codec.text.memory import remembered_as
from gruta.codec.text.pairs import PairCodec
from gruta.data.pairs import Pairs
from gruta.errors import InputError
from gruta.locale import translate as _
from gruta.settings import resolve
from gruta.tasks.scoring import trained_on
from gruta.tasks.trained import Trained
from gruta.tasks.translate.options import PredictOptions, SearchOptions
from gruta.tasks.translate.parts import parts_of, read
from gruta.tasks.translate.written import Written, written

if TYPE_CHECKING:
    import polars as pl


@dataclass(frozen=True, eq=False)
class Answers:
    """Of each source what it becomes, the likeliest first."""

    sources: Sequence[str]
    texts: Sequence[Sequence[Written]]

    def frame(self) -> "pl.DataFrame":
        """A row a text; the score is null where it comes from the memory."""
        import polars as pl

        rows = [
            (row, source, rank, one.text, one.score)
            for row, (source, texts) in enumerate(zip(self.sources, self.texts, strict=True), 1)
            for rank, one in enumerate(texts, 1)
        ]
        names = {"case": pl.Int64, "source": pl.String, "rank": pl.Int64, "translation": pl.String}
        return pl.DataFrame(rows, schema=names | {"score": pl.Float64}, orient="row")


def answered(trained: Trained[PairCodec], source: Any, **how: Any) -> Answers:
    """What the texts of a source become; see `PredictOptions`."""
    options = resolve(PredictOptions, how)
    sources = read(source, trained.settings, asked=True).sources
    found: list[Sequence[Written]] = [()] * len(sources)
    if options.memory:
        known = remembered_as(*_training(trained))
        for i, text in enumerate(sources):
            remembered = known.get(" ".join(text.split()), ())
            found[i] = [Written(one, None) for one in remembered][: options.best]
    left = [i for i, texts in enumerate(found) if not texts]
    asked = [sources[i] for i in left]
    wide = max(options.beam, options.best)
    beam = Beam(wide, options.length_penalty, options.coverage)
    texts = written(
        trained.head,
        trained.codec,
        asked,
        beam,
        best=options.best,
        copy=options.copy_unknown,
    )
    for i, several in zip(left, texts, strict=True):
        found[i] = several
    return Answers(sources, found)


def search_of(options: SearchOptions) -> Beam:
    """The beam that these ask for."""
    return Beam(options.beam, options.length_penalty, options.coverage)


def _training(trained: Trained[PairCodec]) -> tuple[Sequence[str], Sequence[str]]:
    """Both sides of what the run was trained on; InputError where that is gone."""
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
    parts: Sequence[Pairs] = (known.train, known.validation)
    sources = [text for part in parts for text in part.sources]
    return sources, [text for part in parts for text in part.require_targets()]
