"""What a vocoder answers: of each recording how likely it finds its samples."""

from typing import TYPE_CHECKING, Any

from gruta.codec.audio.vocoder import VocoderCodec
from gruta.tasks.sounds import Sounds
from gruta.tasks.trained import Trained
from gruta.tasks.vocode.evaluation import nats_of
from gruta.tasks.vocode.parts import read

if TYPE_CHECKING:
    import polars as pl


def answered(trained: Trained[VocoderCodec], source: Any) -> "pl.DataFrame":
    """A row a recording: its seconds, and the nats of a sample."""
    import polars as pl

    recordings = read(source, trained.settings)
    sounds = Sounds(recordings, trained.codec.mel)
    rows = [
        (one.name, one.seconds, nats_of(trained.head, trained.codec, *sounds.both(i))[0])
        for i, one in enumerate(recordings.utterances)
    ]
    names = {"recording": pl.String, "seconds": pl.Float64, "nats": pl.Float64}
    return pl.DataFrame(rows, schema=names, orient="row")
