"""Which reader a file has, by its suffix."""

from importlib import import_module
from pathlib import Path

from gruta.errors import InputError
from gruta.exchange.doctor.finding import Diagnosis
from gruta.extras import need
from gruta.locale import translate as _

_READERS = {
    ".onnx": ("onnx", "onnx"),
    ".keras": ("keras", "h5py"),
    ".weights.h5": ("keras", "h5py"),
    ".safetensors": ("state_dict", ""),
    ".param": ("ncnn", ""),
    ".xml": ("openvino", ""),
    ".tflite": ("tflite", "tflite"),
}
"""The module of each, and the package that it needs."""


def examine(path: Path) -> Diagnosis:
    """What the file holds; InputError for one that is not there, is broken, or of another kind."""
    if not path.is_file():
        raise InputError(_("{path}: expected a file, found none").format(path=path))
    suffix = next((one for one in _READERS if path.name.lower().endswith(one)), None)
    if suffix is None:
        problem = _("{path}: expected a file that ends in one of {known}")
        raise InputError(problem.format(path=path, known=", ".join(_READERS)))
    module, package = _READERS[suffix]
    if package:
        need(package)
    found: Diagnosis = import_module(f"gruta.exchange.doctor.{module}").examine(path)
    return found
