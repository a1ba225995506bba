"""Write down what is said, by a recurrent network and CTC, beside nearest neighbours."""

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from gruta.tasks.transcribe.estimator import Transcriber

__all__ = ["Transcriber"]


def __getattr__(name: str) -> Any:
    """The estimator, imported when it is asked for: the command line lists tasks without it."""
    if name != "Transcriber":
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    from gruta.tasks.transcribe.estimator import Transcriber

    return Transcriber
