"""The functions that ONNX lets a recurrent operator name, with their parameters.

https://onnx.ai/onnx/operators/onnx__GRU.html. A parameter that is not given is that of the operator
of this name; Affine and ScaledTanh have none, and engines fill in zeros: theirs must be given.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from gruta.cells.activations import sigmoid
from gruta.errors import InputError
from gruta.locale import translate as _

Array = NDArray[Any]


@dataclass(frozen=True)
class Activation:
    """A function with its parameters in place."""

    name: str
    alpha: float | None = None
    beta: float | None = None

    def __call__(self, a: Array) -> Array:
        """Of each number, in a's dtype."""
        given = [v for v in (self.alpha, self.beta) if v is not None]
        return _FUNCTIONS[self.name].act(a, *(a.dtype.type(v) for v in given))


@dataclass(frozen=True)
class _Function:
    """act(a, alpha, beta), with as many as it takes; their defaults, None where there is none."""

    act: Callable[..., Array]
    alpha: float | None = None
    beta: float | None = None
    takes: int = 0


_FUNCTIONS = {
    "Sigmoid": _Function(sigmoid),
    "Tanh": _Function(np.tanh),
    "Relu": _Function(lambda a: np.maximum(a, 0)),
    "Softsign": _Function(lambda a: a / (1 + np.abs(a))),
    "Softplus": _Function(lambda a: np.logaddexp(a, a.dtype.type(0))),
    "Affine": _Function(lambda a, alpha, beta: alpha * a + beta, takes=2),
    "ScaledTanh": _Function(lambda a, alpha, beta: alpha * np.tanh(beta * a), takes=2),
    "HardSigmoid": _Function(lambda a, alpha, beta: np.clip(alpha * a + beta, 0, 1), 0.2, 0.5, 2),
    "LeakyRelu": _Function(lambda a, alpha: np.where(a < 0, alpha * a, a), 0.01, takes=1),
    "ThresholdedRelu": _Function(lambda a, alpha: np.where(a > alpha, a, 0), 1.0, takes=1),
    "Elu": _Function(
        lambda a, alpha: np.where(a < 0, alpha * np.expm1(np.minimum(a, 0)), a), 1.0, takes=1
    ),
}


def activations(
    names: Sequence[str], alphas: Sequence[float], betas: Sequence[float]
) -> tuple[Activation, ...]:
    """Each name with its parameters, which the functions that take one use up in turn.

    InputError for an unknown name, for parameters that are too many or too few, and for a function
    without defaults whose parameters are missing.
    """
    known = {
        name.lower(): name for name in _FUNCTIONS
    }  # the standard's own examples differ in case
    for name in names:
        if name.lower() not in known:
            problem = _("activations: expected some of {known}, found {name!r}")
            raise InputError(problem.format(known=", ".join(_FUNCTIONS), name=name))
    own = [known[name.lower()] for name in names]
    takers = [[n for n in own if _FUNCTIONS[n].takes > k] for k in (0, 1)]
    given = []
    for label, values, takes in (("alpha", alphas, takers[0]), ("beta", betas, takers[1])):
        if values and len(values) != len(takes):
            problem = _(
                "activation_{label}: expected {expected} numbers, one for each activation that "
                "takes one ({names}), found {found}"
            )
            told = {"expected": len(takes), "found": len(values), "names": ", ".join(takes) or "–"}
            raise InputError(problem.format(label=label, **told))
        given.append(iter(values) if values else None)
    return tuple(_filled(name, given) for name in own)


def _filled(name: str, given: Sequence[Any]) -> Activation:
    function = _FUNCTIONS[name]
    found: list[float | None] = []
    for k, default in enumerate((function.alpha, function.beta)):
        if function.takes <= k:
            found.append(None)
        elif given[k] is not None:
            found.append(float(next(given[k])))
        elif default is None:
            problem = _("activations: {name} has no parameters of its own: give {label}")
            label = "activation_alpha" if k == 0 else "activation_beta"
            raise InputError(problem.format(name=name, label=label))
        else:
            found.append(default)
    return Activation(name, *found)
