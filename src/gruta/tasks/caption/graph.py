"""A captioner in ONNX: pixels come in, likely units of a caption go out."""

from collections.abc import Callable, Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray

from gruta.codec.pictures.captions import CaptionCodec
from gruta.codec.text.pairs import END, OWN
from gruta.data.pictures.shots import Shot
from gruta.exchange.layer import named
from gruta.exchange.onnx.graph import Graph
from gruta.exchange.onnx.write import Ends, add_stack
from gruta.runtime.folded import SMALL, groups
from gruta.tasks.as_onnx import Arrays, Drawing
from gruta.tasks.caption import folds
from gruta.tasks.caption.head import CaptionHead, writing_of
from gruta.tasks.trained import Trained
from gruta.tasks.writing_graph import GREEDY, Found, add_writer, both_ends, each, notes, written

_SIZES = ((1, 2), (4, 3))
"""F and B of what is tried."""


def drawn(trained: Trained[CaptionCodec]) -> Drawing:
    """Inputs: frames `[B, F, S, S, 3]` of bytes, lengths `[B]`, from 1 to F, seconds `[B, F]` since
    the clip began, duration `[B]`, 0 of a picture, and begin `[B]`, the unit that stands for the
    language. Outputs: those of `add_writer`, a place the number of frame and place behind each
    other.
    """
    codec, s = trained.codec, trained.settings
    graph = Graph()
    drawing = _Captioner(graph, trained.weights, codec, s)
    found = drawing.looked()
    add_writer(graph, trained.weights, writing_of(codec, s), found)
    begins = {language: codec.begin(language) for language in codec.languages}
    said = {"units": codec.side.units.to_json(), "units_from": OWN, "end": END, "begin": begins}
    tries = [_try(codec, *size) for size in _SIZES]
    return Drawing(graph, tries, _asked(trained.head, codec, s.attention != "none"), said, notes())


