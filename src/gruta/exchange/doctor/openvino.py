"""What an OpenVINO `.xml` says of its recurrent layers, and how its weights are stored."""

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from xml.etree import ElementTree

from gruta.errors import InputError
from gruta.exchange.doctor.finding import Diagnosis, Recurrent
from gruta.locale import translate as _

_LARGEST = 2**28
"""Bytes; weights lie in another file."""

SEQUENCES = {"GRUSequence": "gru", "LSTMSequence": "lstm", "RNNSequence": "rnn"}
CELLS = {"GRUCell": "gru", "LSTMCell": "lstm", "RNNCell": "rnn"}
_STATES = {"gru": 1, "lstm": 2, "rnn": 1}
_USUAL = {"gru": ("sigmoid", "tanh"), "lstm": ("sigmoid", "tanh", "tanh"), "rnn": ("tanh",)}
_DECLARED = re.compile(rb"<!(DOCTYPE|ENTITY)", re.IGNORECASE)


@dataclass(frozen=True)
class Graph:
    """layers by their id, and which layer's port each input `(layer, port)` comes from."""

    layers: Mapping[str, Any]
    comes_from: Mapping[tuple[str, str], str] = field(default_factory=dict)


def examine(path: Path) -> Diagnosis:
    """InputError for a file that is no such XML; one that declares entities is not read."""
    net = root(path)
    layers: list[Recurrent] = []
    doubts: list[str] = []
    for graph, looped in graphs(net, False):
        for own in graph.layers.values():
            kind = own.get("type", "")
            if kind in SEQUENCES or kind in CELLS:
                found = told(graph, own)
                layers.append(found)
                doubts += _doubts(found, kind, looped)
    return Diagnosis(str(path), "openvino", layers, doubts)


def root(path: Path) -> Any:
    """The net; InputError for what is none."""
    size = path.stat().st_size
    raw = path.read_bytes() if size <= _LARGEST else b""
    problem = _("{path}: expected the XML of an OpenVINO model ({error})")
    if not raw or _DECLARED.search(raw):
        raise InputError(problem.format(path=path, error=_("too large, or it declares entities")))
    try:
        root = ElementTree.fromstring(raw)
    except ElementTree.ParseError as error:
        raise InputError(problem.format(path=path, error=error)) from None
    if root.tag != "net":
        raise InputError(problem.format(path=path, error=f"<{root.tag[:40]}>"))
    return root


def graphs(root: Any, looped: bool) -> Iterator[tuple[Graph, bool]]:
    """The graph, and those in its loops."""
    found, edges = root.find("layers"), root.find("edges")
    own = {one.get("id", ""): one for one in (found if found is not None else ())}
    comes = {
        (one.get("to-layer", ""), one.get("to-port", "")): one.get("from-layer", "")
        for one in (edges if edges is not None else ())
    }
    yield Graph(own, comes), looped
    for layer in own.values():
        for name in ("body", "then_body", "else_body"):
            if (inside := layer.find(name)) is not None:
                loops = layer.get("type") in ("TensorIterator", "Loop")
                yield from graphs(inside, looped or loops)


def told(graph: Graph, layer: Any) -> Recurrent:
    """What a layer says of itself."""
    kind, name = layer.get("type", ""), layer.get("name", "")
    sequence = kind in SEQUENCES
    cell = SEQUENCES.get(kind) or CELLS[kind]
    data = layer.find("data")
    said = {} if data is None else data.attrib
    ports = layer.findall("input/port")
    sizes = [dims(port) for port in ports]
    states = _STATES[cell]
    if len(ports) < 4 or len(sizes[0]) != 2 + sequence or not sizes[1]:
        return Recurrent(name, cell, 0, 0, refused=_("its inputs are not those of a layer"))
    batch, steps = sizes[0][0], sizes[0][1] if sequence else 1
    weights = 1 + states + sequence
    inputs = max(sizes[0][-1], 0) or _read(sizes, weights)
    return Recurrent(
        name=name,
        cell=cell,
        inputs=inputs,
        hidden=max(sizes[1][-1], 0),
        direction=_direction(said.get("direction", "forward")),
        reset=_form(cell, said.get("linear_before_reset", "false")),
        activations=_activations(said.get("activations", ""), cell),
        plain_activations=_plain(_activations(said.get("activations", ""), cell), cell),
        clip=_clip(said.get("clip", "0")),
        lengths=sequence and _is_given(graph, layer, ports[1 + states]),
        initial=_start(graph, layer, ports[1]),
        final=True,
        free_batch=batch < 0,
        free_time=steps < 0,
        fixed_time=steps if steps >= 0 else None,
        precision=_precision(graph, layer, ports[weights]) if weights < len(ports) else "float32",
    )


