"""A module's weights as another framework keeps them, and back, each with its proof."""

import re
import sys
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import partial
from importlib.util import find_spec
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from gruta.errors import InputError
from gruta.exchange.compute import compute
from gruta.exchange.layer import Layer, Side, by_rows, matrix_size
from gruta.exchange.proof import (
    BOUND,
    SIZES,
    EveryOutput,
    Proof,
    Try,
    drawn,
    prove,
    prove_at_once,
    proven,
    together,
)
from gruta.exchange.weights.framework import Framework, Given, Run, Tree, words
from gruta.exchange.weights.known import FRAMEWORKS
from gruta.locale import translate as _
from gruta.locale.numbers import number

if TYPE_CHECKING:
    from torch import nn

Array = NDArray[Any]
KINDS: dict[str, dict[str, Any]] = {
    "gru": {"cell": "gru", "reset_after": True},
    "gru_reset_before": {"cell": "gru", "reset_after": False},
    "lstm": {"cell": "lstm"},
    "rnn_tanh": {"cell": "rnn", "nonlinearity": "tanh"},
    "rnn_relu": {"cell": "rnn", "nonlinearity": "relu"},
}
_LARGE = 2**22
"""Weights, above which no layer is made anew to be run with lengths."""
_PLACE = re.compile(r"(?:(.+)_)?l(\d+)(_reverse)?")


@dataclass(frozen=True, eq=False)
class Mapped:
    """weights: of each direction of each layer, l0, l0_reverse, l1, … a tree of arrays under the
    framework's names; side by side, as weight_ih_l0, where it names them as torch.nn does.

    layer: what the framework calls such a layer. ran: whether it was there to be run, so that
    `proof` is of what it computed; else of these weights read back.
    """

    framework: str
    layer: str
    weights: Mapping[str, Any]
    proof: Proof
    ran: bool


def to_weights(module: "nn.Module", framework: str) -> Mapped:
    """An RNN, LSTM or GRU of gruta.nn or torch.nn for one of `FRAMEWORKS`, proven.

    Rows have lengths in the proof where the framework is run and takes such, and where it is not
    run; the proof's notes say what of them is not proven. InputError where the framework has no
    such layer; it says what would be lost, and how far h would be off.
    """
    from gruta.exchange.torch_layers import from_torch

    own = _require(framework)
    layers = [layer.astype(np.float32) for layer in from_torch(module, share=True)]
    _require_image(own, layers)
    trees = {
        _name(k, side): _trees_own(own.out(layer, side), side.arrays)
        for k, layer in enumerate(layers)
        for side in layer.sides
    }
    kind = layers[0].kernel
    weights: Mapping[str, Any] = _flat(trees) if own.flat else trees
    ran = own.run is not None and find_spec(own.module) is not None
    again: Mapping[str, Tree] = _apart(weights) if own.flat else weights
    load = partial(_loaded if ran else _read_back, own)
    bound = own.bound if ran else BOUND
    tries, notes = _tries(own, layers) if ran else (_with_lengths(layers, 0), [])
    proof = prove_at_once(layers, _stack(load, layers, again), tries, bound)
    return Mapped(framework, own.kinds[kind], weights, replace(proof, notes=notes), ran)


def from_weights(weights: Mapping[str, Any], framework: str, kind: str = "gru") -> "nn.Module":
    """A module of gruta.nn of what `to_weights` makes, or the framework itself keeps under the same
    names; kind: gru, gru_reset_before, lstm, rnn_tanh or rnn_relu.

    `proof_of(module)` has the largest error; where the process has imported the framework, up to 4
    million weights are run in it. InputError that names what is missing or does not fit.
    """
    from gruta.exchange.doors import as_module
    from gruta.exchange.torch_layers import to_torch

    own = _require(framework)
    if kind not in own.kinds:
        problem = _("kind: expected one of {known}, which {framework} has, got {found!r}")
        known = ", ".join(own.kinds)
        raise InputError(problem.format(known=known, framework=framework, found=kind))
    layers, leaves = _layers(own, weights, kind), list(_leaves(weights))
    layers = [
        replace(layer, sides=[_sides_own(side, leaves) for side in layer.sides]) for layer in layers
    ]
    module = to_torch(layers, share=True).eval()
    proof = prove(layers, as_module(module), lengths=True)
    if by := _imported(own, layers):
        theirs = _by_the_framework(own, layers, _apart(weights) if own.flat else weights)
        proof = together(proof, theirs, by)
    proven(module, proof)
    return module


