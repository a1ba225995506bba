"""A translator in ONNX: units of a source come in, likely ones of its translation go out."""

from collections.abc import Callable

import numpy as np

from gruta.codec.text.pairs import END, NEVER_SEEN, OWN, PADDING, PairCodec
from gruta.exchange.layer import named
from gruta.exchange.onnx.graph import Graph
from gruta.exchange.onnx.write import Ends, add_stack
from gruta.exchange.proof import SIZES
from gruta.tasks.as_onnx import Arrays, Drawing
from gruta.tasks.trained import Trained
from gruta.tasks.translate.head import TranslateHead, writing_of
from gruta.tasks.writing_graph import GREEDY, Found, add_writer, both_ends, each, notes, written


def drawn(trained: Trained[PairCodec]) -> Drawing:
    """Inputs: source `[S, B]`, units of each text and its end, and lengths `[B]`, from 1 to S, with
    the end. Outputs: those of `add_writer`.
    """
    codec, s, graph = trained.codec, trained.settings, Graph()
    weights, what = trained.weights, writing_of(codec, s)
    source = graph.input("source", np.int64, "time", "batch")
    lengths = graph.input("lengths", np.int64, "batch")
    table = weights.get("source.weight", weights["target.weight"])
    name = "source_vectors" if "source.weight" in weights else "target"
    x = graph.node("Gather", graph.constant(name, table), source, out="vectors")
    ends = Ends(graph, x, np.float32, lengths)
    layers = named(weights, "reader", s.cell)
    m, finals = add_stack(graph, layers, x, ends=ends, name="reader")
    memory = graph.node("Transpose", m, out="memory", perm=[1, 0, 2])
    inside = graph.node("Squeeze", ends.inside, graph.indices(2), out="inside_by_step")
    inside = graph.node("Transpose", inside, out="inside_by_row", perm=[1, 0])
    end = both_ends(graph, finals[0][-1])
    looks = s.attention != "none"
    never = [PADDING] if looks else [PADDING, NEVER_SEEN]
    most, begin = _most(graph, trained.head, lengths), each(graph, lengths, END, "begin")
    add_writer(graph, weights, what, Found(memory, inside, end, most, begin, never))
    tries = [_try(codec, *size) for size in SIZES]
    said = {**codec.to_json(), "end": END, "units_from": OWN}
    return Drawing(graph, tries, _asked(trained.head, looks), said, notes())


def _most(graph: Graph, head: TranslateHead, lengths: str) -> str:
    """As `TranslateHead.most`, `[B]`."""
    fewest = int(head.most(np.zeros(1, np.int64))[0])
    twice = graph.node("Add", lengths, lengths, out="twice")
    more = graph.constant("int_10", 10, np.int64)
    more = graph.node("Add", twice, more, out="twice_and_more")
    return graph.node("Max", more, graph.constant("fewest", fewest, np.int64), out="most")


def _try(codec: PairCodec, S: int, B: int) -> Arrays:
    rng = np.random.default_rng(S)
    lengths = np.linspace(S, 1, B).astype(np.int64)
    source = rng.integers(OWN, codec.source.size, (S, B))
    source[lengths - 1, np.arange(B)] = END
    return {"source": np.where(np.arange(S)[:, None] < lengths, source, 0), "lengths": lengths}


def _asked(head: TranslateHead, looks: bool) -> Callable[[Arrays], Arrays]:
    def wanted(given: Arrays) -> Arrays:
        rows = zip(given["source"].T, given["lengths"].tolist(), strict=True)
        return written(head.translated([row[:n] for row, n in rows], GREEDY), looks)

    return wanted
