"""The recurrent operators of an ONNX file, wherever they stand in it, with their weights.

The file is parsed and nothing of it executed; its size is looked at before it is read.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from gruta.errors import InputError
from gruta.exchange.layer import GATES, Layer
from gruta.exchange.onnx import equations
from gruta.exchange.onnx.equations import Inputs
from gruta.exchange.onnx.graph import LARGEST
from gruta.exchange.onnx.operator import Operator
from gruta.exchange.onnx.outline import kept, outline
from gruta.exchange.onnx.run import INPUTS, layer_of
from gruta.locale import translate as _
from gruta.locale.numbers import number

Array = NDArray[Any]

_THROUGH = {"Identity", "Cast"}
"""Operators that hand a constant on; a Cast between floating types changes no shape."""


@dataclass(frozen=True, eq=False)
class Node:
    """A GRU, LSTM or RNN of a graph.

    inputs: the names of what comes in, by the standard's names, without those left out. constants:
    those of them that the file holds. refused: why the operator is none that the standard has, "".
    """

    name: str
    kind: str
    operator: Operator | None
    inputs: Mapping[str, str]
    outputs: tuple[str, ...]
    constants: Mapping[str, Array]
    refused: str = ""

    def layer(self) -> Layer:
        """As a layer; InputError for what layers lack, and for weights that are computed."""
        if self.operator is None:
            raise InputError(f"{self.name}: {self.refused}")
        if "P" in self.inputs:
            raise InputError(
                _("{name}: no layer of gruta has peepholes (P)").format(name=self.name)
            )
        W, R, B = self._weights()
        D, rows = W.shape[0], W.shape[1] if W.ndim == 3 else 0
        if {W.ndim, R.ndim} != {3} or B.shape != (D, 2 * rows) or len(R) != D:
            problem = _("{name}: its W, R and B do not belong together: {shapes}")
            shapes = ", ".join(str(list(a.shape)) for a in (W, R, B))
            raise InputError(problem.format(name=self.name, shapes=shapes))
        if len(self.operator.directions) != D or rows % GATES[self.operator.cell]:
            problem = _("{name}: weights of shape {shape} do not fit direction={direction}")
            told = {"shape": list(W.shape), "direction": self.operator.direction}
            raise InputError(problem.format(name=self.name, **told))
        return layer_of(self.operator, W, R, B, self.name)

    def computed(self, x: Array, states: Sequence[Array], lengths: Array | None) -> Sequence[Array]:
        """By the standard's equations y `[T, B, D*H]` and the final states, of what is a layer."""
        assert self.operator is not None
        given = Inputs(x, *self._weights(), lengths, tuple(states))
        Y, *finals = equations.compute(self.operator, given)
        return Y.transpose(0, 2, 1, 3).reshape(*x.shape[:2], -1), *finals

    def _weights(self) -> tuple[Array, Array, Array]:
        """W, R and B, which is 0 where it is left out."""
        W, R = (self._constant(name) for name in ("W", "R"))
        if "B" in self.inputs:
            return W, R, self._constant("B")
        return W, R, np.zeros((len(W), 2 * (W.shape[1] if W.ndim == 3 else 0)), W.dtype)

    def _constant(self, name: str) -> Array:
        if name not in self.constants:
            problem = _("{name}: its {input} is not in the file: it is computed, or an input")
            raise InputError(problem.format(name=self.name, input=name))
        return self.constants[name]


def read(path: str | Path) -> list[Node]:
    """Of each recurrent operator in the file, in its order, subgraphs and functions among it.

    InputError for a file that is none of ONNX, is larger than `LARGEST`, or contradicts itself.
    """
    path = Path(path)
    return list(nodes(load(path, whole=False), path))


def load(path: Path, *, whole: bool = True) -> Any:
    """The model, without weights that lie in files of their own; where it need not be whole, large
    ones stay in this one too, from which `nodes` reads them.
    """
    import onnx
    from google.protobuf.message import DecodeError

    if not path.is_file():
        raise InputError(_("{path}: expected a file, found none").format(path=path))
    _require_fits(path, path.stat().st_size)
    try:
        model = (
            onnx.load_model(path, format="protobuf", load_external_data=False)
            if whole
            else onnx.ModelProto.FromString(outline(path))
        )
    except (DecodeError, ValueError) as error:
        problem = _("{path}: it is no ONNX file, or is cut short")
        raise InputError(problem.format(path=path)) from error
    if not model.ir_version or not model.HasField("graph"):
        raise InputError(_("{path}: it is no ONNX file, or is cut short").format(path=path))
    parts = model.graph, *model.functions
    if any(isinstance(name, bytes) for part in parts for name in _said(part)):
        raise InputError(_("{path}: a name in it is no text: it is broken").format(path=path))
    return model


