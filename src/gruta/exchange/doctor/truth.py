"""What an ONNX graph gives by the standard: its recurrent operators by ours, the rest by onnx's own
evaluator, which overlooks lengths, clip and activations of recurrent ones.
"""

from collections.abc import Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray

from gruta.exchange.onnx.operator import Operator
from gruta.exchange.onnx.run import run

Array = NDArray[Any]


def outputs(model: Any, given: Mapping[str, Array]) -> list[Array]:
    """Of a loaded model for these inputs."""
    from onnx.reference import ReferenceEvaluator

    return list(ReferenceEvaluator(model, new_ops=_ours()).run(None, dict(given)))


def drawn(model: Any, T: int, B: int, rng: np.random.Generator) -> dict[str, Array]:
    """Inputs by name: normal numbers, lengths from T down to 0, small whole numbers.

    A free axis has T where a recurrent operator walks along it, else B; a fixed one is as it is.
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
        if one.name in lengths:
            steps, rows = lengths[one.name] or T, shape[0]
            found[one.name] = np.linspace(steps, 0, rows + (rows == 1))[:rows].astype(dtype)
        elif np.issubdtype(dtype, np.integer):
            found[one.name] = rng.integers(0, 2, shape).astype(dtype)
        else:
            found[one.name] = rng.normal(size=shape).astype(dtype)
    return found


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

    return [made(kind) for kind in ("GRU", "LSTM", "RNN")]
