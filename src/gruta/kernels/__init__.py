"""The compiled kernels: whether they are there, and which instruction set serves this process.

`GRUTA_ISA` (baseline, avx2 or avx512) picks the instruction set; unset, the fastest one of this CPU
is taken. A name that the CPU cannot serve is an InputError on import.
"""

import functools
import warnings

__all__ = [
    "GruStepF32",
    "GruStepF64",
    "available",
    "gru_sequence",
    "isa",
    "warn_missing",
    "why_missing",
]

from gruta.errors import InputError

try:
    from gruta.kernels._native import GruStepF32, GruStepF64, gru_sequence
    from gruta.kernels._native import isa as _native_isa
except ImportError as error:
    _isa, _why = "", str(error)
else:
    try:
        _isa, _why = _native_isa(), ""
    except ValueError as error:
        raise InputError(str(error)) from None


def available() -> bool:
    """Whether the compiled extension is there; only then can the other names be called."""
    return not _why


def why_missing() -> str:
    """What kept the extension from loading; empty if it is there."""
    return _why


def isa() -> str:
    """The instruction set in use: "baseline", "avx2" or "avx512"; empty without the extension."""
    return _isa


@functools.cache
def warn_missing() -> None:
    """Warn, once per process, that slower paths stand in for the kernels."""
    warnings.warn(
        f"gruta's compiled kernels are missing ({_why}): slower paths with the same results are "
        "used. To build them, install a C++20 compiler (GCC or Clang) and run "
        "`pip install --force-reinstall --no-deps gruta`.",
        RuntimeWarning,
        stacklevel=4,  # the caller of the door that asked, through one function of its own
    )
