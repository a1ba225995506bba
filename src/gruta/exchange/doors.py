"""A module to a file of another's and back, each with its proof."""

import os
import warnings
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from functools import partial
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from gruta.errors import InputError
from gruta.exchange.c.layers import STEPS
from gruta.exchange.compute import compute
from gruta.exchange.doctor.engines import ENGINES, misread
from gruta.exchange.doctor.finding import Recurrent
from gruta.exchange.layer import Layer
from gruta.exchange.onnx.read import load, nodes
from gruta.exchange.onnx.write import pieces
from gruta.exchange.proof import (
    SIZES,
    Proof,
    Try,
    beside,
    drawn,
    one_by_one,
    prove,
    proven,
    require_within,
    together,
)
from gruta.files import staged
from gruta.locale import translate as _
from gruta.runtime.weights import Kind

if TYPE_CHECKING:
    from torch import nn


def to_onnx(
    module: "nn.Module",
    path: str | Path,
    *,
    lengths: bool = False,
    sizes: tuple[int, int] | None = None,
) -> Proof:
    """Write an RNN, LSTM or GRU of gruta.nn or torch.nn as an ONNX file, and prove it.

    Inputs are x, laid out as the module wants it, h_0 and, of an LSTM, c_0, and with `lengths`
    those too, `[B]` int64 from 0 to T; outputs y, h_n and c_n. Batch and time are free, or `sizes`
    says T and B: MNN, IREE and onnx2tf want them fixed. The file is run by ONNX Runtime, or by
    onnx's evaluator where that is not installed, beside the NumPy reference. Which of ONNX Runtime,
    OpenVINO and tract computes something else stands in the proof's notes. InputError, and nothing
    written, where the module has options that ONNX has no words for, or the two differ by more than
    1e-5.
    """
    from gruta.exchange.torch_layers import from_torch

    layers = [layer.astype(np.float32) for layer in from_torch(module, share=True)]
    late = bool(getattr(module, "batch_first", False))

    def outputs(x: Any, states: Any, counts: Any) -> Any:
        given = dict(zip(("h_0", "c_0"), states, strict=False))
        given["x"] = x.swapaxes(0, 1) if late else x
        y, *finals = run(given if counts is None else given | {"lengths": counts})
        return (y.swapaxes(0, 1) if late else y), *finals

    if sizes is not None and min(sizes) < 1:
        problem = _("expected T and B, each 1 or more, got {sizes}")
        raise InputError(sizes=problem.format(sizes=sizes))
    content = pieces(layers, batch_first=late, lengths=lengths, sizes=sizes)
    with staged(Path(path), content, f".{os.getpid()}") as file:
        run, by = engine(file)
        tries = SIZES if sizes is None else [sizes]
        proof = prove(layers, outputs, lengths=lengths, sizes=tries)
    return replace(proof, notes=_elsewhere(layers, lengths), by=by)


def _elsewhere(layers: Sequence[Layer], lengths: bool) -> list[str]:
    """What engines make of a file with these layers, where it is not what the file says."""
    notes = misread([_written(layer) for layer in layers])
    if lengths and layers[0].cell == "lstm":
        (version,) = (one.version for one in ENGINES["onnx"] if one.name == "tract")
        problem = _(
            "tract {version} moves c_n by up to 1e-6 a step past a row's end: its sigmoid never "
            "reaches 0 or 1"
        )
        notes.append(problem.format(version=version))
    return notes


def _written(layer: Layer) -> Recurrent:
    """As the doctor tells of what `pieces` makes of a layer."""
    return Recurrent(
        layer.name,
        layer.cell,
        layer.inputs,
        layer.hidden,
        "bidirectional" if len(layer.sides) == 2 else "forward",
        ("after" if layer.reset_after else "before") if layer.cell == "gru" else "",
        (layer.nonlinearity.capitalize(),) if layer.cell == "rnn" else (),
        initial="given",
        final=True,
        free_batch=True,
        free_time=True,
    )


