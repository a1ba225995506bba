"""Whether the kernels compute here what the reference does: `python -m gruta.selfcheck`.

Every cell over a sequence, in steps and backward, for each instruction set that this CPU has, at
awkward sizes. Needs NumPy alone. Prints a line a check, and exits with 1 where one finds a fault.
"""

import os
import subprocess
import sys
from itertools import product
from typing import Any

import numpy as np
from numpy.typing import NDArray

from gruta.errors import InputError

try:
    from gruta import kernels
except InputError as error:
    if __name__ != "__main__":
        raise
    print(error, file=sys.stderr)
    sys.exit(2)
from gruta.cells import gru, lstm, rnn
from gruta.cells.gru import reference as gru_reference
from gruta.cells.integers import product as product_of_integers
from gruta.cells.lstm import reference as lstm_reference
from gruta.cells.rnn import reference as rnn_reference
from gruta.locale import translate as _
from gruta.locale.numbers import number

Array = NDArray[Any]

# Largest difference from the reference in float64, relative to an array's largest number or to 1.
TOLERANCE = {"float32": 2e-5, "float64": 2e-14}
ISAS = ("baseline", "avx2", "avxvnni", "avx512", "avx512vnni", "avx512amx")
SIZES = [(1, 1, 1, 1), (3, 5, 7, 9), (2, 17, 1, 63), (9, 4, 65, 33), (17, 3, 16, 64)]  # B, T, I, H

# Kernel, doors, reference, what asks them for the form of the cell, whether h is a projection.
FORMS: list[tuple[str, Any, Any, dict[str, Any], bool]] = [
    ("gru", gru, gru_reference, {"reset_after": True}, False),
    ("gru_reset_before", gru, gru_reference, {"reset_after": False}, False),
    ("lstm", lstm, lstm_reference, {}, False),
    ("lstm", lstm, lstm_reference, {}, True),
    ("rnn_tanh", rnn, rnn_reference, {"nonlinearity": "tanh"}, False),
    ("rnn_relu", rnn, rnn_reference, {"nonlinearity": "relu"}, False),
]


def differences(form: int, dtype: str, sizes: tuple[int, int, int, int], seed: int) -> list[float]:
    """Those of each array that a kernel writes, in tolerances; NaN where it left something out."""
    kernel, door, reference, options, projected = FORMS[form]
    gates, states, saved = kernels.cell_facts()[kernel]
    (B, T, I, H), rng = sizes, np.random.default_rng(seed)
    P = H // 2 or 2 if projected else H

    def draw(*shape: int) -> Array:
        drawn: Array = rng.uniform(-1, 1, shape) / shape[-1] ** 0.5
        return drawn.astype(dtype)

    x, dh, kept = draw(T, B, I), draw(T, B, P), draw(T, B, saved * H)
    initial, d_final = ([draw(B, P), draw(B, H)][:states] for _ in range(2))
    biases = [draw(gates * H), draw(gates * H)]
    matrices, w_hr = [draw(gates * H, I), draw(gates * H, P)], [draw(P, H)] if projected else []
    weights = [*matrices, *biases, *w_hr]
    lengths, reset = rng.integers(0, T + 1, B, np.int64), rng.random((T, B)) < 0.2
    walk: dict[str, Any] = {"lengths": lengths, "reverse": seed % 2 > 0, "reset": reset}

    inputs = _exact([x, *initial, *weights])
    trace = reference.forward(*inputs, **options, **walk)
    for_backward = _exact([dh, *d_final, x, *matrices, *w_hr])
    truth = reference.backward(trace, *for_backward, **options, **walk)
    expected = [*trace[: 1 + states], *truth[: 1 + states], *truth[1 + 2 * states :]]
    expected = expected[: 2 + 2 * states + len(weights)]

    found = [np.full_like(a, np.nan) for a in (dh, *initial, x, *initial, *weights)]
    h, *final = found[: 1 + states]
    dx, *d_initial = found[1 + states : 2 + 2 * states]
    forward = kernels.Pass(
        *(*_addresses([lengths]), walk["reverse"], *_view(reset), 0, 0, 0, 0, 0, *_view(x)),
        *(*_addresses(initial, 2), *_view(h), *_addresses(final, 2), *_addresses([kept])),
    )
    backward = kernels.Gradients(
        *(*_view(dh), *_addresses(d_final, 2), *_view(dx), *_addresses(d_initial, 2)),
        *(0, 0, *_addresses(found[2 + 2 * states :], 5), 0, 0, 0, 0, 0, 0),
    )
    is_double, shape, at_weights = dtype == "float64", (B, T, I, H, P), [_addresses(weights, 5)]
    kernels.layer_forward(kernel, is_double, shape, at_weights, [forward], 0.0, 1)
    kernels.layer_backward(kernel, is_double, shape, at_weights, [forward], [backward], 1)

    cell, stepped = door.Step(*weights, **options), [state.copy() for state in initial]
    for x_t in x:
        cell.step(x_t, *stepped)
    found += stepped
    expected += reference.forward(*inputs, **options)[1 : 1 + states]
    off = [abs(f - e).max() / max(1, abs(e).max()) for f, e in zip(found, expected, strict=True)]
    return [float(o) / TOLERANCE[dtype] for o in off]