class _Captioner:
    """The nodes of what looks; F frames of B shots, P places, C numbers of each."""

    def __init__(
        self, graph: Graph, weights: Mapping[str, NDArray[Any]], codec: CaptionCodec, settings: Any
    ) -> None:
        self.graph, self.weights, self.codec, self.settings = graph, weights, codec, settings
        side = folds.places(settings.size)
        self.P, self.side = side * side, side
        self.wide = folds.widths(settings.size, settings.channels)[-1]

    def looked(self) -> Found:
        """What the writer looks at."""
        g, S = self.graph, self.settings.size
        frames = g.input("frames", np.uint8, "batch", "frames", S, S, 3)
        lengths = g.input("lengths", np.int64, "batch")
        times = self._times()
        begin = g.input("begin", np.int64, "batch")
        self._both = g.node(
            "Concat", g.size(frames, 0, "shots"), g.size(frames, 1, "each"), out="B_F", axis=0
        )
        f = self._folded(frames)
        mean = g.node("ReduceMean", f, out="mean", axes=[1], keepdims=0)
        peaks = self._peaks(f) if self.codec.peaks else None
        parts = [self._glanced(f), self._by_shot(mean, "mean_by_shot"), peaks, times]
        x = g.node("Concat", *(one for one in parts if one), out="entering", axis=2)
        x = g.node("Transpose", x, out="entering_by_frame", perm=[1, 0, 2])
        ends = Ends(g, x, np.float32, lengths)
        (reader,) = named(self.weights, "reader", self.settings.cell)
        s, finals = add_stack(g, [reader], x, ends=ends, name="reader")
        h = both_ends(g, finals[0][-1])
        there = g.node("Transpose", ends.inside, out="there", perm=[1, 0, 2])  # [B, F, 1]
        if peaks:
            h = g.node("Concat", h, self._over(peaks, there, lengths), out="end_of_shot", axis=1)
        most = each(g, lengths, self.codec.longest, "most")
        return Found(
            self._memory(f, s), self._inside(there), h, most, begin, list(self.codec.never)
        )

    def _times(self) -> str:
        """As `codec.pictures.captions.when`, `[B, F, 2]`."""
        g = self.graph
        seconds = g.input("seconds", np.float32, "batch", "frames")
        duration = g.input("duration", np.float32, "batch")
        least = g.constant("least_duration", 1e-9, np.float32)
        whole = g.node("Max", duration, least, out="whole")
        whole = g.node("Unsqueeze", whole, g.indices(1), out="whole_column")
        share = g.node("Div", seconds, whole, out="share_gone")
        since = g.node("Sub", seconds, self._before(seconds, 1, "second"), out="since_last")
        zero, one = (g.constant(f"float_{k}", k, np.float32) for k in (0, 1))
        since = g.node("Max", since, zero, out="since_last_at_least_0")
        since = g.node("Log", g.node("Add", since, one, out="since_and_1"), out="log_since")
        columns = [
            g.node("Unsqueeze", part, g.indices(2), out=f"{part}_column") for part in (share, since)
        ]
        return g.node("Concat", *columns, out="times", axis=2)

    def _before(self, x: str, axis: int, name: str) -> str:
        """x, each frame's that of the frame before; the first its own."""
        g = self.graph
        first = g.node("Slice", x, g.indices(0), g.indices(1), g.indices(axis), out=f"first_{name}")
        rest = g.node("Slice", x, g.indices(0), g.indices(-1), g.indices(axis), out=f"rest_{name}")
        return g.node("Concat", first, rest, out=f"{name}_before", axis=axis)

    def _folded(self, frames: str) -> str:
        """`[B · F, P, C]`."""
        g, s = self.graph, self.settings
        flat = g.constant("flat_pixels", [-1, s.size, s.size, 3], np.int64)
        x = g.cast(g.node("Reshape", frames, flat, out="all_frames"), np.float32, "pixels")
        mean, spread = (
            g.constant(f"colour_{name}", getattr(self.codec.colours, name), np.float32)
            for name in ("mean", "spread")
        )
        x = g.node("Div", g.node("Sub", x, mean, out="off_colour"), spread, out="scaled")
        x = g.node("Transpose", x, out="by_colour", perm=[0, 3, 1, 2])
        side = s.size
        for k, step in enumerate(folds.steps_over(s.size)):
            side = (side + step - 1) // step
            x = self._block(x, k, step, side)
        flat = g.constant("places_beside", [-1, self.wide, self.P], np.int64)
        x = g.node("Reshape", x, flat, out="places_of_each")
        return g.node("Transpose", x, out="places", perm=[0, 2, 1])

    def _block(self, x: str, k: int, step: int, side: int) -> str:
        """A convolution, a norm over groups of channels, and what is above 0."""
        g = self.graph
        weight, gain, bias = (
            self.weights[f"fold.{part}"]
            for part in (f"conv{k}.weight", f"norm{k}.weight", f"norm{k}.bias")
        )
        own = g.constant(f"fold_{k}", weight)
        x = g.node("Conv", x, own, out=f"sums_{k}", pads=[1] * 4, strides=[step, step])
        parts = groups(len(gain))
        beside = g.constant(f"grouped_{parts}", [0, parts, -1], np.int64)
        x = g.node("Reshape", x, beside, out=f"groups_{k}")
        alike = [g.constant(f"{n}_{parts}", np.full(parts, n, np.float32)) for n in (1, 0)]
        x = g.node("InstanceNormalization", x, *alike, out=f"alike_{k}", epsilon=SMALL)
        shape = g.constant(f"maps_{k}", [-1, len(gain), side, side], np.int64)
        x = g.node("Reshape", x, shape, out=f"maps_of_{k}")
        scale, off = (
            g.constant(f"norm_{k}_{name}", w[:, None, None])
            for name, w in (("gain", gain), ("bias", bias))
        )
        x = g.node("Add", g.node("Mul", x, scale, out=f"gained_{k}"), off, out=f"normed_{k}")
        return g.node("Relu", x, out=f"block_{k}")

    def _by_shot(self, x: str, out: str, *last: int) -> str:
        """`[B, F, …]` of `[B · F, …]`."""
        g = self.graph
        rest = g.indices(*(last or (-1,)))
        shape = g.node("Concat", self._both, rest, out=f"{out}_shape", axis=0)
        return g.node("Reshape", x, shape, out=out)

    def _glanced(self, f: str) -> str:
        """A few numbers of each place, `[B, F, P · G]`."""
        w, g = self.weights, self.graph
        x = g.linear(f, w["glance.weight"], w["glance.bias"], "glance")
        return self._by_shot(g.node("Relu", x, out="glanced"), "glanced_by_shot")

    def _peaks(self, f: str) -> str:
        """The most of each number over places, and its change from frame to frame."""
        g = self.graph
        v = g.node("ReduceMax", f, out="peak", axes=[1], keepdims=0)
        v = self._by_shot(v, "peak_by_shot")
        change = g.node("Sub", v, self._before(v, 1, "peak"), out="peak_change")
        return g.node("Concat", v, g.node("Abs", change, out="peak_moved"), out="peaks", axis=2)

    def _over(self, x: str, there: str, lengths: str) -> str:
        """The mean over the frames that are there, `[B, ·]`."""
        g = self.graph
        zero = g.constant("float_0", 0, np.float32)
        x = g.node("Where", there, x, zero, out="peaks_there")
        total = g.node("ReduceSum", x, g.indices(1), out="peaks_in_all", keepdims=0)
        count = g.node("Unsqueeze", lengths, g.indices(1), out="length_column")
        return g.node("Div", total, g.cast(count, np.float32, "count"), out="peaks_over_all")

    def _memory(self, f: str, s: str) -> str:
        """`[B, F · P, H]`."""
        w, g = self.weights, self.graph
        spots = g.linear(f, w["spot.weight"], w["spot.bias"], "spot")
        spots = self._by_shot(spots, "spots", self.P, self.settings.hidden)
        spots = g.node("Add", spots, g.constant("place", w["place"]), out="spots_and_places")
        moments = g.linear(s, w["moment.weight"], w["moment.bias"], "moment")
        moments = g.node("Transpose", moments, out="moments", perm=[1, 0, 2])
        moments = g.node("Unsqueeze", moments, g.indices(2), out="moments_of_places")
        m = g.node("Add", spots, moments, out="memory_by_frame")
        beside = g.constant("frames_beside", [0, -1, self.settings.hidden], np.int64)
        return g.node("Reshape", m, beside, out="memory")

    def _inside(self, there: str) -> str:
        """`[B, F · P]`."""
        g = self.graph
        shape = g.node("Concat", self._both, g.indices(self.P), out="B_F_P", axis=0)
        there = g.node("Expand", there, shape, out="there_by_place")
        beside = g.constant("rows_beside", [0, -1], np.int64)
        return g.node("Reshape", there, beside, out="inside_by_row")


