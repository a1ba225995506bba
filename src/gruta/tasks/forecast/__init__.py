"""Forecast a series: a recurrent network beside a linear path, and the simple baselines."""

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from gruta.tasks.forecast.estimator import Forecaster

__all__ = ["Forecaster"]


def __getattr__(name: str) -> Any:
    """The estimator, imported when it is asked for: the command line lists tasks without it."""
    if name != "Forecaster":
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    from gruta.tasks.forecast.estimator import Forecaster

    return Forecaster
