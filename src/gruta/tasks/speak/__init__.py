"""Say texts aloud, by attention that only moves forward, beside a mean and the nearest text."""

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from gruta.tasks.speak.estimator import Speaker

__all__ = ["Speaker"]


def __getattr__(name: str) -> Any:
    """The estimator, imported when it is asked for: the command line lists tasks without it."""
    if name != "Speaker":
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    from gruta.tasks.speak.estimator import Speaker

    return Speaker