def _try(codec: CaptionCodec, F: int, B: int) -> Arrays:
    rng, S = np.random.default_rng(F), codec.size
    seconds = np.tile(np.arange(F, dtype=np.float32) / 5, (B, 1))
    begins = [codec.begin(codec.languages[b % len(codec.languages)]) for b in range(B)]
    return {
        "frames": rng.integers(0, 256, (B, F, S, S, 3), dtype=np.uint8),
        "lengths": np.linspace(F, 1, B).astype(np.int64),
        "seconds": seconds,
        "duration": np.full(B, 0.2 * F if F > 1 else 0, np.float32),
        "begin": np.array(begins),
    }


def _asked(head: CaptionHead, codec: CaptionCodec, looks: bool) -> Callable[[Arrays], Arrays]:
    languages = {codec.begin(language): language for language in codec.languages}

    def wanted(given: Arrays) -> Arrays:
        shots = [
            Shot(frames[:n], seconds[:n].astype(np.float64), 0.0, float(duration), "")
            for frames, n, seconds, duration in zip(
                *(given[name] for name in ("frames", "lengths", "seconds", "duration")),
                strict=True,
            )
        ]
        asked = [languages[int(one)] for one in given["begin"]]
        return written(head.captioned(shots, asked, GREEDY), looks)

    return wanted
