"""Which reader a file has, by its suffix."""

from pathlib import Path

from gruta.errors import InputError
from gruta.exchange.doctor.finding import Diagnosis
from gruta.extras import need
from gruta.locale import translate as _

SUFFIXES = (".onnx", ".keras", ".safetensors", ".param", ".xml", ".tflite")


def examine(path: Path) -> Diagnosis:
    """What the file holds; InputError for one that is not there, is broken, or of another kind."""
    if not path.is_file():
        raise InputError(_("{path}: expected a file, found none").format(path=path))
    suffix = path.suffix.lower()
    if suffix == ".onnx":
        need("onnx")
        from gruta.exchange.doctor.onnx import examine as of_onnx

        return of_onnx(path)
    if suffix == ".keras":
        need("h5py")
        from gruta.exchange.doctor.keras import examine as of_keras

        return of_keras(path)
    if suffix == ".safetensors":
        from gruta.exchange.doctor.state_dict import examine as of_state_dict

        return of_state_dict(path)
    if suffix == ".param":
        from gruta.exchange.doctor.ncnn import examine as of_ncnn

        return of_ncnn(path)
    if suffix == ".xml":
        from gruta.exchange.doctor.openvino import examine as of_openvino

        return of_openvino(path)
    if suffix == ".tflite":
        need("tflite")
        from gruta.exchange.doctor.tflite import examine as of_tflite

        return of_tflite(path)
    problem = _("{path}: expected a file that ends in one of {known}")
    raise InputError(problem.format(path=path, known=", ".join(SUFFIXES)))
