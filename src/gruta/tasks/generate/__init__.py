"""Write text by a recurrent network, a unit after the other, beside n-gram models."""

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from gruta.tasks.generate.estimator import TextGenerator

__all__ = ["TextGenerator"]


def __getattr__(name: str) -> Any:
    """The estimator, imported when it is asked for: the command line lists tasks without it."""
    if name != "TextGenerator":
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    from gruta.tasks.generate.estimator import TextGenerator

    return TextGenerator
