"""The compiled kernels: whether they are there, which instruction set serves, and how to call them.

`GRUTA_ISA` (baseline, avx2, avxvnni, avx512, avx512vnni or avx512amx) picks the instruction set;
unset, the fastest one of this CPU is taken. A name that the CPU cannot serve is an InputError on
import.
`GRUTA_ACTIVATIONS=fast` takes a faster σ and tanh for float32, with absolute errors up to 2e-6.
`GRUTA_THREADS` says how many threads a call on NumPy arrays may use that does not say it itself;
unset, one.
"""

import functools
import operator
import os
import sys
import warnings
from typing import NamedTuple

from gruta.errors import InputError
from gruta.locale import translate as _

__all__ = [
    "Gradients",
    "LanguageModel",
    "LookupF32",
    "LookupF64",
    "PackedF32",
    "PackedF64",
    "Pass",
    "Weights",
    "activations",
    "available",
    "cell_facts",
    "fma_rounds",
    "isa",
    "layer_backward",
    "layer_forward",
    "layer_plan",
    "meet_torch",
    "saved_size",
    "stream_rounds",
    "threads",
    "torch_backward",
    "torch_forward",
    "torch_layer",
    "torch_step",
    "warn_missing",
    "why_missing",
]

try:
    from gruta.kernels._native import (
        LanguageModel,
        LookupF32,
        LookupF64,
        PackedF32,
        PackedF64,
        activations,
        cell_facts,
        fma_rounds,
        layer_backward,
        layer_forward,
        layer_plan,
        meet_torch,
        saved_size,
        stream_rounds,
        torch_backward,
        torch_forward,
        torch_layer,
        torch_step,
    )
    from gruta.kernels._native import isa as _native_isa
except ImportError as error:
    _isa, _why = "", str(error)
else:
    try:
        _isa, _why = _native_isa(), ""
    except ValueError as error:
        raise InputError(str(error)) from None


_MOST_THREADS = 1024  # the kernels use no more


class Weights(NamedTuple):
    """Addresses of a direction's weights, 0 for what is left out; layer.h gives the shapes."""

    w_ih: int
    w_hh: int
    b_ih: int = 0
    b_hh: int = 0
    w_hr: int = 0
    ln_ih_gain: int = 0
    ln_ih_bias: int = 0
    ln_hh_gain: int = 0
    ln_hh_bias: int = 0


class Pass(NamedTuple):
    """Addresses of what one direction reads and writes, 0 for what is left out.

    A view has two strides beside it, counted in items: that of a step and that of a row. In a plain
    tuple a tensor of PyTorch's, or None, may stand for an address, and for a view's three numbers.
    """

    lengths: int
    reverse: bool
    reset: int
    reset_step: int
    reset_row: int
    restart_h: int
    restart_c: int
    dropout: int
    hold_h: int
    hold_c: int
    x: int
    x_step: int
    x_row: int
    h_0: int
    c_0: int
    h: int
    h_step: int
    h_row: int
    h_n: int
    c_n: int
    gates: int


class Gradients(NamedTuple):
    """Addresses of the gradients that come in, and of those to be written, as in `Pass`."""

    dh: int
    dh_step: int
    dh_row: int
    dh_n: int
    dc_n: int
    dx: int
    dx_step: int
    dx_row: int
    dh_0: int
    dc_0: int
    d_restart_h: int
    d_restart_c: int
    dw_ih: int
    dw_hh: int
    db_ih: int
    db_hh: int
    dw_hr: int
    through_h: int
    through_h_step: int
    through_h_row: int
    through_c: int
    through_c_step: int
    through_c_row: int
    d_ln_ih_gain: int = 0
    d_ln_ih_bias: int = 0
    d_ln_hh_gain: int = 0
    d_ln_hh_bias: int = 0


def available() -> bool:
    """Whether the compiled extension is there; only then can the other names be called."""
    return not _why


def why_missing() -> str:
    """What kept the extension from loading; empty if it is there."""
    return _why


def isa() -> str:
    """The instruction set in use, as `GRUTA_ISA` names them; empty without the extension."""
    return _isa


def threads(asked: int | None = None) -> int:
    """How many threads a call may use: `asked`, or else the environment's `GRUTA_THREADS`, or 1.

    Raises InputError for anything but an integer of at least 1.
    """
    name = "threads" if asked is not None else "GRUTA_THREADS"
    given = asked if asked is not None else os.environ.get("GRUTA_THREADS") or "1"
    try:
        count = int(given) if isinstance(given, str) else operator.index(given)
    except (TypeError, ValueError):
        count = 0
    if count < 1:
        problem = _(
            "{name} must be an integer of at least 1, got {given!r}: correct it, or leave it out "
            "to use one thread"
        )
        raise InputError(problem.format(name=name, given=given))
    return min(count, _MOST_THREADS)


@functools.cache
def warn_missing() -> None:
    """Warn, once per process, that slower paths stand in for the kernels."""
    warnings.warn(
        _(
            "gruta's compiled kernels are missing ({reason}): slower paths with the same results "
            "are used. To build them, install a C++20 compiler (GCC or Clang) and run `pip install "
            "--force-reinstall --no-deps gruta`."
        ).format(reason=_why),
        RuntimeWarning,
        stacklevel=_levels_to_the_caller(),
    )


def _levels_to_the_caller() -> int:
    """How far above `warn_missing` the first code stands that is neither gruta's nor torch's."""
    level, frame = 1, sys._getframe(1)
    while frame.f_back and frame.f_globals.get("__name__", "").startswith(("gruta.", "torch.")):
        level, frame = level + 1, frame.f_back
    return level
