"""What an ONNX file says of its recurrent layers, and where it contradicts itself."""

import contextlib
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np

from gruta.exchange.doctor.finding import Diagnosis, Recurrent
from gruta.exchange.onnx.read import Node, load, nodes
from gruta.locale import translate as _

_PRODUCTS = {"MatMul", "Gemm"}
_GATES = {"Sigmoid", "HardSigmoid", "Tanh"}
_LOOPS = {"Loop", "Scan"}


def examine(path: Path) -> Diagnosis:
    """InputError for a file that is none of ONNX."""
    model = load(path)
    shapes = _shapes(model)
    used = Counter(name for node in _all(model.graph) for name in node.input)
    used.update(one.name for one in model.graph.output)
    used.update(one.name for inside in _inside(model.graph) for one in inside.output)
    found = list(nodes(model, path))
    looped = {
        name for body in _bodies(model.graph) for one in _all(body) for name in one.output if name
    }
    turned = {node.input[0] for node in _all(model.graph) if _turns_rows(node)}
    layers = [
        replace(
            _recurrent(node, shapes, used),
            looped=bool(looped.intersection(node.outputs)),
            turned_beside=node.inputs.get("X") in turned,
        )
        for node in found
    ]
    doubts = [doubt for node in found for doubt in _contradictions(node)]
    doubts += _unrolled(model, alone=not found)
    return Diagnosis(str(path), "onnx", layers, doubts)


def _recurrent(node: Node, shapes: Mapping[str, Any], used: Mapping[str, int]) -> Recurrent:
    R, W = node.constants.get("R"), node.constants.get("W")
    operator = node.operator
    inputs = int(W.shape[-1]) if W is not None and W.ndim == 3 else 0
    hidden = int(R.shape[-1]) if R is not None and R.ndim == 3 else 0
    if operator is None:
        return Recurrent(node.name, node.kind.lower(), inputs, hidden, refused=node.refused)
    x = shapes.get(node.inputs.get("X", ""), ())
    time, batch = (x[1], x[0]) if operator.layout and len(x) == 3 else (*x[:2], None, None)[:2]
    names = tuple(one.name for side in operator.activations for one in side)
    states = [node.inputs[name] for name in ("initial_h", "initial_c") if name in node.inputs]
    constant = all(name in node.constants for name in ("initial_h",) if states)
    return Recurrent(
        name=node.name,
        cell=operator.cell,
        inputs=inputs,
        hidden=hidden or operator.hidden_size or 0,
        direction=operator.direction,
        reset=_form(operator.cell, operator.linear_before_reset),
        activations=names,
        plain_activations=not any(b.startswith("activations") for b in operator.beyond_layers),
        clip=operator.clip,
        input_forget=operator.input_forget,
        peepholes="P" in node.inputs,
        layout=operator.layout,
        lengths="sequence_lens" in node.inputs,
        initial="zeros" if not states else "constant" if constant else "given",
        final=any(used.get(name) for name in node.outputs[1:] if name),
        free_batch=not isinstance(batch, int),
        free_time=not isinstance(time, int),
        fixed_time=time if isinstance(time, int) else None,
        precision="float32" if W is None else str(W.dtype),
    )


def _turns_rows(node: Any) -> bool:
    """Whether it is a Transpose of the first two of three axes."""
    return node.op_type == "Transpose" and any(
        one.name == "perm" and list(one.ints) == [1, 0, 2] for one in node.attribute
    )


def _form(cell: str, after: bool) -> Any:
    return "" if cell != "gru" else "after" if after else "before"


def _contradictions(node: Node) -> Iterator[str]:
    """A reset form that the biases do not go with."""
    operator, B = node.operator, node.constants.get("B")
    if operator is None or operator.cell != "gru" or B is None or B.ndim != 2:
        return
    H = B.shape[1] // 6
    if not operator.linear_before_reset and np.any(B[:, 5 * H :]):
        yield _(
            "{name}: it says linear_before_reset=0, and has a recurrent bias of the candidate, "
            "which only the other form needs: PyTorch and Keras (reset_after) train with "
            "linear_before_reset=1. If the model came from there, gruta doctor --mend FILE "
            "--reset-after writes that"
        ).format(name=node.name)


def _unrolled(model: Any, *, alone: bool) -> Iterator[str]:
    """Steps written out one after the other. alone: in a graph without a recurrent operator; beside
    one, weights that are used twice are no steps.
    """
    inside = list(_all(model.graph))
    if any(node.op_type in _LOOPS for node in inside) or not any(
        node.op_type in _GATES for node in inside
    ):
        return
    weights = {one.name for one in model.graph.initializer if len(one.dims) == 2}
    weights |= {n.output[0] for n in inside if n.op_type == "Transpose" and n.input[0] in weights}
    uses = Counter(
        name
        for node in inside
        if node.op_type in _PRODUCTS
        for name in node.input
        if name in weights
    )
    free = [one.name for one in model.graph.input if _time_is_free(one)]
    steps = max(uses.values(), default=0)
    said = ", ".join(free)
    if steps > (1 if alone else 2) and free:
        yield _(
            "{inputs}: the time axis is declared free, but the steps are written out: {steps} of "
            "them. Longer input is cut and shorter input fails, in any engine; export it with a "
            "GRU, LSTM or RNN node (gruta.exchange.to_onnx)"
        ).format(inputs=said, steps=steps)
    elif alone and steps == 1 and free:
        yield _(
            "{inputs}: the time axis is declared free, but there is no loop and no recurrent "
            "node: it holds one step. Feed it step by step, its state handed on, or export it again"
        ).format(inputs=said)


def _time_is_free(value: Any) -> bool:
    """Of an input of three axes, whether the second or the first has no fixed size, twice over."""
    dims = value.type.tensor_type.shape.dim
    return len(dims) == 3 and sum(not one.dim_value for one in dims[:2]) > 0


def _shapes(model: Any) -> dict[str, tuple[int | str, ...]]:
    """Sizes of what is known by name; a free one is its name, or ""."""
    import onnx

    # A graph that contradicts itself fails there; then what it declares is all that is known.
    with contextlib.suppress(Exception):
        model = onnx.shape_inference.infer_shapes(model)
    graph = model.graph
    return {
        one.name: tuple(d.dim_value or d.dim_param for d in one.type.tensor_type.shape.dim)
        for one in (*graph.input, *graph.value_info, *graph.output)
    }


def _bodies(graph: Any) -> Iterator[Any]:
    """What is done again and again."""
    for node in _all(graph):
        if node.op_type == "Loop":
            yield from (attribute.g for attribute in node.attribute if attribute.name == "body")


def _inside(graph: Any) -> Iterator[Any]:
    """The graphs that are attributes of nodes, those of any operator."""
    for node in _all(graph):
        for attribute in node.attribute:
            yield from (attribute.g, *attribute.graphs)


def _all(graph: Any) -> Iterable[Any]:
    for node in graph.node:
        yield node
        for attribute in node.attribute:
            for inside in (attribute.g, *attribute.graphs):
                yield from _all(inside)
