"""A forecaster in C: a row more, and what comes after it."""

import math
from collections.abc import Sequence
from typing import Any

import numpy as np

from gruta.codec.series.codec import ForecastCodec
from gruta.codec.series.covariates import Covariates
from gruta.codec.series.encoding import Encoding
from gruta.codec.series.features import MOST_PAST_LAGS, Table, first_origin
from gruta.codec.series.intervals import apart, half_life, rows_before
from gruta.codec.series.power import LARGEST as LARGEST_RESTORED
from gruta.codec.series.power import restored
from gruta.codec.series.scales import LARGEST
from gruta.errors import InputError
from gruta.exchange.c.clock import Clock, clock_of
from gruta.exchange.c.program import CELLS, Program
from gruta.exchange.c.source import Array, Weights, double, remark, single
from gruta.locale import translate as _
from gruta.runtime.model import Model


def compose(made: Program, weights: Weights, model: Model[Any]) -> None:
    """InputError names what of this forecaster there is no C for."""
    codec, s = model.codec, model.settings
    _require_plain(codec)
    encoding, table = codec.encoding, codec.encoding.empty_table()
    clock = clock_of(encoding.frequency)
    made.cell(s.cell)
    parts = [("encoder", "encoder.{}_l0"), ("decoder", "decoder.{}_l0")]
    made.layers("layers", parts, weights)
    made.matrix("mix", weights, "mix.weight", "mix.bias")
    made.matrix("head", weights, "head.weight", "head.bias")
    made.needs("sigmoid.c")
    _sizes(made, s, encoding, table)
    _scales(made, weights, codec, table)
    _covariates(made, encoding)
    _interval(made, codec, s.quantiles, clock)
    _clock(made, clock, encoding)
    _names(made, encoding, clock)
    made.header, made.test = "forecast.h", "forecast_test.c"
    made.code += ["calendar.c"] if made.flags & {"clock", "calendar"} else []
    made.code.append("forecast.c")


def _require_plain(codec: ForecastCodec) -> None:
    """InputError for what there is no C for."""
    encoding = codec.encoding
    if codec.members:
        problem = _("several networks forecast as one; train with ensemble 1 and one strategy")
        raise InputError(problem)
    if codec.hierarchy is not None:
        raise InputError(_("its series sum up, and are forecast together"))
    if encoding.holidays is not None:
        problem = _("it reads holidays, and C has no tables of them; give them as known columns")
        raise InputError(problem)
    if encoding.outliers is not None and encoding.outliers.policy != "flag":
        problem = _("it treats outliers ({policy}) before it reads; train with outliers flag")
        raise InputError(problem.format(policy=encoding.outliers.policy))


def _sizes(made: Program, s: Any, encoding: Encoding, table: Table) -> None:
    K, Q, H = encoding.horizon, len(s.quantiles), s.hidden
    widths = {"known": table.known.shape[1], "past": table.past.shape[1]}
    origin = first_origin(encoding.seasons, encoding.lookback, encoding.at_once, encoding.apart)
    read, coming = table.past_width + encoding.embedding, table.future_width + encoding.embedding
    made.values |= {
        "horizon": K,
        "quantiles": Q,
        "series": len(encoding.ids),
        "needed": encoding.history,
        "kept": max(origin + 3, K + 1),
        "lookback": encoding.lookback,
        "block": "HORIZON" if encoding.at_once == K else encoding.at_once,
        "median": s.quantiles.index(0.5),
        "hidden": H,
        "future": table.future_width,
        "past_row": table.past_width,
        "known_width": widths["known"],
        "past_width": widths["past"],
        "past_lags": min(encoding.lookback, MOST_PAST_LAGS),
        "widest_row": max(read, Q),
        "joined": 2 * H + coming + 1,
        "work": CELLS[s.cell][2] * H,
        "embedding": encoding.embedding,
        "largest": double(LARGEST),
        "and_whether": ", and whether it lacks" if encoding.gaps else "",
        "or_nan": ", NAN where its value lacks" if encoding.gaps else "",
    }
    if encoding.seasons:
        made.values["season_count"] = len(encoding.seasons)
        made.values["seasons"] = ", ".join(map(str, encoding.seasons))
    made.flags |= {
        flag
        for flag, wanted in {
            "seasons": encoding.seasons,
            "gaps": encoding.gaps,
            "recursive": encoding.at_once < K,
            "embedding": encoding.embedding,
            "told_apart": encoding.told_apart,
            "several": len(encoding.ids) > 1,
        }.items()
        if wanted
    }
    if encoding.apart:
        made.flags.add("apart")
    made.values["apart"] = encoding.apart


