"""Tensors and parameters of the Open Inference Protocol, from messages and into them."""

from typing import Any

import grpc
import numpy as np
from numpy.typing import NDArray
from tritonclient.grpc import service_pb2 as pb

from gruta.errors import InputError
from gruta.locale import translate as _
from gruta.serve import protocol
from gruta.serve.misfits import fitted, parsed
from gruta.serve.models import Opened
from gruta.serve.protocol import Asked

QUESTION, ANSWER = "question", "answer"
"""Tensors of one text: a whole question, and its answer."""

STEP, RESULT = "step", "result"
"""Tensors of one text: a step of a stream, and its result."""

NUMBERS, VALUES = "numbers", "values"
"""Tensors of float32: a step of a stream, and its result."""

TEXT, FLOAT = "BYTES", "FP32"
Code = grpc.StatusCode


class Refused(Exception):
    """With a code of gRPC."""

    def __init__(self, code: grpc.StatusCode, message: str) -> None:
        super().__init__(message)
        self.code = code


def sequence_id(request: Any) -> str | None:
    """Of a request; None where it is of no stream."""
    found = request.parameters.get("sequence_id")
    if found is None:
        return None
    kind = found.WhichOneof("parameter_choice")
    named = str(getattr(found, kind)) if kind in ("int64_param", "string_param") else ""
    return named if named not in ("", "0") else None


def flag(request: Any, name: str) -> bool:
    """Whether a parameter is there, and true."""
    return name in request.parameters and bool(request.parameters[name].bool_param)


def tensors_of(request: Any) -> dict[str, Any]:
    """By name: float32 numbers, or bytes of texts with their lengths before."""
    raw = list(request.raw_input_contents)
    found: dict[str, Any] = {}
    for i, one in enumerate(request.inputs):
        if one.datatype not in (TEXT, FLOAT):
            problem = _("{name}: expected {kinds}, got {kind}")
            told = problem.format(name=one.name, kinds=f"{TEXT}, {FLOAT}", kind=one.datatype)
            raise Refused(Code.INVALID_ARGUMENT, told)
        if i < len(raw):
            found[one.name] = _floats(one.name, raw[i]) if one.datatype == FLOAT else raw[i]
        elif one.datatype == FLOAT:
            found[one.name] = np.array(one.contents.fp32_contents, np.float32)
        else:
            found[one.name] = b"".join(
                len(text).to_bytes(4, "little") + text for text in one.contents.bytes_contents
            )
    return found


def _floats(name: str, raw: bytes) -> NDArray[np.float32]:
    if len(raw) % 4:
        problem = _("{name}: expected whole float32 numbers, got {found} bytes")
        raise Refused(Code.INVALID_ARGUMENT, problem.format(name=name, found=len(raw)))
    return np.frombuffer(raw, "<f4").astype(np.float32)


def one_text(raw: Any) -> bytes:
    """The only text of a tensor; Refused where there are none or several."""
    if not isinstance(raw, bytes) or len(raw) - 4 != int.from_bytes(raw[:4], "little"):
        raise Refused(Code.INVALID_ARGUMENT, _("expected a tensor of one text"))
    return raw[4:]


def step_of(opened: Opened, tensors: dict[str, Any]) -> tuple[Asked, Any]:
    """What tensors ask of a stream, and what it accepts; InputError where they do not fit."""
    streamed = opened.streamed
    if tensors.keys() == {STEP}:
        content = parsed(one_text(tensors[STEP]))
        return Asked(protocol.STEP, content), fitted(streamed.step, content)
    if tensors.keys() != {NUMBERS} or isinstance(tensors[NUMBERS], bytes):
        problem = _("a step of a stream is the tensor {step} of one text, or {numbers} of float32")
        raise InputError(problem.format(step=STEP, numbers=NUMBERS))
    if streamed.unpacked is None:
        raise InputError(_("the streams of this model have no form in bytes; send JSON"))
    numbers = streamed.unpacked(opened.version.model, tensors[NUMBERS])
    return Asked(protocol.STEP, None, 0, True), numbers


def response(request: Any, name: str, found: Any, token: str = "") -> Any:
    """One tensor, a text or float32 numbers; token: a snapshot beside it."""
    text = isinstance(found, bytes)
    response = pb.ModelInferResponse(
        id=request.id, model_name=request.model_name, model_version="1"
    )
    output = response.outputs.add()
    output.name, output.datatype = name, TEXT if text else FLOAT
    output.shape.append(1 if text else len(found))
    if text:
        found = len(found).to_bytes(4, "little") + found
    response.raw_output_contents.append(found if text else found.astype("<f4").tobytes())
    if "sequence_id" in request.parameters:
        response.parameters["sequence_id"].CopyFrom(request.parameters["sequence_id"])
    if token:
        response.parameters["snapshot"].string_param = token
    return response
