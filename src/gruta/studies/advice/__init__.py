"""How the thresholds of the advice were calibrated: on tasks whose answer is known."""

from gruta.studies.advice.measure import run
from gruta.studies.advice.report import lead, sections, title

__all__ = ["lead", "run", "sections", "title"]