def _scales(made: Program, weights: Weights, codec: ForecastCodec, table: Table) -> None:
    """All that was computed, not learned: scales, the linear models."""
    encoding, tables = codec.encoding, made.tables
    for name in ("past", "future"):
        for part in ("mean", "inverse"):
            tables.floats(f"{name}_{part}", weights.array(f"scale_{name}.{part}"))
    for name in ("on_lags", "on_future", "bias", "error"):
        tables.floats(name, weights.array(f"linear.{name}"))
    if "linear.on_recent" in weights and table.recent_width:
        tables.floats("on_recent", weights.array("linear.on_recent"))
    elif table.recent_width:  # version 0.1.0's linear path did not read past covariates
        tables.floats("on_recent", np.zeros((table.horizon, table.recent_width)))
    if encoding.embedding and encoding.told_apart:
        made.matrix("embedding", weights, "embedding.weight")
        made.flags.add("look_up")
    tables.doubles("mean", encoding.target.mean)
    tables.doubles("scale", encoding.target.scale)
    learned = "target"
    if encoding.power is not None:
        made.flags.add("boxcox" if encoding.power else "logarithm")
        power = double(encoding.power)
        learned = f"expm1({power} * log(target)) / {power}" if encoding.power else "log(target)"
        made.values |= {"power": power, "most_log": double(math.log(LARGEST_RESTORED))}
    if codec.never_negative:
        made.flags.add("never_negative")
    made.values |= {
        "learned": learned,
        "trust": single(codec.trust),
        "mean_error": single(weights.array("linear.error").mean()),
    }


def _covariates(made: Program, encoding: Encoding) -> None:
    """The columns beside the target, and how each is read."""
    sides = {"known": encoding.known, "past": encoding.past, "static": encoding.static}
    arguments, upper = {"past": "", "static": ""}, made.name.upper()
    for name, own in sides.items():
        if not own.names:
            continue
        rows = "".join(f"    {{{', '.join(one)}}},\n" for one in _columns(own))
        made.constants.append(
            f"static const covariate {name}_columns[{len(own.names)}] = {{\n{rows}}};"
        )
        made.flags |= {name, "covariates"}
        made.values[name] = len(own.names)
        called = "fixed" if name == "static" else name
        arguments[name] = f", const double {called}[{upper}_{name.upper()}]"
    made.values |= {
        "static_width": len(encoding.static.labels),
        "static_argument": arguments["static"],
        "past_argument": arguments["past"],
        "static_given": ", fixed" if arguments["static"] else "",
        "past_given": f", past + t * {upper}_PAST" if arguments["past"] else "",
    }
    if "covariates" in made.flags:
        made.types.append("covariate.c")
        made.code.append("encode.c")


def _columns(own: Covariates) -> Sequence[tuple[str, ...]]:
    """Of each its place, how many texts it may be, mean and scale: numbers first, then texts."""
    numbers = [name for name in own.names if name not in own.levels]
    places = {name: i for i, name in enumerate(numbers)}
    place = len(numbers)
    for name, levels in own.levels.items():
        places[name], place = place, place + len(levels)
    found = []
    for name in own.names:
        if name in own.levels:
            found.append((str(places[name]), str(len(own.levels[name])), "0.0", "1.0"))
        else:
            i = places[name]
            scale = double(own.scaler.mean[i]), double(own.scaler.scale[i])
            found.append((str(i), "0", *scale))
    return found


def _interval(
    made: Program, codec: ForecastCodec, quantiles: Sequence[float], clock: Clock
) -> None:
    """How wide intervals are: by what, and by how far off earlier forecasts were."""
    encoding, tables = codec.encoding, made.tables
    tables.floats("spread", codec.spread)
    numbers = ", ".join(map(double, quantiles))
    upper = made.name.upper()
    made.constants.append(f"const double {made.name}_levels[{upper}_QUANTILES] = {{{numbers}}};")
    if "recursive" in made.flags:
        tables.floats("growth", _growth(codec))
    made.values["level"] = "1.0f"
    if codec.usual is None or len(quantiles) == 1:
        return
    K = encoding.horizon
    made.flags |= {"usual", "clock"}
    if codec.hindsight != 1:
        made.flags.add("until")
    if codec.learned is not None and codec.optimism != 1:
        made.flags.add("learned")
        made.values["learned_until"] = clock.at(codec.learned)
    made.values |= {
        "level": "level(s)",
        "usual": double(codec.usual),
        "half_life": half_life(K),
        "apart_rows": apart(K),
        "farthest": int(rows_before(K).max()),
        "until": clock.at(codec.until),
        "hindsight": single(codec.hindsight),
        "optimism": single(codec.optimism),
        "newest_value": "s->value[KEPT - 1]" if encoding.apart else "(double)s->y[KEPT - 1]",
    }


def _growth(codec: ForecastCodec) -> Array:
    """By how much distances from the median grow at each step, as `intervals.grown` has it."""
    factors, at = codec.growth or (1.0,), np.arange(codec.encoding.horizon)
    at = at // codec.encoding.at_once + 1
    beyond = np.sqrt(np.maximum(at, len(factors)) / len(factors)) if codec.growth else 1.0
    return np.asarray(np.array(factors)[np.minimum(at, len(factors)) - 1] * beyond)


