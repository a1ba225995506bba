"""How a training goes, and how it ends early."""

from collections.abc import Mapping
from typing import Any


class Progress:
    """Where a person sees how training goes; this one shows nothing."""

    def part(self, name: str, number: int, count: int) -> None:
        """Before the number-th of several networks that are trained one after the other."""

    def step(self, record: Mapping[str, Any]) -> None:
        """After each logged step, with its line of metrics."""

    def validated(self, record: Mapping[str, Any], best: bool) -> None:
        """After each validation, with its line of metrics."""

    def note(self, message: str) -> None:
        """Something that deserves a line."""

    def saved(self) -> None:
        """After each checkpoint, which is whole by now."""


class Interrupted(Exception):
    """Training was asked to stop, and has saved where it stands."""


class Diverged(RuntimeError):
    """Gradients stayed non-finite; the last good checkpoint is kept."""
