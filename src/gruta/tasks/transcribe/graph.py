"""A recogniser in ONNX: frames as they are measured come in, log-probabilities go out."""

from collections.abc import Callable

import numpy as np

from gruta.codec.audio.ctc import log_softmax
from gruta.codec.audio.speech import FLATTEST, SpeechCodec
from gruta.exchange.layer import named
from gruta.exchange.onnx.graph import Graph
from gruta.exchange.onnx.write import Ends, add_stack
from gruta.tasks.as_onnx import Arrays, Drawing
from gruta.tasks.trained import Trained
from gruta.tasks.transcribe.front import STRIDES, frames_left, of_maps

_SIZES = ((40, 3), (1, 1), (61, 2))
"""T and B of what is tried."""


def drawn(trained: Trained[SpeechCodec]) -> Drawing:
    """Inputs: frames `[T, B, C]`, log-mel spectra or other features, lengths `[B]`, from 1 to T.
    Outputs: log-probabilities `[T', B, V]` of the blank, number 0, and of each character, and how
    many steps T' of them are each row's `[B]`.
    """
    codec, weights, s = trained.codec, trained.weights, trained.settings
    graph = Graph()
    frames = graph.input("frames", np.float32, "time", "batch", len(codec.names))
    lengths = graph.input("lengths", np.int64, "batch")
    x = _scaled(graph, codec, frames, Ends(graph, frames, np.float32, lengths))
    h, steps = _front(graph, trained, x, lengths)
    ends = Ends(graph, h, np.float32, steps, "left_")
    for k in range(s.layers):
        if s.norm:
            own = [graph.constant(f"norm{k}_{n}", weights[f"norms.{k}.{n}"]) for n in _NORM]
            h = graph.node("LayerNormalization", h, *own, out=f"normed{k}", axis=-1, epsilon=1e-5)
        (layer,) = named(weights, f"layers.{k}", s.cell)
        h, _finals = add_stack(graph, [layer], h, ends=ends, name=f"layer{k}_")
    scores = graph.linear(h, weights["output.weight"], weights["output.bias"], "scores")
    graph.node("LogSoftmax", scores, out="log_probabilities", axis=-1)
    graph.node("Identity", steps, out="counts")
    graph.output("log_probabilities", np.float32, "steps", "batch", codec.size)
    graph.output("counts", np.int64, "batch")
    said = {"units": codec.units.to_json(), "blank": 0, "hop": str(codec.hop)}
    if codec.mel is not None:
        said["mel"] = codec.mel.to_json()
    return Drawing(graph, [_try(codec, *size) for size in _SIZES], _asked(trained), said)


_NORM = "weight", "bias"


def _scaled(graph: Graph, codec: SpeechCodec, frames: str, ends: Ends) -> str:
    """As `SpeechCodec.encode`, 0 behind each recording's end."""
    wide = graph.cast(frames, np.float64, "frames_wide")
    none = graph.constant("none_wide", 0.0, np.float64)
    if codec.by_recording:
        mean, scale = _own_scale(graph, codec, wide, ends, none)
    else:
        mean = graph.constant("mean", codec.scaler.mean)
        scale = graph.constant("scale", codec.scaler.scale)
    off = graph.node("Sub", wide, mean, out="off_mean")
    scaled = graph.node("Div", off, scale, out="scaled_wide")
    scaled = graph.node("Where", ends.inside, scaled, none, out="scaled_inside")
    return graph.cast(scaled, np.float32, "scaled")


def _own_scale(
    graph: Graph, codec: SpeechCodec, wide: str, ends: Ends, none: str
) -> tuple[str, str]:
    """Of each recording the mean and the deviation of its channels `[1, B, C]`."""
    first = graph.indices(0)
    count = graph.cast(ends.count, np.float64, "count_wide")
    count = graph.node("Unsqueeze", count, graph.indices(0, 2), out="count_row")
    inside = graph.node("Where", ends.inside, wide, none, out="frames_inside")
    total = graph.node("ReduceSum", inside, first, out="total", keepdims=1)
    mean = graph.node("Div", total, count, out="own_mean")
    off = graph.node("Sub", wide, mean, out="off_own_mean")
    off = graph.node("Where", ends.inside, off, none, out="off_inside")
    squared = graph.node("Mul", off, off, out="squared")
    total = graph.node("ReduceSum", squared, first, out="total_squared", keepdims=1)
    variance = graph.node("Div", total, count, out="variance")
    deviation = graph.node("Sqrt", variance, out="deviation")
    least = graph.constant("least_scale", FLATTEST * codec.scaler.scale)
    return mean, graph.node("Max", deviation, least, out="own_scale")