def _by_the_framework(own: Framework, layers: Sequence[Layer], trees: Mapping[str, Tree]) -> Proof:
    """Of what it computes with these trees."""
    named = {
        _name(k, side): trees[_name(k, side)] for k, one in enumerate(layers) for side in one.sides
    }
    tries, notes = _tries(own, layers)
    found = prove_at_once(layers, _stack(partial(_loaded, own), layers, named), tries, own.bound)
    return replace(found, notes=notes)


def _name(k: int, side: Side) -> str:
    """Of a direction of a layer."""
    return f"l{k}{'_reverse' if side.reverse else ''}"


def _imported(own: Framework, layers: Sequence[Layer]) -> str:
    """The framework's name where this process has it, and few enough weights to run them in it."""
    return (
        own.name if own.run and own.module in sys.modules and matrix_size(layers) <= _LARGE else ""
    )


def _tries(own: Framework, layers: Sequence[Layer]) -> tuple[list[Try], list[str]]:
    """What a framework is run on, and what of lengths is not among it."""
    if not own.lengths:
        return drawn(layers), []
    count = matrix_size(layers)
    if own.loaded is not None and count > _LARGE:
        problem = _("{framework}: the proof of {count} weights has no lengths: it would take long")
        return drawn(layers), [problem.format(framework=own.name, count=count)]
    if own.empty:
        return _with_lengths(layers, 0), []
    problem = _(
        "{framework} takes lengths, but a row of length 0 does not keep its initial state there: "
        "the proof has none"
    )
    return _with_lengths(layers, 1), [problem.format(framework=own.name)]


def _with_lengths(layers: Sequence[Layer], least: int) -> list[Try]:
    """Those of any proof, rows of the first with lengths, one of them the least."""
    first, *others = drawn(layers)
    (lengths,) = (one.lengths for one in drawn(layers, lengths=True, sizes=SIZES[:1]))
    assert lengths is not None
    return [first._replace(lengths=np.maximum(lengths, least)), *others]


def _require(framework: str) -> Framework:
    if framework not in FRAMEWORKS:
        problem = _("framework: expected one of {known}, got {found!r}")
        raise InputError(problem.format(known=", ".join(FRAMEWORKS), found=framework))
    return FRAMEWORKS[framework]


def _require_image(own: Framework, layers: Sequence[Layer]) -> None:
    kind = layers[0].kernel
    if kind not in own.kinds:
        nearest = _nearest(layers, own)
        told = {"framework": own.name, "kind": words(kind)}
        if nearest is None:
            raise InputError(_("{framework} has no {kind}").format(**told))
        problem = _("{framework} has no {kind}; in its {other}, h would be off by {error}")
        told["other"] = own.kinds[nearest[0].kernel]
        raise InputError(problem.format(**told, error=_lost(layers, nearest)))
    without = [own.no_image(layer) for layer in layers]
    missing = next((one[0] for one in without if one is not None), None)
    if missing is not None:
        nearest = [
            layer if one is None else one[1] for layer, one in zip(layers, without, strict=True)
        ]
        problem = _("{framework}: its {layer} lacks {what}; without it h would be off by {error}")
        told = {"framework": own.name, "layer": own.kinds[kind], "what": missing}
        raise InputError(problem.format(**told, error=_lost(layers, nearest)))


def _nearest(layers: Sequence[Layer], own: Framework) -> list[Layer] | None:
    """The same weights in a layer of the same cell that the framework has."""
    form = next((KINDS[k] for k in own.kinds if KINDS[k]["cell"] == layers[0].cell), None)
    return None if form is None else [replace(layer, **form) for layer in layers]


def _lost(layers: Sequence[Layer], others: Sequence[Layer]) -> str:
    """By how much h differs, at most, on random input."""
    x = np.random.default_rng(0).normal(size=(20, 8, layers[0].inputs)).astype(np.float32)
    return number(float(np.abs(compute(layers, x)[0] - compute(others, x)[0]).max()), 3)


def _layers(own: Framework, weights: Mapping[str, Any], kind: str) -> list[Layer]:
    trees, form = _apart(weights) if own.flat else weights, KINDS[kind]
    ends = ["", "_reverse"] if "l0_reverse" in trees else [""]
    depth = len(trees) // len(ends)
    if not trees or {f"l{k}{end}" for k in range(depth) for end in ends} != set(trees):
        problem = _("weights: expected l0, or l0 and l0_reverse, and so on, got {found}")
        raise InputError(problem.format(found=", ".join(map(str, trees)) or "–"))
    return [
        Layer(sides=[_side(own, trees, f"l{k}{end}", kind) for end in ends], name=f"l{k}", **form)
        for k in range(depth)
    ]


