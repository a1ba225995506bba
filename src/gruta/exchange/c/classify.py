"""A classifier of series in C: a step a row, and how likely each class is by then."""

from typing import Any

import numpy as np

from gruta.codec.channels import Channels
from gruta.errors import InputError
from gruta.exchange.c.program import CELLS, Program
from gruta.exchange.c.source import Weights, double, remark
from gruta.locale import translate as _
from gruta.runtime.model import Model

STEPS = 24
"""Of the test, at most."""

_OF_GAPS = " Where a value lacks\n// stands 0, and behind them all a mark of that."


def compose(made: Program, weights: Weights, model: Model[Any]) -> None:
    """InputError for texts, and for a network that reads backwards too."""
    codec, s = model.codec, model.settings
    if not isinstance(codec.reader, Channels):
        raise InputError(_("texts are classified as a whole, not as they come"))
    if s.bidirectional:
        raise InputError(_("it reads backwards too, so it waits for the end of a case"))
    reader, name = codec.reader, made.name
    made.describe(
        f"{name}_init begins a case. {name}_step reads a step of it, {name}_result says how",
        "likely each class is by what was read. The channels:",
        *(f"  [{i}] {remark(one)}" for i, one in enumerate(reader.names)),
    )
    made.cell(s.cell)
    made.layers("layers", [(f"layer_{k}", f"layer.{{}}_l{k}") for k in range(s.layers)], weights)
    made.matrix("output", weights, "output.weight", "output.bias")
    if s.pooling == "attention":
        made.matrix("attention", weights, "attention.weight", "attention.bias")
    made.tables.doubles("mean", reader.scaler.mean)
    made.tables.doubles("scale", reader.scaler.scale)
    if reader.gaps:
        made.tables.whole("uint8_t", "may_lack", reader.may_lack.astype(int))
        made.flags.add("gaps")
    made.tables.texts(f"{name}_labels", list(map(str, codec.labels)))
    work = max(CELLS[s.cell][2], 2)
    made.values |= {
        "channels": len(reader.names),
        "classes": len(codec.labels),
        "hidden": s.hidden,
        "longest": codec.longest,
        "count": s.layers,
        "width": reader.width,
        "work": f"{work} * {name.upper()}_HIDDEN",
        "temperature": double(codec.temperature),
        "or_nan": "; NAN where it lacks" if reader.gaps else "",
        "and_gaps": _OF_GAPS if reader.gaps else "",
    }
    made.flags.add(s.pooling)
    made.header, made.test = "classify.h", "classify_test.c"
    made.code.append("classify.c")


def record(made: Program, model: Model[Any]) -> None:
    """What the stream says of random steps, with gaps where training had some."""
    reader, rng = model.codec.reader, np.random.default_rng(0)
    steps = min(STEPS, model.codec.longest)
    rows = reader.scaler.decode(rng.normal(size=(steps, len(reader.names)))).astype(np.float32)
    for channel in reader.gaps:
        rows[rng.random(steps) < 0.2, channel] = np.nan
    stream, expected = model.stream(), []
    for one in rows:
        stream.accept(one)  # type: ignore[attr-defined]
        stream.advance()
        expected.append(stream.result())
    made.vector.number("STEPS", steps)
    made.vector.number("WIDEST", len(model.codec.labels))
    made.vector.floats("inputs", rows)
    made.vector.doubles("expected", np.stack(expected))