def _front(graph: Graph, trained: Trained[SpeechCodec], x: str, lengths: str) -> tuple[str, str]:
    """`[T', B, width]` of x `[T, B, C]`, and how many steps are each row's."""
    codec, s = trained.codec, trained.settings
    maps = of_maps(codec, s)
    if maps:
        x = graph.node("Transpose", x, out="by_row", perm=[1, 0, 2])
        x = graph.node("Unsqueeze", x, graph.indices(1), out="one_map")
    else:
        x = graph.node("Transpose", x, out="by_row", perm=[1, 2, 0])
    for name, stride in zip(("first", "second"), STRIDES[s.stride], strict=True):
        more = graph.constant(f"{name}_more", stride - 1, np.int64)
        step = graph.constant(f"{name}_stride", stride, np.int64)
        lengths = graph.node("Add", lengths, more, out=f"{name}_rounded")
        lengths = graph.node("Div", lengths, step, out=f"{name}_lengths")
        x = _convolved(graph, trained, name, x, stride, lengths)
    if not maps:
        return graph.node("Transpose", x, out="front", perm=[2, 0, 1]), lengths
    x = graph.node("Transpose", x, out="by_step", perm=[2, 0, 3, 1])
    flat = graph.constant("beside", [0, 0, -1], np.int64)
    return graph.node("Reshape", x, flat, out="front"), lengths


def _convolved(
    graph: Graph, trained: Trained[SpeechCodec], name: str, x: str, stride: int, lengths: str
) -> str:
    """SiLU of a convolution, 0 behind each row's end; time is the third axis."""
    weight, bias = (trained.weights[f"front.{name}.{part}"] for part in _NORM)
    sizes = list(weight.shape[2:])
    around = [size // 2 for size in sizes]
    own = [
        graph.constant(f"{name}_{part}", w) for part, w in zip(_NORM, (weight, bias), strict=True)
    ]
    strides = [stride, 2][: len(sizes)]
    y = graph.node("Conv", x, *own, out=f"{name}_sums", pads=around * 2, strides=strides)
    y = graph.silu(y, f"{name}_silu")
    none, one = (graph.constant(f"int_{k}", k, np.int64) for k in (0, 1))
    steps = graph.node(
        "Squeeze", graph.size(y, 2, f"{name}_time"), graph.indices(0), out=f"{name}_steps"
    )
    steps = graph.node("Range", none, steps, one, out=f"{name}_numbers")
    column = graph.node("Unsqueeze", lengths, graph.indices(1), out=f"{name}_column")
    inside = graph.node("Less", steps, column, out=f"{name}_inside")  # [B, T']
    axes = graph.indices(*((1, 3) if len(sizes) == 2 else (1,)))
    inside = graph.node("Unsqueeze", inside, axes, out=f"{name}_inside_maps")
    zero = graph.constant("zero", 0, np.float32)
    return graph.node("Where", inside, y, zero, out=f"{name}_out")


def _try(codec: SpeechCodec, T: int, B: int) -> Arrays:
    rng = np.random.default_rng(T)
    frames = codec.scaler.decode(rng.normal(size=(T, B, len(codec.names)))).astype(np.float32)
    return {"frames": frames, "lengths": np.linspace(T, 1, B).astype(np.int64)}


def _asked(trained: Trained[SpeechCodec]) -> Callable[[Arrays], Arrays]:
    codec, head, s = trained.codec, trained.head, trained.settings

    def wanted(given: Arrays) -> Arrays:
        x, lengths = np.zeros_like(given["frames"]), given["lengths"]
        for b, n in enumerate(lengths.tolist()):
            x[:n, b] = codec.encode(given["frames"][:n, b])
        counts = np.array([frames_left(n, s) for n in lengths.tolist()])
        return {"log_probabilities": log_softmax(head((x, lengths))), "counts": counts}

    return wanted
