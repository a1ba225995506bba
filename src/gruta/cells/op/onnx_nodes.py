"""ONNX's operators GRU, LSTM and RNN as ops of PyTorch, which either exporter writes as they are.

The exporter that captures (dynamo=True) takes an op of the namespace `onnx` whose overload is
called opset14 for the operator of that version; the one that traces asks a `Function` for its
`symbolic`. Both compute the operator's numbers, as who exports may want to compare.

Shapes, with D directions: X `[T, B, I]`, W `[D, G·H, I]`, R `[D, G·H, H]`, B `[D, 2·G·H]`,
sequence_lens `[B]` int32, initial_h and initial_c `[D, B, H]`; Y `[T, D, B, H]`, the final states
`[D, B, H]`.
"""

from collections.abc import Sequence
from functools import cache
from typing import Any, NamedTuple

import torch
from torch import Tensor

from gruta import kernels
from gruta.cells.op import compiled
from gruta.cells.op.fields import Masks
from gruta.cells.op.tracing import recording, unrecorded
from gruta.cells.op.transforms import DTYPES
from gruta.locale import translate as _


class Operator(NamedTuple):
    """How ONNX says a cell: the operator, its order of our gates, and attributes of its own.

    activation: for every direction, where the operator names them.
    """

    name: str
    gates: tuple[int, ...]
    attributes: dict[str, int]
    activation: str = ""


_GRU, _LSTM, _RNN = (1, 0, 2), (0, 3, 1, 2), (0,)  # z r h; i o f c
KINDS = {
    "gru": Operator("GRU", _GRU, {"linear_before_reset": 1}),
    "gru_reset_before": Operator("GRU", _GRU, {"linear_before_reset": 0}),
    "lstm": Operator("LSTM", _LSTM, {}),
    "rnn_tanh": Operator("RNN", _RNN, {}, "Tanh"),
    "rnn_relu": Operator("RNN", _RNN, {}, "Relu"),
}

_SCHEMAS = {  # from the fifth input on
    "GRU": "Tensor? sequence_lens, Tensor initial_h, *, int hidden_size, str direction, "
    "int linear_before_reset) -> (Tensor, Tensor)",
    "LSTM": "Tensor? sequence_lens, Tensor initial_h, Tensor initial_c, *, int hidden_size, "
    "str direction) -> (Tensor, Tensor, Tensor)",
    "RNN": "Tensor? sequence_lens, Tensor initial_h, *, int hidden_size, str direction, "
    "str[] activations) -> (Tensor, Tensor)",
}


def ordered(weight: Tensor, gates: Sequence[int]) -> Tensor:
    """`[G·H, ...]` with its blocks in this order."""
    if len(gates) == 1:
        return weight
    H = weight.shape[0] // len(gates)
    return torch.cat([weight[k * H : (k + 1) * H] for k in gates])


def node(cell: str, D: int, H: int, inputs: tuple[Tensor | None, ...]) -> Sequence[Tensor]:
    """Y and the final states; inputs in the operator's order, from X to the initial states."""
    kind = KINDS[cell]
    attributes: dict[str, Any] = {
        "hidden_size": H,
        "direction": "bidirectional" if D > 1 else "forward",
        **kind.attributes,
    }
    if kind.activation:
        attributes["activations"] = [kind.activation] * D
    if recording():
        return _Node.apply(cell, attributes, *inputs)  # type: ignore[no-any-return,no-untyped-call]
    op = getattr(torch.ops.onnx, kind.name).opset14
    return op(*inputs, **attributes)  # type: ignore[no-any-return]


@cache
def define() -> Any:
    """Make the ops, for the first export of a process: the namespace is not ours.

    Returns their library, with which they would go.
    """
    library: Any = torch.library.Library("onnx", "FRAGMENT")  # type: ignore[no-untyped-call]
    for operator in _SCHEMAS:
        _define(operator, library)
    return library


def _define(operator: str, library: Any) -> None:
    def numbers(*inputs: Any, **attributes: Any) -> tuple[Tensor, ...]:
        return _compute(_cell(operator, attributes), *inputs)

    def empty(*inputs: Any, **attributes: Any) -> tuple[Tensor, ...]:
        return tuple(inputs[0].new_empty(shape) for shape in _shapes(*inputs))

    name = f"{operator}.opset14"
    library.define(f"{name}(Tensor X, Tensor W, Tensor R, Tensor? B, {_SCHEMAS[operator]}")
    library.impl(name, numbers, "CompositeExplicitAutograd")
    torch.library.register_fake(f"onnx::{name}", empty, lib=library)


