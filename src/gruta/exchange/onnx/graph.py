"""A graph that grows node by node, for `write`."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray

from gruta.errors import InputError
from gruta.locale import translate as _
from gruta.locale.numbers import number

Size = int | str

LARGEST = 2**31
"""Bytes of a file: what protobuf holds."""


@dataclass
class Graph:
    """Nodes and constants of an ONNX graph; each method adds a node and gives its output's name."""

    nodes: list[Any] = field(default_factory=list)
    constants: dict[str, NDArray[Any]] = field(default_factory=dict)
    inputs: list[Any] = field(default_factory=list)
    outputs: list[Any] = field(default_factory=list)

    def constant(self, name: str, values: Any, dtype: Any = None) -> str:
        """Numbers that the file holds; a single one has no axis."""
        made = np.require(values, dtype, "C")
        if name in self.constants:
            assert np.array_equal(self.constants[name], made), name
        self.constants[name] = made
        return name

    def indices(self, *values: int) -> str:
        """Axes, and other numbers of ONNX's int64, by their values."""
        return self.constant("axes_" + "_".join(str(v) for v in values), values, np.int64)

    def size(self, x: str, axis: int, out: str) -> str:
        """How long x is along an axis, `[1]`."""
        whole = self.node("Shape", x, out=f"{out}_of")
        span = self.indices(axis), self.indices(axis + 1), self.indices(0)
        return self.node("Slice", whole, *span, out=out)

    def node(self, kind: str, *inputs: str, out: str | Sequence[str], **attributes: Any) -> str:
        """out: its output, or all of them, the first of which is given back."""
        from onnx import helper

        outputs = [out] if isinstance(out, str) else list(out)
        made = helper.make_node(kind, list(inputs), outputs, name=outputs[0], **attributes)
        self.nodes.append(made)
        return outputs[0]

    def input(self, name: str, dtype: Any, *shape: Size) -> str:
        """What is given; a size that is free has a name."""
        self.inputs.append(_value(name, dtype, shape))
        return name

    def output(self, name: str, dtype: Any, *shape: Size) -> None:
        """What comes out, by a name that a node has given it."""
        self.outputs.append(_value(name, dtype, shape))

    def linear(self, x: str, weight: NDArray[Any], bias: NDArray[Any], out: str) -> str:
        """W x + b over the last axis, W `[O, I]`."""
        matrix = self.constant(f"{out}_weight", weight.T)
        product = self.node("MatMul", x, matrix, out=f"{out}_product")
        return self.node("Add", product, self.constant(f"{out}_bias", bias), out=out)

    def cast(self, x: str, dtype: Any, out: str) -> str:
        """As numbers of another kind."""
        from onnx import helper

        return self.node("Cast", x, out=out, to=helper.np_dtype_to_tensor_dtype(np.dtype(dtype)))

    def silu(self, x: str, out: str) -> str:
        """x · σ(x)."""
        return self.node("Mul", x, self.node("Sigmoid", x, out=f"{out}_gate"), out=out)

    def model(
        self, name: str, opset: int, ir_version: int, said: Mapping[str, str] | None = None
    ) -> Any:
        """The whole, checked, to which constants are handed over; said: what stands in its
        metadata.
        """
        import onnx

        return onnx.ModelProto.FromString(b"".join(self.pieces(name, opset, ir_version, said)))

    def pieces(
        self, name: str, opset: int, ir_version: int, said: Mapping[str, str] | None = None
    ) -> Iterator[bytes | memoryview]:
        """The bytes of the same as a file has them, constant by constant: protobuf would hold them
        all four times over. InputError before the first where they are more than `LARGEST`.
        """
        from onnx import TensorProto

        made = self._skeleton(name, opset, ir_version, said)
        graph = made.graph.SerializeToString()
        made.ClearField("graph")
        heads, size = [], len(graph)
        for key, array in self.constants.items():
            tensor = TensorProto(name=key, data_type=_kind(array.dtype), dims=array.shape)
            own = tensor.SerializeToString() + _RAW_DATA + varint(array.nbytes)
            heads.append(_INITIALIZER + varint(len(own) + array.nbytes) + own)
            size += len(heads[-1]) + array.nbytes
        start = made.SerializeToString() + _GRAPH + varint(size)
        if len(start) + size > LARGEST:
            problem = _("{size} bytes are more than an ONNX file can have ({most})")
            told = {"size": number(len(start) + size), "most": number(LARGEST)}
            raise InputError(problem.format(**told))
        yield start + graph
        for head in heads:
            array = self.constants.pop(next(iter(self.constants)))
            yield head
            yield array.astype(array.dtype.newbyteorder("<"), copy=False).reshape(-1).data

    def _skeleton(
        self, name: str, opset: int, ir_version: int, said: Mapping[str, str] | None
    ) -> Any:
        """All but the constants, checked."""
        import onnx
        from onnx import helper

        graph = helper.make_graph(self.nodes, name, self.inputs, self.outputs)
        made = helper.make_model(graph, opset_imports=[helper.make_opsetid("", opset)])
        made.ir_version, made.producer_name = ir_version, "gruta"
        helper.set_model_props(made, dict(said or {}))
        given = [_value(key, array.dtype, array.shape) for key, array in self.constants.items()]
        made.graph.input.extend(given)
        onnx.checker.check_model(made)
        del made.graph.input[len(self.inputs) :]
        return made

    def inner(self, name: str) -> Any:
        """As the body of a node of another graph, which has the constants."""
        from onnx import helper

        return helper.make_graph(self.nodes, name, self.inputs, self.outputs)

    def held(self) -> list[Any]:
        """The constants as onnx has them."""
        from onnx import numpy_helper

        return [numpy_helper.from_array(array, key) for key, array in self.constants.items()]


_GRAPH, _INITIALIZER, _RAW_DATA = (bytes([field << 3 | 2]) for field in (7, 5, 9))
"""How a field of bytes begins in protobuf: the numbers of ModelProto.graph, GraphProto.initializer
and TensorProto.raw_data in onnx.proto, whose bytes have the low one first.
"""


def varint(number: int) -> bytes:
    """Seven bits a byte, the lowest first; all but the last byte say that more follow."""
    found = bytearray()
    while number > 127:
        found.append(number & 127 | 128)
        number >>= 7
    return bytes([*found, number])


def _kind(dtype: np.dtype[Any]) -> int:
    from onnx import helper

    return int(helper.np_dtype_to_tensor_dtype(dtype))


def _value(name: str, dtype: Any, shape: Sequence[Size]) -> Any:
    from onnx import helper

    return helper.make_tensor_value_info(name, _kind(np.dtype(dtype)), list(shape))
