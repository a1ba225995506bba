"""A forecaster in ONNX: rows of series and what is known come in, quantiles go out.

Letters in shapes: B series, N rows that a forecast needs, K steps of the horizon, L lookback, F
features of a step, H units, Q quantiles.
"""

from collections.abc import Mapping
from typing import Any

import numpy as np

from gruta.codec.series.codec import ForecastCodec
from gruta.codec.series.covariates import Covariates
from gruta.codec.series.encoding import Encoding
from gruta.codec.series.frequency import show
from gruta.codec.series.power import LARGEST, restored
from gruta.codec.series.series import Series
from gruta.errors import InputError
from gruta.exchange.layer import named
from gruta.exchange.onnx.graph import Graph
from gruta.exchange.onnx.write import add_stack
from gruta.locale import spoken
from gruta.locale import translate as _
from gruta.tasks.as_onnx import Arrays, Drawing
from gruta.tasks.forecast.coming import with_rows_to_come
from gruta.tasks.forecast.fed import Fed, arrays
from gruta.tasks.forecast.forecasts import quantiles
from gruta.tasks.forecast.given import Given, as_series
from gruta.tasks.trained import Trained


def drawn(trained: Trained[ForecastCodec]) -> Drawing:
    """Inputs, as the data have them: target `[B, N]`; where training had them series `[B]`, known
    and holidays `[B, N+K, C]`, past `[B, N, C]` and static `[B, C]`, columns of texts apart and as
    numbers, and of each row's stamp what the calendar looks up `[B, N+K, ...]`. Output: quantiles
    `[B, K, Q]` in the target's unit.
    """
    codec, s = trained.codec, trained.settings
    encoding = codec.encoding
    _require_plain(codec)
    weights = trained.weights
    graph = Graph()
    fed = Fed(graph, encoding, weights.get("embedding.weight"))
    h = _encoded(graph, fed, weights, s.cell)
    changes = _changes(graph, fed, trained, h)
    _told(graph, fed, trained, changes)
    graph.output("quantiles", np.float64, "batch", fed.table.horizon, len(s.quantiles))
    cases = {B: _case(encoding, B) for B in (3, 1)}

    def wanted(given: Arrays) -> Arrays:
        series = cases[len(given["target"])]
        return {"quantiles": quantiles(trained, series, series.ends - 1, needed=True)}

    tries = [arrays(encoding, series) for series in cases.values()]
    return Drawing(graph, tries, wanted, _said(encoding, s.quantiles), _notes(codec))


def _require_plain(codec: ForecastCodec) -> None:
    """InputError for what a file of gathered rows cannot say."""
    encoding = codec.encoding
    reasons = {
        _("several networks forecast as one; train with ensemble 1 and one strategy"): bool(
            codec.members
        ),
        _("its series sum up, and are forecast together; --to gruta keeps all of it"): (
            codec.hierarchy is not None
        ),
        _(
            "it is told of gaps, which lie elsewhere in every series; --to gruta keeps all of it"
        ): encoding.gaps,
        _("it learns differences; train with transform none, log or boxcox"): encoding.apart > 0,
        _("it reads its own forecasts back; train with the strategy direct"): (
            encoding.at_once < encoding.horizon
        ),
        _("it treats outliers before it reads; train with outliers flag"): (
            encoding.outliers is not None and encoding.outliers.policy != "flag"
        ),
    }
    for reason, held in reasons.items():
        if held:
            problem = _("--to onnx: a run of {task} does not go into one: {reason}")
            raise InputError(problem.format(task="forecast", reason=reason))


def _encoded(graph: Graph, fed: Fed, weights: Mapping[str, Any], cell: Any) -> str:
    """`[1, B, H]`: the encoder's state at the origin."""
    x = _standardised(graph, weights, fed.window(), "past")
    if fed.vector:
        beside = fed.along(fed.vector, fed.table.lookback, "window_vector")
        x = graph.node("Concat", x, beside, out="window_told_apart", axis=2)
    x = graph.node("Transpose", x, out="window_by_time", perm=[1, 0, 2])
    _h, finals = add_stack(graph, named(weights, "encoder", cell), x, name="encoder")
    return finals[0][-1]