def from_onnx(path: str | Path) -> "dict[str, nn.Module]":
    """The recurrent operators of an ONNX file as modules of gruta.nn, by their names, each proven
    beside the standard's equations: `proof_of(module)` has the largest error.

    InputError for a file that is none, and for what no layer has: clip, other activations,
    peepholes, weights that are computed; `gruta.exchange.onnx.run` computes those.
    """
    from gruta.exchange.torch_layers import to_torch

    found: dict[str, nn.Module] = {}
    for node in nodes(load(Path(path), whole=False), Path(path)):
        layer, name = node.layer(), node.name
        tries = drawn([layer], lengths=True)
        right = [node.computed(*one) for one in tries]
        del node  # weights are large
        module = to_torch([layer], share=True).eval()
        proof = beside(partial(_known, right), one_by_one(as_module(module)), tries)
        found[name] = proven(module, proof)
    if not found:
        raise InputError(_("{path}: no GRU, LSTM or RNN in it").format(path=path))
    return found


def _known(outputs: Sequence[Sequence[Any]], _tries: Sequence[Try]) -> Sequence[Sequence[Any]]:
    """A side that was run before."""
    return outputs


def to_keras(module: "nn.Module", path: str | Path) -> Proof:
    """Write an RNN, LSTM or GRU of gruta.nn or torch.nn as a `.keras` file, and prove it; or as a
    `.weights.h5` file, weights alone, for load_weights of a model that the proof's notes describe.

    The model is Sequential, its input `[B, T, I]`. What is proven is that the file, read again, has
    the layers; and where the process has imported Keras 3, of at most 4 million weights, that Keras
    computes them, with states, lengths as a mask and an empty row: then the proof says `by` which.
    InputError, and nothing written, where the two sides differ by more than 1e-5, the module has
    options that Keras has no words for, or the file's name ends in another way of Keras: `.h5`.
    """
    from gruta.exchange.keras import archive, bare, run, write
    from gruta.exchange.keras.layers import layer_of
    from gruta.exchange.torch_layers import from_torch

    path = Path(path)
    alone = bare.is_bare(path)
    if path.suffix.lower() == ".h5" and not alone:
        problem = _("{path}: expected a name that ends in .keras, or in .weights.h5")
        raise InputError(problem.format(path=path))
    layers = [layer.astype(np.float32) for layer in from_torch(module, share=True)]
    content, each = (write.bare_pieces, bare.each) if alone else (write.pieces, archive.each)
    with staged(path, content(layers), f".{os.getpid()}") as file:
        again = list(map(layer_of, each(file)))
        if alone:  # which say nothing of it
            kinds = [layer.nonlinearity for layer in layers]
            again = [replace(a, nonlinearity=k) for a, k in zip(again, kinds, strict=True)]
        proof = prove(layers, lambda *given: compute(again, *given), lengths=True)
        if by := run.loaded(layers):
            theirs = prove(layers, run.outputs(file, layers, alone=alone), lengths=True)
            proof = together(proof, theirs, by)
    if not alone:
        return proof
    problem = _("the model that loads these weights has {layers}")
    return replace(proof, notes=[problem.format(layers=", ".join(write.wanted(layers)))])


def to_c(
    module: "nn.Module", path: str | Path, *, name: str = "", weights: Kind = "float32"
) -> Proof:
    """Write an RNN, LSTM or GRU of gruta.nn or torch.nn as C11 into a folder, and prove it.

    The C reads a step at a time, [c](c/README.md) says how. name: what all its names begin with, by
    default that of the folder. weights: float32 or int8. The test that is written with it is
    compiled and run beside the NumPy reference. InputError, and nothing written, where there is no
    compiler to prove it, where the module has options that C has no words for or reads backwards,
    or the two differ by more than 1e-5.
    """
    from gruta.exchange.c import build
    from gruta.exchange.c.layers import program
    from gruta.exchange.c.program import name_of, require_name
    from gruta.exchange.torch_layers import from_torch

    out = Path(path)
    made = program(from_torch(module), require_name(name) if name else name_of(out.name), weights)
    files = made.files()
    error = build.error(files)
    if error is None:
        raise InputError(_("to prove C a compiler is needed: install gcc or clang"))
    require_within(error, made.bound)
    build.write(out, files)
    return Proof(error, ((STEPS, 1),))


