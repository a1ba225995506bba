"""What a speaker answers: of each text how it is said, and how long that takes."""

from typing import TYPE_CHECKING, Any

from gruta.codec.audio.saying import SayingCodec
from gruta.tasks.speak.parts import texts_of
from gruta.tasks.speak.saying import say
from gruta.tasks.trained import Trained

if TYPE_CHECKING:
    import polars as pl


def answered(trained: Trained[SayingCodec], source: Any) -> "pl.DataFrame":
    """A row a text."""
    import polars as pl

    texts = texts_of(source, trained.settings)
    trained.head.reader.units(texts)  # whose words are asked together
    rows = []
    for text in texts:
        one = say(trained.head, text)
        rows.append((text, one.written, one.phonemes, len(one.pieces), one.seconds, one.ended))
    names = {"text": pl.String, "said": pl.String, "phonemes": pl.String, "pieces": pl.Int64}
    found = pl.DataFrame(
        rows, schema=names | {"seconds": pl.Float64, "ended": pl.Boolean}, orient="row"
    )
    phonemes = trained.codec.units.kind == "phonemes"
    return found if phonemes else found.drop("phonemes")