def _side(own: Framework, trees: Mapping[str, Tree], name: str, kind: str) -> Side:
    try:
        arrays = own.back(kind, trees[name])
        w_ih, w_hh, b_ih, b_hh = (by_rows(a, np.float32) for a in arrays)
        return Side(w_ih, w_hh, b_ih, b_hh, name.endswith("_reverse"))
    except KeyError as error:
        problem = _("weights: {name}: {missing} is missing")
        told = {"name": name, "missing": error.args[0]}
        raise InputError(problem.format(**told)) from None
    except (ValueError, IndexError, TypeError, AttributeError) as error:
        problem = _("weights: {name}: they are not those of a {layer} ({error})")
        told = {"name": name, "layer": own.kinds[kind], "error": error}
        raise InputError(problem.format(**told)) from error


def _flat(trees: Mapping[str, Tree]) -> dict[str, Array]:
    return {f"{own}_{place}": w for place, tree in trees.items() for own, w in tree.items()}


def _apart(weights: Mapping[str, Array]) -> dict[str, dict[str, Array]]:
    """What `_flat` put side by side; other names are not ours to judge."""
    found: dict[str, dict[str, Array]] = {}
    for name, array in weights.items():
        if match := _PLACE.fullmatch(name):
            own, layer, end = match.groups()
            found.setdefault(f"l{layer}{end or ''}", {})[own] = array
    return found


def _leaves(tree: Any) -> Iterator[Array]:
    if isinstance(tree, Mapping):
        for own in tree.values():
            yield from _leaves(own)
    else:
        yield np.asarray(tree)


def _trees_own(tree: Any, others: Sequence[Array]) -> Any:
    """The tree's arrays, contiguous, copied where they lie in the memory of others."""
    if isinstance(tree, Mapping):
        return {name: _trees_own(own, others) for name, own in tree.items()}
    made = by_rows(tree)
    return made.copy() if any(np.may_share_memory(made, other) for other in others) else made


def _sides_own(side: Side, others: Sequence[Array]) -> Side:
    """The same of a side."""
    w_ih, w_hh, b_ih, b_hh = (_trees_own(array, others) for array in side.arrays)
    return Side(w_ih, w_hh, b_ih, b_hh, side.reverse)


def _read_back(own: Framework, kind: str, tree: Tree) -> Run:
    """What the kernels make of a tree."""
    layer = Layer(sides=[_side(own, {"l0": tree}, "l0", kind)], **KINDS[kind])

    def run(given: Given) -> Sequence[Array]:
        h, *finals = compute([layer], given.x, [s[None] for s in given.states], given.lengths)
        return h, *(s[0] for s in finals)

    return run


def _loaded(own: Framework, kind: str, tree: Tree) -> Run:
    """What the framework makes of a tree."""
    if own.loaded is not None:
        return own.loaded(kind, tree)
    assert own.run is not None
    return own.run


def _stack(
    load: Callable[[str, Tree], Run], layers: Sequence[Layer], trees: Mapping[str, Tree]
) -> EveryOutput:
    """A stack of what runs one direction of a layer.

    All tries go through a tree before the next is loaded: what is made of one takes long, and is as
    large.
    """

    def outputs(tries: Sequence[Try]) -> Sequence[Sequence[Array]]:
        every, xs = iter(trees.values()), [one.x for one in tries]
        finals: list[list[Sequence[Array]]] = [[] for _one in tries]
        for layer in layers:
            sides: list[list[Array]] = [[] for _one in tries]
            for side in layer.sides:
                tree = next(every)
                run, turned = load(layer.kernel, tree), side.reverse
                for k, (x, one) in enumerate(zip(xs, tries, strict=True)):
                    states = [s[len(finals[k])] for s in one.states]
                    asked = Given(layer.kernel, tree, x, states, one.lengths)
                    h, *last = _directed(run, asked, turned)
                    sides[k].append(h)
                    finals[k].append(last)
                del run
            xs = [np.concatenate(own, -1) for own in sides]
        return [
            (x, *(np.stack(s) for s in zip(*own, strict=True)))
            for x, own in zip(xs, finals, strict=True)
        ]

    return outputs


def _directed(run: Run, given: Given, reverse: bool) -> Sequence[Array]:
    """What it makes of x, or of each row of x from its last step to its first."""
    x, states = given.x, [np.ascontiguousarray(s) for s in given.states]
    x = _turned(x, given.lengths) if reverse else x
    h, *last = run(given._replace(x=np.ascontiguousarray(x), states=states))
    return (_turned(h, given.lengths) if reverse else h), *last


def _turned(x: Array, lengths: Array | None) -> Array:
    """What lies past a row's end stays there."""
    if lengths is None:
        return x[::-1]
    steps = np.arange(len(x))[:, None]
    order = np.where(steps < lengths, lengths - 1 - steps, steps)
    return np.take_along_axis(x, order[..., None], 0)
