"""Problems with a known answer: sequences drawn at random, whose early steps decide the end."""

from gruta.studies.problems.adding import Adding
from gruta.studies.problems.copying import Copying
from gruta.studies.problems.problem import Problem

__all__ = ["Adding", "Copying", "Problem"]
