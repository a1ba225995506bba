"""Classify texts and series of vectors by a recurrent network, beside simple models."""

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from gruta.tasks.classify.estimator import Classifier

__all__ = ["Classifier"]


def __getattr__(name: str) -> Any:
    """The estimator, imported when it is asked for: the command line lists tasks without it."""
    if name != "Classifier":
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    from gruta.tasks.classify.estimator import Classifier

    return Classifier
