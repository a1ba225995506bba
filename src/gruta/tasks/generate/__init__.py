"""Write text or music by a recurrent network, a unit after the other, beside simple models."""

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from gruta.tasks.generate.estimator import TextGenerator
    from gruta.tasks.generate.notes.estimator import MusicGenerator

__all__ = ["MusicGenerator", "TextGenerator"]

_HOMES = {"MusicGenerator": "notes.estimator", "TextGenerator": "estimator"}


def __getattr__(name: str) -> Any:
    """The estimators, imported when asked for: the command line lists tasks without them."""
    if name not in _HOMES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(import_module(f"{__name__}.{_HOMES[name]}"), name)
