"""ncnn: GRU, LSTM and RNN (tanh alone), weights flat, a direction behind the other.

`files` writes what ncnn loads: a `.param` of one layer in text, and its `.bin`.
"""

from collections.abc import Sequence
from pathlib import Path
from tempfile import TemporaryDirectory

import numpy as np

from gruta.exchange.layer import GATES, Layer, Side, blocks
from gruta.exchange.weights.framework import (
    Array,
    Arrays,
    Framework,
    Given,
    Tree,
    alone,
    halves,
    whole,
)

_LSTM = (0, 1, 3, 2)
"""i f o g by their place in torch.nn; it undoes itself."""


def _out(layer: Layer, side: Side) -> Tree:
    w_ih, w_hh, b_ih, b_hh = side.arrays
    if layer.cell == "gru":
        bias, b_hn = halves(b_ih, b_hh)
        return {"weight_xc": w_ih, "bias_c": np.concatenate((bias, b_hn)), "weight_hc": w_hh}
    order = _LSTM if layer.cell == "lstm" else (0,)
    return {
        "weight_xc": blocks(w_ih, order),
        "bias_c": blocks(b_ih + b_hh, order),
        "weight_hc": blocks(w_hh, order),
    }


def _back(kind: str, tree: Tree) -> Arrays:
    w_ih, b, w_hh = tree["weight_xc"], tree["bias_c"], tree["weight_hc"]
    if kind == "gru":
        H = w_hh.shape[1]
        return Arrays(w_ih, w_hh, *whole(b[: 3 * H], b[3 * H :]))
    order = _LSTM if kind == "lstm" else (0,)
    return Arrays(blocks(w_ih, order), blocks(w_hh, order), *alone(blocks(b, order)))


def files(kind: str, tree: Tree) -> tuple[str, bytes]:
    """The `.param` and the `.bin` of one layer that reads x and its initial states, as h0 and, of
    an LSTM, c0, and gives y and the last ones.
    """
    cell = kind.split("_")[0]
    w_ih, H = tree["weight_xc"], tree["weight_hc"].shape[1]
    states = ["h", "c"][: 1 + (cell == "lstm")]
    given, found = ["x", *(f"{s}0" for s in states)], ["y", *(f"{s}1" for s in states)]
    inputs = [f"Input {name} 0 1 {name}" for name in given]
    told = f"0={H} 1={w_ih.size} 2=0"
    blobs = " ".join([*given, *found])
    own = f"{cell.upper()} layer {len(given)} {len(found)} {blobs} {told}"
    head = ["7767517", f"{len(inputs) + 1} {len(given) + len(found)}"]
    arrays = (tree[name] for name in ("weight_xc", "bias_c", "weight_hc"))
    raw = b"".join(bytes(4) + np.ascontiguousarray(a, "<f4").tobytes() for a in arrays)
    assert w_ih.size == GATES[cell] * H * w_ih.shape[1]
    return "\n".join([*head, *inputs, own, ""]), raw


def _run(given: Given) -> Sequence[Array]:
    """A row at a time, as it has no batches."""
    import ncnn

    text, raw = files(given.kind, given.tree)
    names = ["h", "c"][: len(given.states)]
    rows = []
    with TemporaryDirectory() as folder:
        param, weights = Path(folder, "layer.param"), Path(folder, "layer.bin")
        param.write_text(text)
        weights.write_bytes(raw)
        net = ncnn.Net()
        net.opt.use_fp16_storage = net.opt.use_fp16_arithmetic = net.opt.use_bf16_storage = False
        net.load_param(str(param))
        net.load_model(str(weights))
        for b in range(given.x.shape[1]):
            run = net.create_extractor()
            run.input("x", ncnn.Mat(np.ascontiguousarray(given.x[:, b])))
            for name, state in zip(names, given.states, strict=True):
                run.input(f"{name}0", ncnn.Mat(np.ascontiguousarray(state[b : b + 1])))
            found = [run.extract(name)[1] for name in ("y", *(f"{n}1" for n in names))]
            rows.append([np.array(one) for one in found])
    y, *finals = zip(*rows, strict=True)
    return np.stack(y, 1), *(np.concatenate(one) for one in finals)


NCNN = Framework(
    "ncnn", {"gru": "GRU", "lstm": "LSTM", "rnn_tanh": "RNN"}, _out, _back, "ncnn", _run
)