def whole(path: Path) -> Any:
    """The model with all its weights, those of files beside it too."""
    from onnx import TensorProto
    from onnx.external_data_helper import load_external_data_for_tensor

    model = load(path)
    parts = model.graph, *model.functions
    outside = TensorProto.EXTERNAL
    apart = [one for part in parts for one in _tensors(part) if one.data_location == outside]
    _require_fits(path, model.ByteSize() + sum(_bytes(one, path) for one in apart))
    for tensor in apart:
        try:
            load_external_data_for_tensor(tensor, str(path.parent))
        except Exception as error:
            raise _unread(path.name, tensor, error) from error
        del tensor.external_data[:]
        tensor.data_location = TensorProto.DEFAULT
    return model


def _tensors(graph: Any) -> Iterator[Any]:
    """All that a graph or a function holds, in its subgraphs too."""
    yield from getattr(graph, "initializer", ())
    for node in graph.node:
        for attribute in node.attribute:
            yield from (attribute.t, *attribute.tensors)
            for inside in (attribute.g, *attribute.graphs):
                yield from _tensors(inside)


def _bytes(tensor: Any, path: Path) -> int:
    """What a tensor says that it takes of the file that it lies in, at most the whole."""
    said = {one.key: one.value for one in tensor.external_data}
    file = path.parent / said.get("location", "")
    size = file.stat().st_size if file.is_file() else 0
    length = said.get("length", "")
    return min(size, int(length)) if length.isdecimal() else size


def _require_fits(path: Path, size: int) -> None:
    if size > LARGEST:
        problem = _("{path}: {size} bytes are more than an ONNX file can have ({most})")
        raise InputError(problem.format(path=path, size=number(size), most=number(LARGEST)))


def _said(graph: Any) -> Iterator[Any]:
    """All that is text in a graph or a function: of what is no UTF-8 protobuf makes bytes."""
    yield graph.name
    for node in graph.node:
        yield from (node.name, node.op_type, node.domain, *node.input, *node.output)
        for attribute in node.attribute:
            yield attribute.name
            for inside in (attribute.g, *attribute.graphs):
                yield from _said(inside)
    yield from (one.name for one in getattr(graph, "initializer", ()))
    for one in (*graph.input, *graph.output):
        if isinstance(one, str | bytes):  # a function's
            yield one
            continue
        yield one.name
        yield from (size.dim_param for size in one.type.tensor_type.shape.dim)


def nodes(model: Any, path: Path) -> Iterator[Node]:
    """Of a model that is loaded from this path; weights in files of their own lie beside it."""
    yield from _in_graph(model.graph, {}, path)
    for function in model.functions:
        yield from _in_graph(function, {}, path)


def _in_graph(graph: Any, around: Mapping[str, Any], path: Path) -> Iterator[Node]:
    """around: the constants of the graphs that this one stands in, by name."""
    known = dict(around) | {one.name: one for one in getattr(graph, "initializer", ())}
    for node in graph.node:
        if node.op_type == "Constant" and node.domain in ("", "ai.onnx"):
            known |= [(node.output[0], one.t) for one in node.attribute if one.name == "value"]
        elif node.op_type in _THROUGH and node.input and node.input[0] in known:
            known[node.output[0]] = known[node.input[0]]
        for attribute in node.attribute:
            for inside in (attribute.g, *attribute.graphs):
                yield from _in_graph(inside, known, path)
        if node.op_type.lower() in GATES and node.domain in ("", "ai.onnx"):
            yield _node(node, known, path)


def _node(node: Any, known: Mapping[str, Any], path: Path) -> Node:
    import onnx

    name = node.name or (node.output[0] if node.output else node.op_type)
    inputs = {own: given for own, given in zip(INPUTS, node.input, strict=False) if given}
    constants = {
        own: _array(known[given], name, path) for own, given in inputs.items() if given in known
    }
    operator, refused = None, ""
    try:
        given = {one.name: onnx.helper.get_attribute_value(one) for one in node.attribute}
        operator = Operator.of(node.op_type, given)
    except (InputError, TypeError, ValueError) as error:
        refused = str(error)
    return Node(name, node.op_type, operator, inputs, tuple(node.output), constants, refused)


def _array(tensor: Any, name: str, path: Path) -> Array:
    from onnx import numpy_helper

    try:
        own = kept(tensor, path)
        found: Array = numpy_helper.to_array(tensor, str(path.parent)) if own is None else own
    except Exception as error:  # of many kinds: sizes, types, files that are not there
        raise _unread(name, tensor, error) from error
    return found


def _unread(name: str, tensor: Any, error: Exception) -> InputError:
    problem = _("{name}: the weight {weight} cannot be read: {error}")
    said = " ".join(str(error).split())[:300]
    return InputError(problem.format(name=name, weight=tensor.name, error=said))
