"""A classifier's network in ONNX: units or values of cases come in, probabilities go out."""

from collections.abc import Callable
from typing import Any

import numpy as np

from gruta.codec.channels import Channels
from gruta.codec.classes import ClassCodec
from gruta.codec.text.vocabulary import Vocabulary
from gruta.exchange.layer import named
from gruta.exchange.onnx.graph import Graph
from gruta.exchange.onnx.write import Ends, add_stack
from gruta.exchange.proof import SIZES
from gruta.tasks.as_onnx import Arrays, Drawing
from gruta.tasks.trained import Trained

_GRAMS = 4
"""Of a step."""


def drawn(trained: Trained[ClassCodec]) -> Drawing:
    """Inputs: units `[T, B]`, or `[T, B, G]` of words in grams, or series `[T, B, C]` as the data
    have it, NaN for what is missing; lengths `[B]`, from 1 to T. Output: probabilities `[B, K]`.
    """
    codec, weights, s = trained.codec, trained.weights, trained.settings
    graph, units = Graph(), ""
    if isinstance(codec.reader, Vocabulary):
        units = _units(graph, codec.reader)
        x = _embedded(graph, units, codec.reader, weights["embedding.weight"])
    else:
        x = _scaled(graph, codec.reader)
    lengths = graph.input("lengths", np.int64, "batch")
    ends = Ends(graph, x, np.float32, lengths)
    layers = named(weights, "layer", s.cell)
    h, finals = add_stack(graph, layers, x, ends=ends)
    pooled = _pooled(graph, trained, h, finals[0][-1], ends)
    scores = graph.linear(pooled, weights["output.weight"], weights["output.bias"], "scores")
    if "bayes.weight" in weights:
        scores = _with_bayes(graph, trained, scores, units, ends)
    warmth = graph.constant("temperature", codec.temperature, np.float32)
    cooled = graph.node("Div", scores, warmth, out="cooled")
    graph.node("Softmax", cooled, out="probabilities", axis=-1)
    graph.output("probabilities", np.float32, "batch", len(codec.labels))
    said = {"labels": list(codec.labels), "longest": codec.longest, **_reads(codec)}
    return Drawing(graph, [_try(codec, *size) for size in SIZES], _asked(trained), said)


def _reads(codec: ClassCodec) -> dict[str, object]:
    reader = codec.reader
    if isinstance(reader, Channels):
        return {"channels": list(reader.names)}
    return {"reader": reader.to_json()}


def _units(graph: Graph, reader: Vocabulary) -> str:
    grams = (_GRAMS,) if reader.unit == "grams" else ()
    return graph.input("units", np.int64, "time", "batch", *grams)


def _embedded(graph: Graph, units: str, reader: Vocabulary, table: Any) -> str:
    """Of each step the vector of its unit, or the sum of those of its grams."""
    x = graph.node("Gather", graph.constant("embedding", table), units, out="vectors")
    return _summed(graph, x, reader, "summed")


def _summed(graph: Graph, x: str, reader: Vocabulary | Channels, out: str) -> str:
    if not isinstance(reader, Vocabulary) or reader.unit != "grams":
        return x
    return graph.node("ReduceSum", x, graph.indices(2), out=out, keepdims=0)


def _scaled(graph: Graph, reader: Channels) -> str:
    """As `Channels.encode`: a gap is the mean, with a 1 in a column of its own."""
    series = graph.input("series", np.float64, "time", "batch", len(reader.names))
    mean = graph.constant("mean", reader.scaler.mean)
    scale = graph.constant("scale", reader.scaler.scale)
    narrow = graph.cast(series, np.float32, "narrow")  # whether it is NaN tract asks no float64
    missing = graph.node("IsNaN", narrow, out="missing")
    off = graph.node("Sub", series, mean, out="off_mean")
    scaled = graph.node("Div", off, scale, out="scaled")
    none = graph.constant("none", 0.0, np.float64)
    kept = graph.node("Where", missing, none, scaled, out="kept")
    x = graph.cast(kept, np.float32, "values")
    if not reader.gaps:
        return x
    marks = graph.cast(missing, np.float32, "all_marks")
    own = graph.constant("with_gaps", reader.gaps, np.int64)
    marks = graph.node("Gather", marks, own, out="marks", axis=2)
    return graph.node("Concat", x, marks, out="marked", axis=2)


