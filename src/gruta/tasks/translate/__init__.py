"""Translate texts by a recurrent network with attention, beside a translation memory."""

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from gruta.tasks.translate.estimator import Translator

__all__ = ["Translator"]


def __getattr__(name: str) -> Any:
    """The estimator, imported when it is asked for: the command line lists tasks without it."""
    if name != "Translator":
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    from gruta.tasks.translate.estimator import Translator

    return Translator
