"""An ONNX file written anew so that its recurrent layers come out right in every engine.

Each GRU, LSTM or RNN whose weights the file holds becomes nodes that all engines read alike: layout
0, forward or bidirectional, lengths by a mask instead of sequence_lens. All else stays.
"""

from collections.abc import Iterator, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np

from gruta.errors import InputError
from gruta.exchange.layer import Layer
from gruta.exchange.onnx.graph import Graph
from gruta.exchange.onnx.read import Node, nodes, whole
from gruta.exchange.onnx.write import Ends, add_layer
from gruta.files import write_atomically
from gruta.locale import translate as _


def mend(path: Path, to: Path, *, reset_after: bool = False) -> dict[str, str]:
    """Write the mended file; what was done, or not, to each layer, by its name.

    reset_after: a GRU that says linear_before_reset=0, and has a recurrent bias of the candidate,
    was trained in the other form: write that. InputError for a file that is none of ONNX, or is
    older than opset 13, whose operators have other inputs.
    """
    model = whole(path)
    _require_new(model, path)
    graph, prefix = model.graph, _prefix(model.graph)
    found = {node.outputs[0]: node for node in nodes(model, path) if node.outputs}
    done: dict[str, str] = {}
    new: list[Any] = []
    read: set[str] = set()
    for given in graph.node:
        node = found.pop(given.output[0] if given.output else "", None)
        if node is None:
            new.append(given)
            continue
        try:
            layer, done[node.name] = _layer(node, reset_after)
        except InputError as error:
            new.append(given)
            done[node.name] = _("left as it is: {reason}").format(reason=error)
            continue
        grown = _replaced(node, layer, f"{prefix}_{len(done)}")
        new.extend(grown.nodes)
        graph.initializer.extend(grown.held())
        read.update(given.input)
    for node in found.values():
        done[node.name] = _("left as it is: it stands in a subgraph or a function")
    del graph.node[:]
    graph.node.extend(new)
    _let_go(graph, read)
    _write(model, path, to)
    return done


def _require_new(model: Any, path: Path) -> None:
    version = next((one.version for one in model.opset_import if one.domain in ("", "ai.onnx")), 0)
    if version < 13:
        problem = _("{path}: opset {version}; make it 13 or later by onnx.version_converter first")
        raise InputError(problem.format(path=path, version=version))


def _let_go(graph: Any, names: set[str]) -> None:
    """Leave out constants of these names that nothing reads any more."""
    gone = names.intersection(one.name for one in graph.initializer) - set(_read(graph))
    for held in (graph.initializer, graph.input):  # old files list constants among the inputs
        kept = [one for one in held if one.name not in gone]
        del held[:]
        held.extend(kept)


def _read(graph: Any) -> Iterator[str]:
    """The names of all that a graph, and the graphs in it, read or give."""
    yield from (one.name for one in graph.output)
    for node in graph.node:
        yield from node.input
        for attribute in node.attribute:
            for inside in (attribute.g, *attribute.graphs):
                yield from _read(inside)


def _prefix(graph: Any) -> str:
    """One that no name in the graph begins with."""
    names = {name for node in graph.node for name in (*node.input, *node.output)}
    prefix = "gruta"
    while any(name.startswith(prefix) for name in names):
        prefix += "_"
    return prefix


def _write(model: Any, path: Path, to: Path) -> None:
    import onnx

    try:
        onnx.checker.check_model(model)
    except onnx.checker.ValidationError as error:
        problem = _("{path}: what would be written is not valid: {error}")
        said = " ".join(str(error).split())[:300]
        raise InputError(problem.format(path=path, error=said)) from error
    write_atomically(to, model.SerializeToString())


def _layer(node: Node, reset_after: bool) -> tuple[Layer, str]:
    """The layer, and what is said of it."""
    layer = node.layer()
    biased = layer.cell == "gru" and any(s.b_hh[2 * layer.hidden :].any() for s in layer.sides)
    if reset_after and biased and not layer.reset_after:
        said = _("mended; linear_before_reset is 1 now, as its biases say")
        return replace(layer, reset_after=True), said
    return layer, _("mended")


def _replaced(node: Node, layer: Layer, name: str) -> Graph:
    """What stands for `node`, with its inputs and outputs; all other names begin with `name`."""
    assert node.operator is not None
    graph, late = Graph(), bool(node.operator.layout)
    x = node.inputs["X"]
    if late:
        x = graph.node("Transpose", x, out=f"{name}_x", perm=[1, 0, 2])
    count = 1 + (layer.cell == "lstm")
    keys = ("initial_h", "initial_c")[:count]
    initial = [_state(graph, node, key, layer, x, name) for key in keys]
    ends = None
    if "sequence_lens" in node.inputs:
        lengths = graph.node("Cast", node.inputs["sequence_lens"], out=f"{name}_lengths", to=7)
        ends = Ends(graph, x, layer.sides[0].w_hh.dtype, lengths)
    found = add_layer(graph, layer, name, x, initial, ends)
    wanted = [*node.outputs, "", "", ""][: 1 + count]
    for given, out, perm in zip(found, wanted, _turns(late), strict=False):
        if out:
            graph.node("Transpose" if perm else "Identity", given, out=out, **_perm(perm))
    _prefixed(graph, name, {*node.inputs.values(), *node.outputs})
    return graph


def _turns(late: bool) -> Sequence[list[int] | None]:
    return ([2, 0, 1, 3], [1, 0, 2], [1, 0, 2]) if late else (None, None, None)


def _perm(perm: list[int] | None) -> dict[str, Any]:
    return {"perm": perm} if perm else {}


def _state(graph: Graph, node: Node, key: str, layer: Layer, x: str, name: str) -> str:
    """An initial state `[D, B, H]`: the one given, or zeros for as many rows as x has."""
    assert node.operator is not None
    if key in node.inputs:
        given = node.inputs[key]
        if not node.operator.layout:
            return given
        return graph.node("Transpose", given, out=f"{name}_{key}", perm=[1, 0, 2])
    rows = graph.size(x, 1, f"{name}_{key}_rows")
    sizes = graph.indices(len(layer.sides)), rows, graph.indices(layer.hidden)
    shape = graph.node("Concat", *sizes, out=f"{name}_{key}_shape", axis=0)
    zero = graph.constant("zero_state", np.zeros(1), layer.sides[0].w_hh.dtype)
    return graph.node("Expand", zero, shape, out=f"{name}_{key}")


def _prefixed(graph: Graph, name: str, theirs: set[str]) -> None:
    """Give everything that is ours a name of its own in the larger graph."""

    def own(one: str) -> str:
        return one if not one or one in theirs or one.startswith(name) else f"{name}_{one}"

    graph.constants = {own(key): array for key, array in graph.constants.items()}
    for made in graph.nodes:
        made.input[:] = [own(one) for one in made.input]
        made.output[:] = [own(one) for one in made.output]
        made.name = own(made.name)