def check(form: int, dtype: str) -> bool:
    """Whether a form of a cell is right with the instruction set in use; prints a line."""
    found = [d for i, sizes in enumerate(SIZES) for d in differences(form, dtype, sizes, i)]
    worst, name = np.max(found), FORMS[form][0] + ("_projected" if FORMS[form][4] else "")
    right = bool(worst <= 1)
    verdict = _("right") if right else _("WRONG")
    verdict = _("{verdict}, off by {worst} of what is allowed").format(
        verdict=verdict, worst=number(worst, 3)
    )
    print(f"{kernels.isa()} {name} {dtype}: {verdict}", flush=True)
    return right


def check_integers() -> bool:
    """Whether products of whole numbers are right with it, to the last bit; prints a line."""
    right = True
    for i, (B, T, I, H) in enumerate(SIZES):
        rng = np.random.default_rng(i)
        w_ih, w_hh, b, *xs = (
            rng.standard_normal(shape, np.float32) / 8
            for shape in ((H, I), (H, H), (H,), *[(B, I)] * T)
        )
        cell = rnn.Step(w_ih, w_hh, b, nonlinearity="relu", storage="int8")
        found, expected = (np.zeros((B, H), np.float32) for _ in range(2))
        for x in xs:
            cell.step(x, found)
            sums = (b + product_of_integers(x, w_ih)) + product_of_integers(expected, w_hh)
            expected = np.maximum(sums, 0)
            right &= np.array_equal(found, expected)
    print(f"{kernels.isa()} int8: {_('right') if right else _('WRONG')}", flush=True)
    return right


def check_isa(isa: str) -> bool:
    """Whether all is right in a process that chose `isa`; also where this CPU lacks it."""
    command = [sys.executable, "-m", "gruta.selfcheck"]
    environment = {**os.environ, "GRUTA_ISA": isa, "GRUTA_ACTIVATIONS": "exact"}
    done = subprocess.run(command, env=environment, stderr=subprocess.PIPE, text=True)
    if "GRUTA_ISA must be one of" in done.stderr:
        print(_("{isa}: not compiled in, or not on this CPU").format(isa=isa), flush=True)
        return True
    print(done.stderr, end="", file=sys.stderr)
    return done.returncode == 0


def main() -> int:
    """Checks the instruction set that `GRUTA_ISA` names, or else all of this CPU."""
    try:
        kernels.threads()
    except InputError as error:
        print(error, file=sys.stderr)
        return 2
    if not kernels.available():
        print(_("the compiled kernels are missing: {reason}").format(reason=kernels.why_missing()))
        return 1
    if os.environ.get("GRUTA_ISA"):
        right = [check(form, dtype) for form, dtype in product(range(len(FORMS)), TOLERANCE)]
        right.append(check_integers())
    else:
        right = [check_isa(isa) for isa in ISAS]
    return 0 if all(right) else 1


def _exact(arrays: list[Array]) -> list[Array]:
    return [array.astype(np.float64) for array in arrays]


def _addresses(arrays: list[Array], places: int = 1) -> tuple[int, ...]:
    return (*(array.ctypes.data for array in arrays), *(0,) * (places - len(arrays)))


def _view(array: Array) -> tuple[int, int, int]:
    step, row = (stride // array.itemsize for stride in array.strides[:2])
    return array.ctypes.data, step, row


if __name__ == "__main__":
    sys.exit(main())
