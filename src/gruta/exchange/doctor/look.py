"""Which reader a file has, by its suffix."""

from pathlib import Path

from gruta.errors import InputError
from gruta.exchange.doctor.finding import Diagnosis
from gruta.locale import translate as _

SUFFIXES = (".onnx",)


def examine(path: Path) -> Diagnosis:
    """What the file holds; InputError for one that is not there, is broken, or of another kind."""
    if not path.is_file():
        raise InputError(_("{path}: expected a file, found none").format(path=path))
    if path.suffix.lower() == ".onnx":
        from gruta.exchange.doctor.onnx import examine as of_onnx

        return of_onnx(path)
    problem = _("{path}: expected a file that ends in one of {known}")
    raise InputError(problem.format(path=path, known=", ".join(SUFFIXES)))
