"""Each GRUSequence, LSTMSequence and RNNSequence of an OpenVINO `.xml` in a file of its own, with
inputs, and what the reference makes of them.

Weights stay as they are stored, in the `.bin`; the input, the initial states and the lengths become
inputs. Axes are free or fixed as they were: OpenVINO overlooks lengths where one is free.
"""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, NamedTuple
from xml.etree import ElementTree

import numpy as np
from numpy.typing import NDArray

from gruta.errors import InputError
from gruta.exchange.doctor import openvino, truth
from gruta.exchange.doctor.finding import Recurrent
from gruta.exchange.layer import GATES
from gruta.exchange.onnx.operator import Operator
from gruta.exchange.onnx.run import run
from gruta.locale import translate as _

Array = NDArray[Any]

_ORDER = {"gru": (0, 1, 2), "lstm": (1, 3, 0, 2), "rnn": (0,)}
"""ONNX's blocks, z r h and i o f c, by their place in OpenVINO's z r h and f i c o."""
_KINDS = {"f32": np.float32, "f16": np.float16, "bf16": np.uint16}
_INDICES = {"I32": ("i32", np.int32), "I64": ("i64", np.int64)}


class Alone(NamedTuple):
    """A file, inputs by name, and the outputs that each should give."""

    path: Path
    given: list[Mapping[str, Array]]
    wanted: list[Sequence[Array]]


@dataclass(frozen=True)
class _Own:
    """A layer of a graph: what the doctor tells of it, its element, and the file that it is in."""

    graph: openvino.Graph
    layer: Any
    found: Recurrent
    path: Path

    def refusal(self, why: str) -> InputError:
        """That it is not run."""
        problem = _("{path}: {name} is not run: {why}")
        return InputError(problem.format(path=self.path, name=self.found.name, why=why))


def alone(path: Path, folder: Path, sizes: Sequence[tuple[int, int]]) -> list[Alone]:
    """Written into a folder, for these T and B; InputError where a layer is in a loop or a cell,
    or its weights are computed.
    """
    made: list[Alone] = []
    weights = path.with_suffix(".bin")
    if not weights.is_file():
        problem = _("{path}: its weights are expected in {weights}, which is not there")
        raise InputError(problem.format(path=path, weights=weights))
    for own in _layers(path):
        file = folder / f"{len(made)}.xml"
        file.with_suffix(".bin").symlink_to(weights.resolve())
        try:
            consts = [_const(own, port) for port in _ports(own)[-3:]]
            held = [_read(own, chain[-1], weights) for chain in consts]
            ElementTree.ElementTree(_net(own, consts)).write(file)
            made.append(_tries(own, held, file, sizes))
        except InputError:
            raise
        except (ValueError, AttributeError, IndexError):  # what is no number, or is not there
            raise own.refusal(_("its inputs are not those of a layer")) from None
    if not made:
        raise InputError(_("{path}: no GRU, LSTM or RNN in it").format(path=path))
    return made


def _layers(path: Path) -> list[_Own]:
    own = []
    for graph, looped in openvino.graphs(openvino.root(path), False):
        for layer in graph.layers.values():
            kind = layer.get("type", "")
            if kind not in openvino.SEQUENCES and kind not in openvino.CELLS:
                continue
            one = _Own(graph, layer, openvino.told(graph, layer), path)
            if looped or kind in openvino.CELLS:
                raise one.refusal(_("a cell, or a layer in a loop"))
            if one.found.refused:
                raise one.refusal(one.found.refused)
            own.append(one)
    return own


def _ports(own: _Own) -> list[Any]:
    return list(own.layer.findall("input/port"))


def _const(own: _Own, port: Any) -> list[Any]:
    """The layers from a weight's port to its Const, that last: nothing but Converts between."""
    at, chain = (own.layer.get("id", ""), port.get("id", "")), []
    while (found := own.graph.layers.get(own.graph.comes_from.get(at, ""))) is not None:
        chain.append(found)
        first = found.find("input/port")
        if found.get("type") == "Const":
            return chain
        if found.get("type") != "Convert" or first is None or len(chain) > 8:
            break
        at = (found.get("id", ""), first.get("id", ""))
    raise own.refusal(_("its weights are computed"))


def _read(own: _Own, const: Any, weights: Path) -> Array:
    data = const.find("data")
    said = {} if data is None else data.attrib
    kind = _KINDS.get(said.get("element_type", ""))
    if kind is None:
        raise own.refusal(_("weights of {kind}").format(kind=said.get("element_type", "?")))
    try:
        shape = [int(one) for one in said.get("shape", "").split(",")]
        offset, size = int(said["offset"]), int(said["size"])
    except (KeyError, ValueError):
        raise own.refusal(_("its weights have no place in the file")) from None
    count = math.prod(shape)
    ends = 0 <= offset <= offset + size <= weights.stat().st_size
    if not ends or min(shape) < 1 or size != count * np.dtype(kind).itemsize:
        raise own.refusal(_("its weights have no place in the file"))
    found = np.fromfile(weights, kind, count, offset=offset).reshape(shape)
    if kind is np.uint16:  # bfloat16: the upper half
        return (found.astype(np.uint32) << 16).view(np.float32)
    return found.astype(np.float32)


