"""How far the layers are from the reference, by cell, dtype and length of the sequence.

The truth is the NumPy reference in the widest floats there are, on the same float32 inputs. An
error is the largest absolute difference over the largest absolute value of the true array.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from importlib import import_module
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray

from gruta import nn
from gruta.bench.cases import Case
from gruta.bench.inputs import Inputs, draw
from gruta.bench.parity import Arrays, relative_error, truth
from gruta.bench.rivals.torch_nn import GRADIENTS, filled
from gruta.cells import CELLS, CellName

LENGTHS = 100, 1_000, 10_000
B, I, H = 4, 16, 32
LAYERS = ("float32", "float64")
STORED = ("float16", "bfloat16")


@dataclass(frozen=True)
class Accuracy:
    """One cell over T steps in one dtype, or with weights stored in one.

    outputs: the error of h at every step and of the final states. gradients: the largest among
    those of x and of every weight; None where only the forward pass has this dtype.
    """

    cell: CellName
    dtype: str
    T: int
    outputs: float
    gradients: float | None

    def __str__(self) -> str:
        return f"{self.cell.upper()} {self.dtype} T={self.T}: {self.errors}"

    @property
    def errors(self) -> str:
        """Of the outputs, and of the gradients where there are any."""
        gradients = "" if self.gradients is None else f" / {self.gradients:.1e}"
        return f"{self.outputs:.1e}{gradients}"


def accuracies(lengths: Sequence[int], seed: int) -> Iterator[Accuracy]:
    """Every cell, length and dtype, one after the other."""
    for cell in CELLS:
        for T in lengths:
            case = Case(cell, "training", T, B, I, H)
            inputs = draw(case, seed)
            true = truth(case, inputs, np.longdouble)
            for dtype in LAYERS:
                yield _judged(case, dtype, _trained(case, inputs, getattr(torch, dtype)), true)
            for dtype in STORED:
                yield _judged(case, dtype, _streamed(case, inputs, dtype), true)


def _judged(case: Case, dtype: str, found: Arrays, true: Arrays) -> Accuracy:
    errors = {name: relative_error(array, true[name]) for name, array in found.items()}
    outputs = max(error for name, error in errors.items() if not name.startswith("d_"))
    gradients = [error for name, error in errors.items() if name.startswith("d_")]
    return Accuracy(case.cell, dtype, case.T, outputs, max(gradients, default=None))


def _trained(case: Case, inputs: Inputs, dtype: torch.dtype) -> dict[str, NDArray[Any]]:
    """The layer's outputs and gradients."""
    layer = filled(nn.CELLS[case.cell](case.I, case.H, dtype=dtype), inputs)
    assert inputs.dh is not None
    x = torch.from_numpy(inputs.x).to(dtype).requires_grad_()
    states = tuple(torch.from_numpy(s).to(dtype)[None] for s in inputs.states)
    out, final = layer(x, states if len(states) > 1 else states[0])
    out.backward(torch.from_numpy(inputs.dh).to(dtype))
    finals = final if isinstance(final, tuple) else (final,)
    found = {"h": out, **{n: s[0] for n, s in zip(("h_n", "c_n"), finals, strict=False)}}
    found |= dict(zip(("d_x", *GRADIENTS), (p.grad for p in (x, *layer.parameters())), strict=True))
    return {name: tensor.detach().numpy() for name, tensor in found.items()}


def _streamed(case: Case, inputs: Inputs, storage: str) -> dict[str, NDArray[Any]]:
    """What weights stored in 16 bits make of it."""
    step = import_module(f"gruta.cells.{case.cell}").Step(*inputs.weights, storage=storage)
    return dict(zip(("h", "h_n", "c_n"), step.sequence(inputs.x, *inputs.states), strict=False))
