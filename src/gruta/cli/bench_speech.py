"""`gruta bench speech`: the recogniser's training, and sound as it comes."""

from collections.abc import Iterator
from typing import Annotated, Any

import typer

from gruta.cli.handing_out import JsonPath, hand_out
from gruta.extras import need
from gruta.locale import translate as _

HELP = _(
    "The recogniser's training with gruta's layers and with torch.nn's in their place, in turns, "
    "and where a step's time goes; then an hour of sound as it comes: how many times real time it "
    "is heard at, and in what memory."
)


def speech(
    rounds: Annotated[
        int, typer.Option(min=1, help=_("Turns of each training; the median counts."))
    ] = 3,
    minutes: Annotated[
        float,
        typer.Option(
            min=1,
            max=100_000,
            help=_("Minutes of sound that network and search hear; features alone, 60 at least."),
        ),
    ] = 5.0,
    json_path: JsonPath = "",
) -> None:
    """Measure speech recognition."""
    need("soundfile", "soxr", "jiwer")
    from gruta.cli.bench_speech_tables import print_speech
    from gruta.cli.console import this_command
    from gruta.cli.progress import stoppable

    with stoppable(this_command()):
        hand_out(_found(rounds, minutes), json_path, print_speech)


def _found(rounds: int, minutes: float) -> Iterator[Any]:
    from gruta.bench.speech.dividing import divisions
    from gruta.bench.speech.listening import listenings
    from gruta.bench.speech.training import trainings

    yield from trainings(rounds)
    yield from divisions()
    yield from listenings(minutes)
