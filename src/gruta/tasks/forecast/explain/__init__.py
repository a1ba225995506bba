"""What made a forecast what it is: which inputs, how far back, and what changed since another."""

from gruta.tasks.forecast.explain.explanation import Change, Explanation, explain

__all__ = ["Change", "Explanation", "explain"]
