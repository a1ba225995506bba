"""Captions for pictures and clips, by convolutions, a layer over frames, and one that writes."""

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from gruta.tasks.caption.estimator import Captioner

__all__ = ["Captioner"]


def __getattr__(name: str) -> Any:
    """The estimator, imported when it is asked for: the command line lists tasks without it."""
    if name != "Captioner":
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    from gruta.tasks.caption.estimator import Captioner

    return Captioner