def _clock(made: Program, clock: Clock, encoding: Encoding) -> None:
    made.values |= {
        **clock.values,
        "and_edge": ", and of that a horizon behind it" if clock.calendar else "",
        "edge": ", edge" if clock.calendar else "",
        "moment": clock.told,
    }
    made.flags |= clock.flags
    if clock.calendar:
        made.flags |= {"calendar", "clock"}


def _names(made: Program, encoding: Encoding, clock: Clock) -> None:
    """What the columns and the series are called."""
    name, lines = made.name, []
    sides = {"known": encoding.known, "past": encoding.past, "fixed": encoding.static}
    for side, own in sides.items():
        for i, column in enumerate(own.names):
            levels = own.levels.get(column, ())
            told = ", ".join(f"{k} {remark(level)}" for k, level in enumerate(levels))
            lines.append(f"  {side}[{i}]: {remark(column)}{f' ({told})' if told else ''}")
    if len(encoding.ids) > 1:
        made.tables.texts(f"{name}_series", encoding.ids)
    made.describe(
        f"{name}_init begins a series of {remark(encoding.columns.target)}, a step {clock.name}.",
        f"{name}_step takes in a row of it, {name}_result says what comes.",
        *lines,
    )


def record(made: Program, model: Model[Any]) -> None:
    """What the stream forecasts after some rows of a made-up series like those of the training."""
    codec, encoding = model.codec, model.codec.encoding
    rng = np.random.default_rng(0)
    K, series = encoding.horizon, len(encoding.ids) - 1
    rows = encoding.history + min(int(rows_before(K).max()) + K, _MOST_ROWS)
    start = encoding.frequency.shift(np.array([codec.until]).astype("M8[us]"), -rows // 2)[0]
    known = _made_up(encoding.known, rows + K, rng)
    past, fixed = _made_up(encoding.past, rows, rng), _made_up(encoding.static, 1, rng)
    y = _target(codec, series, rows, rng)
    stream: Any = model.stream(
        start=int(start.astype(np.int64)) if encoding.frequency.numbered else start,
        series=encoding.ids[series] if encoding.columns.series else None,
        static={name: own[0] for name, own in _named(encoding.static, fixed).items()},
    )
    checked = sorted({*np.linspace(encoding.history - 1, rows - 1, _CHECKS).astype(int).tolist()})
    checked = [row for row in checked if not np.isnan(y[row])]
    expected, told, ahead = [], 0, 0
    for row in checked:
        stream.accept(
            y[told : row + 1],
            known=_named(encoding.known, known[ahead : row + 1 + K]),
            past=_named(encoding.past, past[told : row + 1]),
        )
        stream.advance()
        expected.append(stream.result().quantiles)
        told, ahead = row + 1, row + 1 + K
    clock, v = clock_of(encoding.frequency), made.vector
    sizes = {"ROWS": rows, "SERIES": series, "CHECKS": len(checked)}
    for name, value in sizes.items():
        v.number(name, value)
    v.number("WIDEST", expected[0].size)
    v.line(f"#define START {clock.at(start)}")
    v.whole("checked", checked)
    v.doubles("target", y)
    for name, own in {"known": known, "past": past, "fixed": fixed}.items():
        if own.shape[1]:
            v.doubles(name, own)
    v.doubles("expected", np.stack(expected))


_MOST_ROWS, _CHECKS = 300, 4


def _made_up(own: Covariates, rows: int, rng: np.random.Generator) -> Array:
    """`[rows, C]`: numbers as training had them, and of texts the number of one, or -1."""
    found = np.zeros((rows, len(own.names)))
    places = iter(range(len(own.scaler.mean)))
    for i, name in enumerate(own.names):
        if name in own.levels:
            found[:, i] = rng.integers(-1, len(own.levels[name]), rows)
        else:
            k = next(places)
            found[:, i] = own.scaler.mean[k] + own.scaler.scale[k] * rng.normal(size=rows)
    return found


def _named(own: Covariates, values: Array) -> dict[str, Any]:
    """By column what the model is asked with: numbers, or texts."""
    found: dict[str, Any] = {}
    for i, name in enumerate(own.names):
        levels, column = own.levels.get(name), values[:, i]
        if levels is None:
            found[name] = column
        else:
            words = (*levels, "any other than those")
            found[name] = [words[int(place)] for place in column]
    return found


def _target(codec: ForecastCodec, series: int, rows: int, rng: np.random.Generator) -> Array:
    """`[rows]`, with gaps where training had some."""
    encoding = codec.encoding
    mean, scale = encoding.target.mean[series], encoding.target.scale[series]
    z = mean + scale * np.convolve(rng.normal(size=rows + 2), [0.5, 0.7, 0.5], "valid")
    if encoding.apart:
        for row in range(encoding.apart, rows):
            z[row] += z[row - encoding.apart] - mean
    y = z if encoding.power is None else restored(z, encoding.power)
    if encoding.power is not None:
        y = np.maximum(y, 1e-3)
    if codec.never_negative:
        y = np.abs(y)
    if encoding.gaps:
        y[1:-1][rng.random(rows - 2) < 0.03] = np.nan
    return np.asarray(y, np.float64)