def from_keras(
    path: str | Path, *, settings: Mapping[str, Mapping[str, Any]] | None = None
) -> "dict[str, nn.Module]":
    """The recurrent layers of a `.keras` or `.weights.h5` file as modules of gruta.nn, by their
    names, each proven: `proof_of(module)` has the largest error. Where the process has imported
    Keras 3, layers of at most 4 million weights are proven beside what it computes with these.

    Modules read `[B, T, I]`. A `.weights.h5` file has weights alone: what it does not say is taken
    to be Keras' default, and a UserWarning tells it of each layer; settings says otherwise, by the
    layers' names: `{"gru": {"reset_after": False}}`. InputError for a file that is none of Keras 3,
    and for what no layer has: other activations, go_backwards, a Bidirectional that does not
    concatenate.
    """
    from gruta.exchange.keras import archive, bare, run
    from gruta.exchange.keras.layers import layer_of
    from gruta.exchange.torch_layers import to_torch

    found: dict[str, nn.Module] = {}
    path, own = Path(path), dict(settings or {})
    alone = bare.is_bare(path)
    if own and not alone:
        raise InputError(_("{path}: it says its settings itself").format(path=path))
    for kept in (bare if alone else archive).each(path):
        said = own.pop(kept.name, {})
        kept = bare.told(kept, said) if said else kept
        layer, told = layer_of(kept), bare.assumed(kept, said) if alone else ""
        kernels = kept.sides if (by := run.loaded([layer])) else ()
        del kept  # weights are large
        module = to_torch([layer], share=True).eval()
        proof = prove([layer], as_module(module), lengths=True)
        if by:
            theirs = prove([layer], run.weighed(layer, kernels), lengths=True)
            proof = together(proof, theirs, by)
        module.batch_first = True
        found[layer.name] = proven(module, proof)
        if told:
            warnings.warn(told, UserWarning, stacklevel=2)
    if not found:
        raise InputError(_("{path}: no GRU, LSTM or RNN in it").format(path=path))
    if own:
        problem = _("settings: expected some of {known}, got {found}")
        known, strange = ", ".join(found), ", ".join(map(repr, own))
        raise InputError(problem.format(known=known, found=strange))
    return found


def as_module(module: Any) -> Any:
    """What `prove` asks of a module of gruta.nn.

    Run as in training, to the same bits: inference keeps packed weights for its next call, some
    twice the module's memory.
    """
    import torch

    def outputs(x: Any, states: Any, counts: Any) -> Any:
        hx = tuple(map(torch.from_numpy, states))
        with torch.enable_grad():
            y, state = module(
                torch.from_numpy(x),
                hx if len(hx) > 1 else hx[0],
                lengths=None if counts is None else torch.from_numpy(counts),
            )
        finals = state if isinstance(state, tuple) else (state,)
        return y.detach().numpy(), *(s.detach().numpy() for s in finals)

    return outputs


def engine(path: Path) -> tuple[Callable[[Mapping[str, Any]], list[Any]], str]:
    """What runs an ONNX file, from inputs by name to outputs in order, and its name: ONNX Runtime,
    or onnx's evaluator where that is not installed.
    """
    if find_spec("onnxruntime") is None:
        from gruta.exchange.doctor import truth
        from gruta.exchange.onnx.read import load

        made = load(path)
        return lambda given: truth.outputs(made, given), "onnx"
    import onnxruntime

    options = onnxruntime.SessionOptions()
    options.log_severity_level = 3
    session = onnxruntime.InferenceSession(path, options, providers=["CPUExecutionProvider"])
    name = " ".join(("ONNX Runtime", onnxruntime.__version__))
    return lambda given: list(session.run(None, dict(given))), name
