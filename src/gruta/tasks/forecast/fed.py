"""What a forecaster's ONNX file is fed: series as the data have them, brought to what is read.

Letters in shapes as in `graph`. Which row tells what of which step does not depend on the values:
rows are gathered by numbers that the file holds.
"""

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from gruta.codec.series.calendar import Calendar, calendar
from gruta.codec.series.covariates import Covariates
from gruta.codec.series.encoding import Encoding
from gruta.codec.series.features import Table
from gruta.codec.series.series import Series
from gruta.exchange.onnx.graph import Graph
from gruta.tasks.as_onnx import Arrays

Rows = NDArray[np.int64]


class Fed:
    """The graph's inputs, and what they are read as: y `[B, N]` scaled, known and calendar
    `[B, N+K, C]`, past `[B, N, C]`, None where there are no such columns, vector `[B, E]` of each
    series, None where none is learned; mean and scale of the target `[B, 1, 1]`, or numbers.
    """

    def __init__(self, graph: Graph, encoding: Encoding, vectors: NDArray[Any] | None) -> None:
        self.graph, self.encoding = graph, encoding
        self.table: Table = encoding.empty_table()
        self.rows = encoding.history
        whole = self.rows + self.table.horizon
        target = graph.input("target", np.float64, "batch", self.rows)
        which = graph.input("series", np.int64, "batch") if self.several else ""
        self.mean, self.scale = (self._of_series(which, name) for name in ("mean", "scale"))
        self.y = self._scaled(target)
        known = self._covariates("known", encoding.known, whole)
        if encoding.holidays is not None:
            count = len(encoding.holidays.names(encoding.frequency))
            known.append(graph.input("holidays", np.float32, "batch", whole, count))
        self.known = self._joined(known, "known_read")
        self.past = self._joined(self._covariates("past", encoding.past, self.rows), "past_read")
        self.calendar = self._joined([*self._calendar(whole), *self._static(whole)], "told_by_row")
        self.vector = None if vectors is None else self._vector(which, vectors)

    @property
    def several(self) -> bool:
        """Whether it matters which series it is."""
        return len(self.encoding.ids) > 1 or self.encoding.embedding > 0

    def features(self, origin: Rows, steps: Rows, name: str) -> str:
        """`[B, P, K, F]`, as `future_features`, of rows origin `[P, K]` about so many steps after
        them `[P, K]`.
        """
        at, parts = origin + steps, list[str]()
        now = self.taken(self.y, origin, f"{name}_now", 1)
        if self.known:
            parts += [self.taken(self.known, at, f"{name}_known_then")]
            parts += [self.taken(self.known, origin, f"{name}_known_now")]
        if self.calendar:
            parts.append(self.taken(self.calendar, at, f"{name}_calendar"))
        parts.append(now)
        for season in self.table.seasons:
            then, own = at - season * ((steps - 1) // season + 1), f"{name}_{season}"
            last, before, earlier = (
                self.taken(self.y, then - back, f"{own}_{back}", 1) for back in range(3)
            )
            for k, (one, other) in enumerate(((last, now), (last, before), (before, earlier))):
                parts.append(self.graph.node("Sub", one, other, out=f"{own}_less_{k}"))
            if self.known:
                parts.append(self.taken(self.known, then, f"{own}_known"))
        return self._joined(parts, f"{name}_features", 3)

    def window(self) -> str:
        """`[B, L, C]`: what the encoder reads at each row, as `Past`."""
        graph, rows = self.graph, np.arange(self.rows - self.table.lookback, self.rows)
        at = rows[:, None]
        now = self.taken(self.y, at, "window_now", 1)
        before = self.taken(self.y, at - 1, "window_before", 1)
        parts = [now, graph.node("Sub", now, before, out="window_change")]
        if self.past:
            parts.append(self.taken(self.past, at, "window_past"))
        parts.append(self.features(at, np.ones_like(at), "row"))
        joined = self._joined(parts, "window_read", 3)
        return graph.node("Squeeze", joined, graph.indices(2), out="window")

    def taken(self, x: str, rows: Rows, out: str, axes: int = 0) -> str:
        """Of x `[B, N, ...]` these rows `[P, K]`: `[B, P, K, ...]`, with `axes` more behind."""
        which = self.graph.constant(f"{out}_rows", rows, np.int64)
        found = self.graph.node("Gather", x, which, out=f"{out}_taken", axis=1)
        if not axes:
            return found
        return self.graph.node("Unsqueeze", found, self.graph.indices(3), out=out)

    def _joined(self, parts: Sequence[str], out: str, axis: int = 2) -> str:
        """Side by side; "" of none."""
        if len(parts) < 2:
            return parts[0] if parts else ""
        return self.graph.node("Concat", *parts, out=out, axis=axis)

    def _of_series(self, which: str, name: str) -> str:
        """Of the target's scaler."""
        own: NDArray[np.float64] = getattr(self.encoding.target, name)
        if not which:
            return self.graph.constant(f"target_{name}", own.reshape(1, 1, 1))
        table = self.graph.constant(f"target_{name}s", own.reshape(-1, 1, 1))
        return self.graph.node("Gather", table, which, out=f"target_{name}", axis=0)

    def _scaled(self, target: str) -> str:
        """`[B, N]` float32."""
        graph, power = self.graph, self.encoding.power
        if power is not None:
            target = graph.node("Log", target, out="logarithm")
            if power:
                exponent = graph.constant("power", power, np.float64)
                target = graph.node("Mul", exponent, target, out="times_power")
                target = graph.node("Exp", target, out="to_power")
                one = graph.constant("one_wide", 1, np.float64)
                target = graph.node("Sub", target, one, out="to_power_less_one")
                target = graph.node("Div", target, exponent, out="transformed")
        wide = graph.node("Unsqueeze", target, graph.indices(2), out="target_column")
        off = graph.node("Sub", wide, self.mean, out="off_mean")
        scaled = graph.node("Div", off, self.scale, out="scaled_column")
        scaled = graph.node("Squeeze", scaled, graph.indices(2), out="scaled_wide")
        return graph.cast(scaled, np.float32, "y")

    def _covariates(self, name: str, own: Covariates, *rows: int) -> list[str]:
        """As `Covariates.encode`: numbers scaled, and a column of 0 and 1 for each text."""
        graph, found = self.graph, list[str]()
        if count := len(own.scaler.mean):
            given = graph.input(name, np.float64, "batch", *rows, count)
            mean = graph.constant(f"{name}_columns_mean", own.scaler.mean)
            scale = graph.constant(f"{name}_columns_scale", own.scaler.scale)
            off = graph.node("Sub", given, mean, out=f"{name}_off_mean")
            wide = graph.node("Div", off, scale, out=f"{name}_scaled_wide")
            found.append(graph.cast(wide, np.float32, f"{name}_scaled"))
        if own.levels:
            given = graph.input(f"{name}_texts", np.int64, "batch", *rows, len(own.levels))
            for k, (column, levels) in enumerate(own.levels.items()):
                some = graph.constant(f"{name}_{k}_numbers", np.arange(len(levels)), np.int64)
                axis = 1 + len(rows)
                place = graph.constant(f"{name}_{k}_place", [k], np.int64)
                one = graph.node("Gather", given, place, out=f"{name}_{k}_text", axis=axis)
                same = graph.node("Equal", one, some, out=f"{name}_{k}_{len(column)}_same")
                found.append(graph.cast(same, np.float32, f"{name}_{k}_which"))
        return found

    def _calendar(self, whole: int) -> list[str]:
        """What the stamp of each row looks up."""
        tables = _stamps(self.encoding, np.empty(0, "M8[us]")).tables
        if not tables:
            return []
        graph, found = self.graph, list[str]()
        codes = graph.input("calendar", np.int64, "batch", whole, len(tables))
        for k, table in enumerate(tables):
            place = graph.constant(f"calendar_{k}", k, np.int64)
            one = graph.node("Gather", codes, place, out=f"calendar_{k}_code", axis=2)
            own = graph.constant(f"calendar_{k}_table", table)
            found.append(graph.node("Gather", own, one, out=f"calendar_{k}_told", axis=0))
        return found

    def _static(self, whole: int) -> list[str]:
        """What each series has as a whole, at every row; the mean where it is not known."""
        graph = self.graph
        own = self._joined(self._covariates("static", self.encoding.static), "static_read", 1)
        if not own:
            return []
        none = graph.constant("zero", 0, np.float32)
        lacking = graph.node("IsNaN", own, out="static_lacking")
        own = graph.node("Where", lacking, none, own, out="static_known")
        return [self.along(own, whole, "static")]

    def along(self, x: str, rows: int, out: str) -> str:
        """x `[B, C]` at each of so many rows, `[B, rows, C]`."""
        row = self.graph.node("Unsqueeze", x, self.graph.indices(1), out=f"{out}_row")
        return self.graph.node("Concat", *[row] * rows, out=f"{out}_along", axis=1)

    def _vector(self, which: str, vectors: NDArray[Any]) -> str:
        """The learned vector of each series, zeros where they are not told apart."""
        own = vectors[1:] if self.encoding.told_apart else np.zeros_like(vectors[1:])
        table = self.graph.constant("vectors", own)
        return self.graph.node("Gather", table, which, out="vector", axis=0)


def _stamps(encoding: Encoding, stamps: NDArray[np.datetime64]) -> Calendar:
    return calendar([stamps], encoding.frequency)


def arrays(encoding: Encoding, series: Series) -> Arrays:
    """The inputs of a file, of series of N + K rows each."""
    count, rows = series.count, encoding.history
    whole = (count, rows + encoding.at_once)
    places = [encoding.ids.index(name) for name in series.ids]
    found: dict[str, NDArray[Any]] = {"target": series.target.reshape(whole)[:, :rows]}
    if len(encoding.ids) > 1 or encoding.embedding:
        found["series"] = np.array(places, np.int64)
    sides = ("known", series.known, whole), ("past", series.past, whole)
    for name, values, shape in (*sides, ("static", series.static, (count,))):
        own: Covariates = getattr(encoding, name)
        numbers = [k for k, one in enumerate(own.names) if one not in own.levels]
        until = rows if name == "past" else None
        if values is None:
            continue
        if numbers:
            found[name] = _part(values[:, numbers], shape, until)
        if own.levels:
            texts = [_numbers(values, own, text, series.words) for text in own.levels]
            found[f"{name}_texts"] = _part(np.stack(texts, -1), shape, until)
    stamps = series.times
    codes = _stamps(encoding, stamps).codes
    if codes:
        found["calendar"] = _part(np.stack(codes, -1).astype(np.int64), whole, None)
    if encoding.holidays is not None:
        days = encoding.holidays.features([stamps], encoding.frequency, series.source)
        found["holidays"] = _part(days.astype(np.float32), whole, None)
    return found


def _part(values: NDArray[Any], shape: tuple[int, ...], until: int | None) -> NDArray[Any]:
    """`[B, rows, C]`, of each series the first rows."""
    found = values.reshape(*shape, values.shape[-1])
    return found if until is None or found.ndim == 2 else found[:, :until]


def _numbers(values: NDArray[Any], own: Covariates, column: str, words: Any) -> Rows:
    """Of a column of texts which of the known ones it is, -1 for none of them."""
    places = {text: k for k, text in enumerate(own.levels[column])}
    of_words = np.array([*(places.get(word, -1) for word in words.get(column, ())), -1], np.int64)
    codes = values[:, own.names.index(column)]
    found: Rows = of_words[np.where(np.isnan(codes), -1, codes).astype(np.int64)]
    return found
