"""What makes a study: a measurement, and a report of it."""

from typing import Any, Protocol, TypeVar

from gruta.report.page import Section
from gruta.studies.plan import Plan


class Findings(Protocol):
    """What a study found."""

    def to_json(self) -> dict[str, Any]:
        """The numbers, for a program."""


F = TypeVar("F", bound=Findings)


class Study(Protocol[F]):
    """A study; the modules and packages in `registry.STUDIES` are such."""

    def run(self, plan: Plan) -> F:
        """Train and measure."""

    def title(self) -> str:
        """Of the report."""

    def lead(self) -> str:
        """What the study shows, in a paragraph."""

    def sections(self, found: F) -> list[Section]:
        """The pictures, and what they say."""
