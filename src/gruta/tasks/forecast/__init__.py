"""Forecast a series: a recurrent network beside a linear path, and the simple baselines."""

from gruta.tasks.forecast.estimator import Forecaster

__all__ = ["Forecaster"]