def _net(own: _Own, consts: Sequence[Sequence[Any]]) -> Any:
    """The layer between inputs and results, its weights as they were."""
    net = ElementTree.Element("net", {"name": "gruta", "version": "11"})
    layers, edges = (ElementTree.SubElement(net, name) for name in ("layers", "edges"))
    new = max(int(one) for one in own.graph.layers) + 1
    me = own.layer.get("id", "")
    given = zip(_names(own), _ports(own)[:-3], strict=True)
    for k, (name, port) in enumerate(given):
        layers.append(_parameter(str(new + k), name, port))
        _edge(edges, (str(new + k), "0"), (me, port.get("id", "")))
    kept = {one.get("id"): one for chain in consts for one in reversed(chain)}
    layers.extend(kept.values())
    for (layer, port), source in own.graph.comes_from.items():
        if (layer in kept or layer == me) and source in kept:
            out = kept[source].find("output/port").get("id", "")
            _edge(edges, (source, out), (layer, port))
    layers.append(own.layer)
    for k, port in enumerate(own.layer.findall("output/port")):
        at = str(new + len(_names(own)) + k)
        layers.append(_result(at, port))
        _edge(edges, (me, port.get("id", "")), (at, "0"))
    return net


def _names(own: _Own) -> tuple[str, ...]:
    return ("x", "h", "c", "lengths") if own.found.cell == "lstm" else ("x", "h", "lengths")


def _parameter(at: str, name: str, port: Any) -> Any:
    precision = port.get("precision", "FP32")
    kind = _INDICES[precision][0] if precision in _INDICES else precision.lower().replace("p", "")
    dims = [one.text or "-1" for one in port.findall("dim")]
    said = {"id": at, "name": name, "type": "Parameter", "version": "opset1"}
    made = ElementTree.Element("layer", said)
    shape = ",".join("?" if one == "-1" else one for one in dims)
    ElementTree.SubElement(made, "data", {"shape": shape, "element_type": kind})
    out = ElementTree.SubElement(made, "output")
    _port(out, {"id": "0", "precision": precision, "names": name}, dims)
    return made


def _result(at: str, port: Any) -> Any:
    said = {"id": at, "name": f"result{at}", "type": "Result", "version": "opset1"}
    made = ElementTree.Element("layer", said)
    dims = [one.text or "-1" for one in port.findall("dim")]
    precision = port.get("precision", "FP32")
    _port(ElementTree.SubElement(made, "input"), {"id": "0", "precision": precision}, dims)
    return made


def _port(to: Any, said: dict[str, str], dims: Sequence[str]) -> None:
    port = ElementTree.SubElement(to, "port", said)
    for dim in dims:
        ElementTree.SubElement(port, "dim").text = dim


def _edge(edges: Any, source: tuple[str, str], to: tuple[str, str]) -> None:
    said = {"from-layer": source[0], "from-port": source[1], "to-layer": to[0], "to-port": to[1]}
    ElementTree.SubElement(edges, "edge", said)


def _tries(own: _Own, held: Sequence[Array], file: Path, sizes: Sequence[tuple[int, int]]) -> Alone:
    operator, weights = _operator(own), _as_onnx(own, held)
    rng, made = np.random.default_rng(0), Alone(file, [], [])
    D, H = held[1].shape[0], held[1].shape[-1]
    fixed = openvino.dims(_ports(own)[0])
    indices = _INDICES.get(_ports(own)[-4].get("precision", ""), ("i32", np.int32))[1]
    for T, B in sizes:
        rows, steps = (n if n >= 0 else free for n, free in zip(fixed[:2], (B, T), strict=True))
        truth.require_small(own.found.name, (rows, steps, max(fixed[2], 1)))
        x = rng.normal(size=(rows, steps, held[0].shape[-1])).astype(np.float32)
        shape = (len(_names(own)) - 2, rows, D, H)
        states = rng.normal(size=shape).astype(np.float32) * (own.found.initial != "zeros")
        lengths = np.full(rows, steps, indices)
        if own.found.lengths:
            lengths = np.linspace(steps, 0, rows + (rows == 1))[:rows].astype(indices)
        given = dict(zip(_names(own), (x, *states, lengths), strict=True))
        X, *initial = (np.ascontiguousarray(one.swapaxes(0, 1)) for one in (x, *states))
        y, *finals = run(operator, (X, *weights, lengths, *initial))
        made.given.append(given)
        made.wanted.append([y.transpose(2, 1, 0, 3), *(one.swapaxes(0, 1) for one in finals)])
    return made


def _operator(own: _Own) -> Operator:
    found, data = own.found, own.layer.find("data")
    said = {} if data is None else data.attrib
    sides = 2 if found.direction == "bidirectional" else 1
    given: dict[str, Any] = {
        "direction": found.direction,
        "activations": [*found.activations] * sides,
        "linear_before_reset": int(found.reset == "after"),
    }
    for name in ("alpha", "beta"):
        numbers = [float(one) for one in said.get(f"activations_{name}", "").split(",") if one]
        given[f"activation_{name}"] = numbers * sides
    if found.clip is not None:
        given["clip"] = found.clip
    return Operator.of(found.cell.upper(), given)


def _as_onnx(own: _Own, held: Sequence[Array]) -> list[Array]:
    """W, R and B as ONNX has them; a GRU's with the reset behind the product have b_hn alone."""
    cell = own.found.cell
    G, H = GATES[cell], held[1].shape[-1]
    shapes = (G * H, held[0].shape[-1]), (G * H, H), ((G + (own.found.reset == "after")) * H,)
    if any(one.shape[1:] != shape for one, shape in zip(held, shapes, strict=True)):
        raise own.refusal(_("its inputs are not those of a layer"))
    rows = np.concatenate([np.arange(k * H, (k + 1) * H) for k in _ORDER[cell]])
    W, R, B = (one[:, rows] for one in held)
    other = np.zeros_like(B)
    if own.found.reset == "after":
        other[:, (G - 1) * H :] = held[2][:, G * H :]
    return [W, R, np.concatenate((B, other), 1)]
