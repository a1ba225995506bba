"""The frames of a stream, as README.md describes them."""

import json
import struct
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from gruta.errors import InputError
from gruta.locale import translate as _
from gruta.serve.misfits import parsed

BEGIN, RESUME, STEP, RESET, SNAPSHOT, END = VERBS = (
    "begin",
    "resume",
    "step",
    "reset",
    "snapshot",
    "end",
)

HEADER = struct.Struct("<II")
IS_STEP, IS_RESULT, IS_WAITING = 1, 2, 3
"""Kinds of frames in bytes."""

MISFIT, NO_STREAM, UNKNOWN, BUSY, STOPPING, FAILED = (
    "misfit",
    "no_stream",
    "unknown",
    "busy",
    "stopping",
    "failed",
)
"""Codes of errors."""

GOING_AWAY, UNSUPPORTED, POLICY, FAILURE, RESTART, TRY_LATER = 1001, 1003, 1008, 1011, 1012, 1013
IDLE, SLOW = 4408, 4429
"""Codes with which a socket is closed; 1009, too big, is the library's own."""

_LONGEST = 64


@dataclass(frozen=True, slots=True)
class Asked:
    """content: what the verb was given, JSON; of a step in bytes float32 numbers `[n]`. id: what
    its answer is to be called by, if anything.
    """

    verb: str
    content: Any
    id: str | int | None = None
    binary: bool = False


def heard(message: str | bytes) -> Asked:
    """What a frame asks; InputError where it is none."""
    return _bytes(message) if isinstance(message, bytes) else _text(message)


def _text(message: str) -> Asked:
    found = parsed(message)
    named = found.pop("id", None) if isinstance(found, dict) else None
    if not isinstance(found, dict) or len(found) != 1 or next(iter(found)) not in VERBS:
        problem = _("expected an object with one of {verbs} and, if you like, an id")
        raise InputError(problem.format(verbs=", ".join(VERBS)))
    ((verb, content),) = found.items()
    long = isinstance(named, str) and len(named) > _LONGEST
    if isinstance(named, bool) or not isinstance(named, str | int | None) or long:
        problem = _("expected a whole number or a text of at most {most} letters")
        raise InputError(id=problem.format(most=_LONGEST))
    return Asked(verb, content, named)


def _bytes(message: bytes) -> Asked:
    rest = len(message) - HEADER.size
    if rest < 0 or rest % 4:
        problem = _("expected {size} bytes of a header and whole float32 numbers, got {found}")
        raise InputError(problem.format(size=HEADER.size, found=len(message)))
    kind, named = HEADER.unpack_from(message)
    if kind != IS_STEP:
        problem = _("expected a frame of the kind {kind}, got {found}")
        raise InputError(problem.format(kind=IS_STEP, found=kind))
    numbers = np.frombuffer(message, "<f4", offset=HEADER.size).astype(np.float32)
    return Asked(STEP, numbers, named, True)


def answer(asked: Asked, name: str, content: Any) -> str:
    """In JSON."""
    found = {name: content}
    if asked.id is not None:
        found["id"] = asked.id
    return json.dumps(found, allow_nan=False, separators=(",", ":"))


def answer_in_bytes(asked: Asked, values: NDArray[Any] | None) -> bytes:
    """A result as float32 numbers; None: none yet."""
    kind = IS_WAITING if values is None else IS_RESULT
    assert isinstance(asked.id, int)
    body = b"" if values is None else values.astype("<f4").tobytes()
    return HEADER.pack(kind, asked.id) + body


def refusal(code: str, message: str) -> dict[str, str]:
    """What an error says: a word for programs, a sentence for people."""
    return {"code": code, "message": message}
