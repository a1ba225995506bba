"""What a `.tflite` file says of its recurrent layers.

Keras' layers are loops there: a WHILE operator, whose body is told by what it computes. Three gates
and two tanh are an LSTM, two gates and one tanh a GRU (with two products the reset acts behind the
recurrent one, with three before), no gate an RNN.
"""

import struct
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from gruta.errors import InputError
from gruta.exchange.doctor.finding import Diagnosis, Recurrent
from gruta.locale import translate as _

_MAGIC = b"TFL3"
_LARGEST = 2**30
"""Bytes."""

_MOST = 1_000_000
"""Operators, tensors and axes of a file: one that has more is broken, or meant to be slow."""

_PRODUCTS = ("BATCH_MATMUL", "FULLY_CONNECTED")
_FUSED = {
    "UNIDIRECTIONAL_SEQUENCE_LSTM": ("lstm", "forward"),
    "BIDIRECTIONAL_SEQUENCE_LSTM": ("lstm", "bidirectional"),
    "UNIDIRECTIONAL_SEQUENCE_RNN": ("rnn", "forward"),
    "BIDIRECTIONAL_SEQUENCE_RNN": ("rnn", "bidirectional"),
}


@dataclass(frozen=True)
class _Operator:
    kind: str
    custom: str


@dataclass(frozen=True)
class _Graph:
    """A subgraph: its operators, the sizes of its tensors, -1 where free, and which are inputs."""

    name: str
    operators: Sequence[_Operator]
    sizes: Sequence[tuple[int, ...]]
    inputs: Sequence[int]


def examine(path: Path) -> Diagnosis:
    """InputError for a file that is none of TFLite, or contradicts itself."""
    graphs = _graphs(path)
    layers = [layer for graph in graphs for layer in _layers(graph)]
    return Diagnosis(str(path), "tflite", layers, [*_doubts(graphs, layers)])


def _layers(graph: _Graph) -> Iterator[Recurrent]:
    for operator in graph.operators:
        if operator.kind in _FUSED:
            cell, direction = _FUSED[operator.kind]
            yield _sized(cell, graph, operator.kind.lower(), direction=direction)
    counts = Counter(operator.kind for operator in graph.operators)
    gates, bounded = counts["LOGISTIC"], counts["TANH"] + counts["RELU"]
    cell = {(3, 2): "lstm", (2, 1): "gru", (0, 1): "rnn"}.get((gates, bounded), "")
    products = sum(counts[kind] for kind in _PRODUCTS)
    if not cell or products < 2 or not _is_body(graph):
        return
    after = {"reset": "after" if products == 2 else "before"} if cell == "gru" else {}
    yield _sized(cell, graph, _title(graph.name), **after)


def _is_body(graph: _Graph) -> bool:
    """Whether it is the step of a loop: it counts, and a state of two axes goes round."""
    ranks = Counter(len(graph.sizes[one]) for one in graph.inputs)
    return ranks[0] > 0 and ranks[2] > 0


def _sized(cell: str, graph: _Graph, name: str, **told: Any) -> Recurrent:
    """Of a loop: its input is the last of three axes `[T, B, I]`, its state the first of two."""
    given = [graph.sizes[one] for one in graph.inputs]
    x = next((own for own in reversed(given) if len(own) == 3), (-1, -1, 0))
    h = next((own for own in given if len(own) == 2), (-1, 0))
    return Recurrent(
        name=name,
        cell=cell,
        inputs=max(x[2], 0),
        hidden=max(h[1], 0),
        activations=("tanh",) if cell == "rnn" else ("sigmoid", "tanh"),
        initial="untold",
        free_batch=x[1] < 0,
        free_time=x[0] < 0,
        fixed_time=x[0] if x[0] >= 0 else None,
        **told,
    )


def _title(name: str) -> str:
    """Of the loop's layer: model/layer/while_body."""
    return name.removesuffix("/while_body") or name


def _doubts(graphs: Sequence[_Graph], layers: Sequence[Recurrent]) -> Iterator[str]:
    flex = {op.custom for graph in graphs for op in graph.operators if op.custom[:4] == "Flex"}
    if flex:
        yield _(
            "it needs TensorFlow's own operators ({names}), which LiteRT from pip has not: convert "
            "it with a batch of a fixed size"
        ).format(names=", ".join(sorted(flex)))
    counts = Counter(op.kind for graph in graphs[:1] for op in graph.operators)
    steps = counts["TANH"]
    if not layers and steps > 1 and counts["LOGISTIC"]:
        yield _(
            "the steps of a recurrent layer are written out, {steps} tanh in all: it reads inputs "
            "of this length alone"
        ).format(steps=steps)


def _graphs(path: Path) -> list[_Graph]:
    size = path.stat().st_size
    raw = path.read_bytes() if size <= _LARGEST else b""
    problem = _("{path}: it is no whole .tflite file ({error})")
    if raw[4:8] != _MAGIC or len(raw) < 16:
        raise InputError(problem.format(path=path, error=_("no {magic}").format(magic="TFL3")))
    try:
        return _read(raw)
    except (
        struct.error,
        IndexError,
        ValueError,
        TypeError,
        AttributeError,
        OverflowError,
    ) as error:
        raise InputError(problem.format(path=path, error=error)) from None


def _read(raw: bytes) -> list[_Graph]:
    import tflite

    model, budget = tflite.Model.GetRootAs(raw, 0), _Budget()
    names = {code: name for name, code in vars(tflite.BuiltinOperator).items() if name.isupper()}
    codes = [model.OperatorCodes(k) for k in budget.of(model.OperatorCodesLength())]
    kinds = [
        _Operator(
            names.get(max(code.BuiltinCode(), code.DeprecatedBuiltinCode()), "?"),
            (code.CustomCode() or b"").decode(),
        )
        for code in codes
    ]
    return [_graph(model.Subgraphs(k), kinds, budget) for k in budget.of(model.SubgraphsLength())]


def _graph(own: Any, kinds: Sequence[_Operator], budget: "_Budget") -> _Graph:
    operators = [kinds[own.Operators(k).OpcodeIndex()] for k in budget.of(own.OperatorsLength())]
    sizes = []
    for k in budget.of(own.TensorsLength()):
        tensor = own.Tensors(k)
        free = tensor.ShapeSignatureLength()
        axes = budget.of(free or tensor.ShapeLength())
        sizes.append(tuple((tensor.ShapeSignature if free else tensor.Shape)(i) for i in axes))
    inputs = [own.Inputs(i) for i in budget.of(own.InputsLength())]
    if any(not 0 <= one < len(sizes) for one in inputs):
        raise ValueError(_("an input that is no tensor"))
    return _Graph((own.Name() or b"").decode(), operators, sizes, inputs)


class _Budget:
    """How much more is read: lengths are what the file says, and may be anything."""

    def __init__(self) -> None:
        self._left = _MOST

    def of(self, count: int) -> range:
        """The numbers below `count`; ValueError where the file has too much."""
        self._left -= count
        if self._left < 0:
            raise ValueError(_("more than {most} parts").format(most=_MOST))
        return range(count)