def _changes(graph: Graph, fed: Fed, trained: Trained[ForecastCodec], h: str) -> str:
    """`[B, K, Q]`: quantiles of the change from the value at the origin, scaled."""
    weights, s, K = trained.weights, trained.settings, fed.table.horizon
    origin, steps = np.full((1, K), fed.rows - 1), np.arange(1, K + 1)[None]
    future = fed.features(origin, steps, "coming")
    future = graph.node("Squeeze", future, graph.indices(1), out="future")
    base = _line(graph, fed, weights, future)
    unit = np.asarray(weights["linear.error"])[:, None]
    parts = [_standardised(graph, weights, future, "future")]
    mean = graph.constant("mean_error", unit.mean(), np.float32)
    parts.append(graph.node("Div", base, mean, out="line_in_units"))
    if fed.vector:
        parts.append(fed.along(fed.vector, K, "future_vector"))
    future = graph.node("Concat", *parts, out="future_read", axis=2)
    states = [h]
    if s.cell == "lstm":
        nothing = graph.constant("zero", 0, np.float32)
        states.append(graph.node("Mul", h, nothing, out="no_cell_state"))
    x = graph.node("Transpose", future, out="future_by_time", perm=[1, 0, 2])
    decoded, _finals = add_stack(
        graph, named(weights, "decoder", s.cell), x, states, name="decoder"
    )
    decoded = graph.node("Transpose", decoded, out="decoded", perm=[1, 0, 2])
    h = graph.node("Squeeze", h, graph.indices(0), out="h_at_origin")
    repeated = fed.along(h, K, "h")
    joined = graph.node("Concat", decoded, repeated, future, out="joined", axis=2)
    mixed = graph.linear(joined, weights["mix.weight"], weights["mix.bias"], "mix")
    mixed = graph.silu(mixed, "mixed")
    raw = graph.linear(mixed, weights["head.weight"], weights["head.bias"], "raw")
    return _quantiles(graph, trained, base, unit, raw)


def _line(graph: Graph, fed: Fed, weights: Mapping[str, Any], future: str) -> str:
    """`[B, K, 1]`: what the linear path says, as `LinearModel`."""
    table, last = fed.table, fed.rows - 1
    window = np.arange(fed.rows - table.lookback, fed.rows)[None]
    values = fed.taken(fed.y, window, "lags")
    now = fed.taken(fed.y, np.full((1, 1), last), "lag_now")
    lags = graph.node("Sub", values, now, out="lags_less_now")
    lags = graph.node("Squeeze", lags, graph.indices(1), out="lags_read")
    matrix = graph.constant("on_lags", np.asarray(weights["linear.on_lags"]).T)
    total = graph.node("MatMul", lags, matrix, out="by_lags")
    if table.recent_width:
        some = np.arange(fed.rows - table.past_lags, fed.rows)[None]
        recent = fed.taken(fed.past, some, "recent")  # [B, 1, lags, C]
        recent = graph.node("Transpose", recent, out="recent_by_column", perm=[0, 1, 3, 2])
        flat = graph.constant("flat", [0, -1], np.int64)
        recent = graph.node("Reshape", recent, flat, out="recent_read")
        matrix = graph.constant("on_recent", np.asarray(weights["linear.on_recent"]).T)
        by_recent = graph.node("MatMul", recent, matrix, out="by_recent")
        total = graph.node("Add", total, by_recent, out="by_past")
    own = graph.constant("on_future", weights["linear.on_future"])
    by_future = graph.node("Mul", future, own, out="each_by_future")
    by_future = graph.node("ReduceSum", by_future, graph.indices(2), out="by_future", keepdims=0)
    total = graph.node("Add", total, by_future, out="by_all")
    total = graph.node(
        "Add", total, graph.constant("line_bias", weights["linear.bias"]), out="line"
    )
    return graph.node("Unsqueeze", total, graph.indices(2), out="line_column")


def _standardised(graph: Graph, weights: Mapping[str, Any], x: str, name: str) -> str:
    mean, inverse = (
        graph.constant(f"{name}_{part}", weights[f"scale_{name}.{part}"])
        for part in ("mean", "inverse")
    )
    off = graph.node("Sub", x, mean, out=f"{name}_standard_off")
    return graph.node("Mul", off, inverse, out=f"{name}_standardised")


def _quantiles(
    graph: Graph, trained: Trained[ForecastCodec], base: str, unit: Any, raw: str
) -> str:
    """The median corrects the line; the others lie beyond their inner neighbours."""
    levels, trust = trained.settings.quantiles, trained.codec.trust
    i, Q = levels.index(0.5), len(levels)
    # By how much each quantile's own distance, and those between, are counted.
    sums = np.zeros((Q, Q), np.float32)
    for q in range(i):
        sums[q:i, q] = -1
    for q in range(i + 1, Q):
        sums[i + 1 : q + 1, q] = 1
    chosen = np.zeros((Q, 1), np.float32)
    chosen[i] = np.float32(trust)
    units = graph.constant("units", unit, np.float32)
    move = graph.node("MatMul", raw, graph.constant("median", chosen), out="correction")
    move = graph.node("Mul", units, move, out="correction_in_units")
    middle = graph.node("Add", base, move, out="middle")
    apart = graph.node("Softplus", raw, out="distances")
    apart = graph.node("MatMul", apart, graph.constant("sums", sums), out="distances_summed")
    apart = graph.node("Mul", units, apart, out="distances_in_units")
    apart = graph.node("Mul", apart, _stretch(graph, trained), out="distances_stretched")
    return graph.node("Add", middle, apart, out="changes")


def _stretch(graph: Graph, trained: Trained[ForecastCodec]) -> str:
    """`[Q]`: by what distances from the median are multiplied, of whom no forecast is known."""
    codec = trained.codec
    known = codec.usual is not None and len(trained.settings.quantiles) > 1
    level = np.float32(codec.usual if known else 1.0)
    return graph.constant("stretch", level * codec.spread, np.float32)