def _read(sizes: Sequence[list[int]], weights: int) -> int:
    """The inputs that the weights are for, where x does not say how many it has."""
    return max(sizes[weights][-1], 0) if weights < len(sizes) and sizes[weights] else 0


def _doubts(layer: Recurrent, kind: str, looped: bool) -> Iterator[str]:
    if layer.refused:
        return
    if layer.precision == "float16":
        yield _(
            "{name}: its weights are stored in 16 bits, as save_model does unless "
            "compress_to_fp16=False: errors up to 3e-2 were seen where gates are saturated"
        ).format(name=layer.name)
    if kind in CELLS and not looped:
        yield _(
            "{name}: a {kind} outside a loop is one step: feed it step by step, its state handed on"
        ).format(name=layer.name, kind=kind)
    if layer.lengths and (layer.free_batch or layer.free_time):
        yield _(
            "{name}: lengths are ignored while batch or time are free; model.reshape to fixed "
            "sizes cures it"
        ).format(name=layer.name)


def dims(port: Any) -> list[int]:
    """Of a port, -1 for a free one; none where they are no numbers."""
    try:
        return [int(one.text or "-1") for one in port.findall("dim")]
    except ValueError:
        return []


def _direction(said: str) -> Any:
    return said if said in ("forward", "reverse", "bidirectional") else "forward"


def _form(cell: str, said: str) -> Any:
    if cell != "gru":
        return ""
    return "after" if said.lower() in ("true", "1") else "before"


def _activations(said: str, cell: str) -> tuple[str, ...]:
    return tuple(one.strip() for one in said.split(",") if one.strip()) or _USUAL[cell]


def _plain(names: tuple[str, ...], cell: str) -> bool:
    return names == _USUAL[cell] or (cell == "rnn" and names == ("relu",))


def _clip(said: str) -> float | None:
    try:
        return float(said) or None
    except ValueError:
        return None


def _source(graph: Graph, layer: Any, port: Any) -> Any:
    """The layer that an input comes from, past what only changes its shape or type."""
    at, through = (layer.get("id", ""), port.get("id", "")), 0
    while (found := graph.layers.get(graph.comes_from.get(at, ""))) is not None and through < 64:
        if found.get("type") not in _PASSED:
            return found
        first = found.find("input/port")
        if first is None:
            return found
        at, through = (found.get("id", ""), first.get("id", "")), through + 1
    return None


_PASSED = {"Convert", "Reshape", "Transpose", "Squeeze", "Unsqueeze", "Slice", "StridedSlice"}


def _is_given(graph: Graph, layer: Any, port: Any) -> bool:
    found = _source(graph, layer, port)
    return found is not None and found.get("type") == "Parameter"


def _start(graph: Graph, layer: Any, port: Any) -> Any:
    found = _source(graph, layer, port)
    kind = "" if found is None else found.get("type")
    return {"Parameter": "given", "Const": "constant"}.get(kind, "zeros")


def _precision(graph: Graph, layer: Any, port: Any) -> str:
    found = _source(graph, layer, port)
    data = None if found is None else found.find("data")
    kind = "f32" if data is None else data.get("element_type", "f32")
    return {"f16": "float16", "bf16": "bfloat16", "f64": "float64", "i8": "int8"}.get(
        kind, "float32"
    )