def _pooled(graph: Graph, trained: Trained[ClassCodec], h: str, h_n: str, ends: Ends) -> str:
    """`[B, P]` of h `[T, B, D·H]`, 0 past a case's end, and the last layer's h_n `[D, B, H]`."""
    kind, flat = trained.settings.pooling, graph.constant("flat", [0, -1], np.int64)
    if kind == "last":
        by_row = graph.node("Transpose", h_n, out="h_n_by_row", perm=[1, 0, 2])
        return graph.node("Reshape", by_row, flat, out="pooled")
    lowest = graph.constant("lowest", -np.inf, np.float32)
    first = graph.indices(0)
    if kind == "attention":
        weight, bias = (trained.weights[f"attention.{part}"] for part in ("weight", "bias"))
        score = graph.linear(h, weight, bias, "attention")
        score = graph.node("Where", ends.inside, score, lowest, out="attention_inside")
        shares = graph.node("Softmax", score, out="attention_shares", axis=0)
        weighted = graph.node("Mul", shares, h, out="weighted")
        return graph.node("ReduceSum", weighted, first, out="pooled", keepdims=0)
    total = graph.node("ReduceSum", h, first, out="total", keepdims=0)
    count = graph.cast(ends.count, np.float32, "count")
    count = graph.node("Unsqueeze", count, graph.indices(1), out="count_column")
    mean = graph.node("Div", total, count, out="mean_of_h")
    if kind == "mean":
        return mean
    inside = graph.node("Where", ends.inside, h, lowest, out="h_inside")
    largest = graph.node("ReduceMax", inside, out="largest", axes=[0], keepdims=0)
    if kind == "max":
        return largest
    return graph.node("Concat", mean, largest, out="pooled", axis=1)


def _with_bayes(
    graph: Graph, trained: Trained[ClassCodec], scores: str, units: str, ends: Ends
) -> str:
    """Naive Bayes on the units, weighed as the codec says."""
    codec, mix = trained.codec, np.float32(trained.codec.mix)
    likely, prior = (mix * trained.weights[f"bayes.{part}"] for part in ("weight", "bias"))
    found = graph.node("Gather", graph.constant("likely", likely), units, out="likely_units")
    found = _summed(graph, found, codec.reader, "likely_grams")
    inside = graph.node("Where", ends.inside, found, ends.zero, out="likely_inside")
    total = graph.node("ReduceSum", inside, graph.indices(0), out="likely_total", keepdims=0)
    total = graph.node("Add", total, graph.constant("prior", prior), out="bayes")
    return graph.node("Add", scores, total, out="scores_with_bayes")


def _try(codec: ClassCodec, T: int, B: int) -> Arrays:
    rng, reader = np.random.default_rng(T), codec.reader
    lengths = np.linspace(T, 1, B).astype(np.int64)
    if isinstance(reader, Vocabulary):
        grams = (_GRAMS,) if reader.unit == "grams" else ()
        return {"units": rng.integers(0, reader.size, (T, B, *grams)), "lengths": lengths}
    scaled = rng.normal(size=(T, B, len(reader.names)))
    series = reader.scaler.decode(scaled)
    series[rng.random(series.shape) < 0.1] = np.nan
    return {"series": series, "lengths": lengths}


def _asked(trained: Trained[ClassCodec]) -> Callable[[Arrays], Arrays]:
    codec, head = trained.codec, trained.head

    def wanted(given: Arrays) -> Arrays:
        key = "units" if "units" in given else "series"
        cases = [given[key][:n, b] for b, n in enumerate(given["lengths"].tolist())]
        if isinstance(codec.reader, Channels):
            cases = [codec.reader.encode(case) for case in cases]
        return {"probabilities": codec.probabilities(head(cases))}

    return wanted