def _shapes(*inputs: Any) -> list[tuple[int, ...]]:
    """Of what the operator gives for these inputs."""
    T, (D, B, H) = inputs[0].shape[0], inputs[5].shape
    return [(T, D, B, H), *[(D, B, H)] * len(inputs[5:])]


def _cell(operator: str, attributes: dict[str, Any]) -> str:
    """The name of the cell that an operator with these attributes is."""
    for cell, kind in KINDS.items():
        own = kind.attributes.items() <= attributes.items()
        activation = attributes.get("activations", [""])[0]
        if kind.name == operator and own and kind.activation == activation:
            return cell
    raise AssertionError(f"{operator} with {attributes}")


def _compute(
    cell: str,
    x: Tensor,
    w: Tensor,
    r: Tensor,
    b: Tensor | None,
    lengths: Tensor | None,
    *initial: Tensor,
) -> tuple[Tensor, ...]:
    """The operator's numbers, by the kernels."""
    gates, states = KINDS[cell].gates, len(initial)
    (T, B, I), (D, _rows, H), G = x.shape, initial[0].shape, len(gates)
    shapes = [(D, G * H, I), (D, G * H, H), (D, 2 * G * H), (B,), *[(D, B, H)] * states]
    given = (w, r, b, lengths, *initial)
    if [s if t is None else tuple(t.shape) for s, t in zip(shapes, given, strict=True)] != shapes:
        problem = _("{name}: expected inputs of shapes {shapes} with that X")
        raise RuntimeError(problem.format(name=KINDS[cell].name, shapes=shapes))
    if not kernels.available():  # the file is right all the same
        return tuple(x.new_zeros(shape) for shape in _shapes(x, *given))
    ours = [gates.index(k) for k in range(len(gates))]
    tensors: list[Tensor | None] = []
    for d in range(D):
        halves = (None, None) if b is None else b[d].chunk(2)
        weights = [None if t is None else ordered(t, ours) for t in (w[d], r[d], *halves)]
        projection = [None] if states > 1 else []
        tensors += [*[s[d] for s in initial], *[None] * states, *weights, *projection]
    dtype = x.dtype if x.dtype in DTYPES else torch.float32
    ready = [None if t is None else t.detach().to("cpu", dtype).contiguous() for t in (x, *tensors)]
    steps = None if lengths is None else lengths.cpu().long().clamp(0, T)
    spec = compiled.Spec(cell, states, (False, True)[:D], 0.0)
    h, *finals = compiled.forward(spec, ready[0], ready[1:], [Masks(steps)] * D, save=False)  # type: ignore[arg-type]
    y = h.view(T, B, D, H).permute(0, 2, 1, 3)
    found = [y, *[torch.stack(finals[k::states]) for k in range(states)]]
    return tuple(t.to(x).contiguous() for t in found)


class _Node(torch.autograd.Function):
    """The node for the exporter that traces (dynamo=False)."""

    @staticmethod
    def forward(
        ctx: Any, cell: str, attributes: dict[str, Any], *inputs: Any
    ) -> tuple[Tensor, ...]:
        found = tuple(inputs[0].new_zeros(shape) for shape in _shapes(*inputs))
        with unrecorded():
            for out, numbers in zip(found, _compute(cell, *inputs), strict=True):
                out.copy_(numbers)
        return found

    @staticmethod
    def symbolic(g: Any, cell: str, attributes: dict[str, Any], *inputs: Any) -> Any:
        kinds = {int: "i", str: "s", list: "s"}
        named = {f"{name}_{kinds[type(value)]}": value for name, value in attributes.items()}
        given = [_left_out(g) if value is None else value for value in inputs]
        return g.op(KINDS[cell].name, *given, outputs=len(inputs) - 4, **named)


def _left_out(g: Any) -> Any:
    """What stands for an optional input that is not given; a None would end the process."""
    nothing = g.op("prim::Constant")
    nothing.setType(torch._C.OptionalType.ofTensor())
    return nothing
