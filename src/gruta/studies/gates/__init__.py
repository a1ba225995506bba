"""One fact on its way through a sequence: which units keep it, and when their gates let go."""

from gruta.studies.gates.measure import run
from gruta.studies.gates.report import lead, sections, title

__all__ = ["lead", "run", "sections", "title"]
