"""Make a sound of its spectra, sample by sample, beside Griffin and Lim's way."""

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from gruta.tasks.vocode.estimator import Vocoder

__all__ = ["Vocoder"]


def __getattr__(name: str) -> Any:
    """The estimator, imported when it is asked for: the command line lists tasks without it."""
    if name != "Vocoder":
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    from gruta.tasks.vocode.estimator import Vocoder

    return Vocoder