def _told(graph: Graph, fed: Fed, trained: Trained[ForecastCodec], changes: str) -> None:
    """Quantiles in the target's unit, in order."""
    Q, power = len(trained.settings.quantiles), fed.encoding.power
    now = fed.taken(fed.y, np.full((1, 1), fed.rows - 1), "origin")
    if Q > 1:
        count = graph.constant("count", [Q], np.int64)
        out = ["in_order", "places"]
        changes = graph.node("TopK", changes, count, out=out, axis=2, largest=0, sorted=1)
    scaled = graph.node("Add", now, changes, out="scaled_quantiles")
    wide = graph.cast(scaled, np.float64, "wide_quantiles")
    wide = graph.node("Mul", wide, fed.scale, out="times_scale")
    last = "quantiles" if power is None else "transformed_quantiles"
    wide = graph.node("Add", wide, fed.mean, out=last)
    if power is None:
        return
    most = graph.constant("most", np.log(LARGEST), np.float64)
    if power:
        exponent = graph.constant("power", power, np.float64)
        wide = graph.node("Mul", wide, exponent, out="by_power")
        least = graph.constant("least", -1.0, np.float64)
        wide = graph.node("Max", wide, least, out="at_least")
        wide = graph.node("Add", wide, graph.constant("one_wide", 1, np.float64), out="and_one")
        wide = graph.node("Log", wide, out="their_logarithm")
        wide = graph.node("Div", wide, exponent, out="over_power")
    wide = graph.node("Min", wide, most, out="at_most")
    graph.node("Exp", wide, out="quantiles")


def _said(encoding: Encoding, levels: Any) -> dict[str, Any]:
    """The metadata, whatever the language in use: which columns the inputs have, and what their
    numbers stand for.
    """
    found: dict[str, Any] = {
        "target": encoding.columns.target,
        "step": encoding.frequency.key,
        "rows": encoding.history,
        "levels": list(levels),
        "calendar": _codes(encoding),
    }
    for name in ("known", "past", "static"):
        own = getattr(encoding, name)
        found[name] = [one for one in own.names if one not in own.levels]
        found[f"{name}_texts"] = {column: list(texts) for column, texts in own.levels.items()}
    if encoding.holidays is not None:
        with spoken("en"):
            found["holidays"] = encoding.holidays.names(encoding.frequency)
    if len(encoding.ids) > 1:
        found["series"] = list(encoding.ids)
    return {key: value for key, value in found.items() if value}


def _codes(encoding: Encoding) -> list[dict[str, Any]]:
    """What stands in each column of the input `calendar`: from 0, which is where it says."""
    frequency, found = encoding.frequency, list[dict[str, Any]]()
    season = next(iter(frequency.seasons()), 1)
    if season > 1:
        stamps = frequency.shift(np.asarray(_begin(encoding)), np.arange(2 * season))
        zero = show(stamps[frequency.phase(stamps) == 0][0], frequency)
        found.append({"name": "phase", "codes": season, "zero": zero})
    if frequency.within_day:
        found.append({"name": "weekday", "codes": 7, "zero": "Monday"})
    return found


def _notes(codec: ForecastCodec) -> list[str]:
    notes = []
    if codec.usual is not None:
        notes.append(
            _(
                "The file sees the last rows alone, and how far off forecasts before were has no "
                "part in its intervals: --to gruta keeps that."
            )
        )
    return notes


def _case(encoding: Encoding, count: int) -> Series:
    """Series by chance of as many rows as a forecast needs, and all that is known."""
    rng, N, K = np.random.default_rng(count), encoding.history, encoding.at_once
    given = []
    for k in range(count):
        which = k % len(encoding.ids)
        level = rng.normal(encoding.target.mean[which], encoding.target.scale[which], N)
        if encoding.power is not None:
            level = np.maximum(restored(level, encoding.power), np.finfo(np.float32).tiny)
        columns = (
            _drawn(encoding.known, rng, N + K),
            _drawn(encoding.past, rng, N),
            {name: own[0] for name, own in _drawn(encoding.static, rng, 1).items()},
        )
        given.append(Given(encoding.ids[which], level, _begin(encoding), *columns))
    return with_rows_to_come(as_series(encoding, given), encoding, "error")


def _begin(encoding: Encoding) -> np.datetime64:
    """A Monday by the clock; where there are holidays the first that they are known of: from there
    they are known for longer than training was, however long a step is.
    """
    days = encoding.holidays
    first = np.datetime64("2024-01-01") if days is None else days.first
    monday = np.busday_offset(first, 0, roll="forward", weekmask="Mon")
    begin: np.datetime64 = encoding.frequency.moment(np.array([monday], "M8[us]"))[0]
    return begin


def _drawn(own: Covariates, rng: np.random.Generator, rows: int) -> dict[str, Any]:
    """Columns by chance, of numbers and of texts that training saw."""
    numbers = own.scaler.decode(rng.normal(size=(rows, len(own.scaler.mean))))
    names = [name for name in own.names if name not in own.levels]
    texts = {
        name: [levels[place] for place in rng.integers(0, len(levels), rows)]
        for name, levels in own.levels.items()
    }
    return dict(zip(names, numbers.T, strict=True)) | texts
