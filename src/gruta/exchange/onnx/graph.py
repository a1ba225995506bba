"""A graph that grows node by node, for `write`."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray

Size = int | str


@dataclass
class Graph:
    """Nodes and constants of an ONNX graph; each method adds a node and gives its output's name."""

    nodes: list[Any] = field(default_factory=list)
    constants: dict[str, NDArray[Any]] = field(default_factory=dict)
    inputs: list[Any] = field(default_factory=list)
    outputs: list[Any] = field(default_factory=list)

    def constant(self, name: str, values: Any, dtype: Any = None) -> str:
        """Numbers that the file holds."""
        self.constants[name] = np.ascontiguousarray(values, dtype)
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

    def held(self) -> list[Any]:
        """The constants as the file has them."""
        from onnx import numpy_helper

        return [numpy_helper.from_array(array, key) for key, array in self.constants.items()]

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
        """The whole, checked; said: what stands in its metadata."""
        import onnx
        from onnx import helper

        given = self.nodes, name, self.inputs, self.outputs
        graph = helper.make_graph(*given, initializer=self.held())
        made = helper.make_model(graph, opset_imports=[helper.make_opsetid("", opset)])
        made.ir_version, made.producer_name = ir_version, "gruta"
        helper.set_model_props(made, dict(said or {}))
        onnx.checker.check_model(made)
        return made


def _value(name: str, dtype: Any, shape: Sequence[Size]) -> Any:
    from onnx import helper

    kind = helper.np_dtype_to_tensor_dtype(np.dtype(dtype))
    return helper.make_tensor_value_info(name, kind, list(shape))
