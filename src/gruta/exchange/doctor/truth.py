"""What an ONNX graph gives by the standard: its recurrent operators by ours, the rest by onnx's own
evaluator, which overlooks lengths, clip and activations of recurrent ones, and joins what a Loop's
rounds give.
"""

import math
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from gruta.errors import InputError
from gruta.exchange.onnx.operator import Operator
from gruta.exchange.onnx.run import run
from gruta.locale import translate as _
from gruta.locale.numbers import number

Array = NDArray[Any]

_MOST = 2**26
"""Numbers in an input."""


def outputs(model: Any, given: Mapping[str, Array]) -> list[Array]:
    """Of a loaded model for these inputs."""
    from onnx.reference import ReferenceEvaluator

    return list(ReferenceEvaluator(model, new_ops=_ours()).run(None, dict(given)))


def drawn(model: Any, T: int, B: int, rng: np.random.Generator) -> dict[str, Array]:
    """Inputs by name: normal numbers, lengths from T down to 0, small whole numbers.

    A free axis has T where a recurrent operator walks along it, else B; a fixed one is as it is.
    InputError for one that is too large.
    """
    time, lengths = _roles(model.graph)
    found: dict[str, Array] = {}
    held = {one.name for one in model.graph.initializer}
    for one in model.graph.input:
        if one.name in held:
            continue
        dims = one.type.tensor_type.shape.dim
        places = time.get(one.name, set())
        shape = [
            d.dim_value or (T if k in places or d.dim_param in time else B)
            for k, d in enumerate(dims)
        ]
        dtype = _dtype(one)
        require_small(one.name, shape)
        if one.name in lengths:
            steps, rows = lengths[one.name] or T, shape[0]
            found[one.name] = np.linspace(steps, 0, rows + (rows == 1))[:rows].astype(dtype)
        elif np.issubdtype(dtype, np.integer):
            found[one.name] = rng.integers(0, 2, shape).astype(dtype)
        else:
            found[one.name] = rng.normal(size=shape).astype(dtype)
    return found


def require_small(name: str, shape: Sequence[int]) -> None:
    """InputError for sizes that a file says, and nobody would try."""
    if math.prod(shape) > _MOST:
        problem = _("{name}: an input of {sizes} numbers is larger than is tried ({most})")
        told = {"name": name, "sizes": "·".join(map(str, shape)), "most": number(_MOST)}
        raise InputError(problem.format(**told))


def _roles(graph: Any) -> tuple[dict[str, set[int]], dict[str, int]]:
    """Axes of time by an input's name, free sizes' names beside them; inputs that are lengths, each
    with the steps of what they end, 0 where those are free.
    """
    time: dict[str, set[int]] = {}
    lengths: dict[str, int] = {}
    known = {one.name: one for one in graph.input}
    for node in graph.node:
        if node.op_type not in ("GRU", "LSTM", "RNN"):
            continue
        layout, steps = next((a.i for a in node.attribute if a.name == "layout"), 0), 0
        if node.input[0] in known:
            time.setdefault(node.input[0], set()).add(int(layout))
            dims = known[node.input[0]].type.tensor_type.shape.dim
            if len(dims) == 3:
                steps = dims[layout].dim_value
                if dims[layout].dim_param:
                    time.setdefault(dims[layout].dim_param, set())
        if len(node.input) > 4:
            lengths[node.input[4]] = steps
    return time, lengths


def _dtype(value: Any) -> Any:
    from onnx import helper

    return helper.tensor_dtype_to_np_dtype(value.type.tensor_type.elem_type)


def _ours() -> list[Any]:
    """Classes that stand for the three operators in onnx's evaluator."""
    from onnx.helper import get_attribute_value
    from onnx.reference.op_run import OpRun

    def made(kind: str) -> Any:
        def compute(self: Any, *inputs: Array | None, **_defaults: Any) -> tuple[Array, ...]:
            said = {a.name: get_attribute_value(a) for a in self.onnx_node.attribute}
            outputs = run(Operator.of(kind, said), inputs)
            return tuple(outputs[: len(self.onnx_node.output)])

        return type(kind, (OpRun,), {"op_domain": "", "_run": compute})

    return [*(made(kind) for kind in ("GRU", "LSTM", "RNN")), _loop()]


def _loop() -> Any:
    """Loop with what each round gives stacked, and that goes on where nothing says whether to:
    onnx's own joins what has axes, and does no round.
    """
    from onnx.reference.ops import op_loop

    class Loop(op_loop.Loop):  # type: ignore[misc]
        op_domain = ""
        axes: dict[int, int]
        _run_body: Any

        def __init__(self, node: Any, given: Any) -> None:
            super().__init__(node, given)
            once, self.axes = self._run_body, {}

            def run_body(*inputs: Any, **how: Any) -> list[Array]:
                found = list(once(*inputs, **how))
                for k in range(len(found) - self.K, len(found)):
                    self.axes[k - len(found)] = found[k].ndim
                    found[k] = found[k][None]
                return found

            self._run_body = run_body

        def _run(self, most: Any, go: Any, *given: Any, **how: Any) -> tuple[Array, ...]:
            go = np.array(True) if go is None else go
            found = list(super()._run(most, go, *given, **how))
            for k, axes in self.axes.items():  # of numbers it makes a column
                found[k] = found[k] if axes else found[k].reshape(-1)
            return tuple(found)

    return Loop
