"""A generator of texts in C: characters or bytes that are drawn one by one."""

from dataclasses import replace
from typing import Any, cast

import numpy as np

from gruta.codec.text.sampling import Sampling, probabilities
from gruta.codec.text.units import Units
from gruta.errors import InputError
from gruta.exchange.c.program import CELLS, Program, constant
from gruta.exchange.c.source import Weights, double, quoted
from gruta.locale import translate as _
from gruta.runtime.model import Model

STEPS = 12
"""Of each text of the test."""

_HOW = (
    Sampling(0.8),
    Sampling(1.5, top_k=4),
    Sampling(1.1, top_p=0.7, min_p=0.01, repetition_penalty=1.4),
    Sampling(0.0),
)


def compose(made: Program, weights: Weights, model: Model[Any]) -> None:
    """InputError for music, and for words and subwords."""
    codec, s = model.codec, model.settings
    if not isinstance(codec, Units):
        raise InputError(_("music is written in frames of all keys, not unit by unit"))
    if codec.kind not in ("characters", "bytes"):
        problem = _("{units} are told apart by Unicode's tables; train with characters or bytes")
        raise InputError(units=problem.format(units=codec.kind))
    made.describe(
        f"{made.name}_init begins a text. {made.name}_read takes in what was written before, and",
        f"{made.name}_step writes a unit more, whose bytes {made.name}_bytes gives.",
    )
    made.cell(s.cell)
    parts = [(f"layer_{k}", f"layers.{k}.{{}}_l0") for k in range(s.layers)]
    made.layers("layers", parts, weights)
    embedding = made.matrix("embedding", weights, "embedding.weight")
    if "projection.weight" in weights:
        made.matrix("projection", weights, "projection.weight")
        made.flags.add("projection")
    if s.tied:
        bias = made.tables.floats("bias", weights.array("bias"))
        table = embedding.replace("NULL", bias)
        made.constants.append(constant("static const matrix output", table))
    else:
        made.matrix("output", weights, "output.weight", "bias")
    made.flags |= {"look_up", codec.kind}
    if codec.kind == "characters":
        points = np.array([0xFFFD, *map(ord, codec.units)])
        made.tables.whole("uint32_t", "characters", points)
    work = max(CELLS[s.cell][2] * s.hidden, s.embedding)
    made.values |= {
        "units": codec.size,
        "hidden": s.hidden,
        "count": s.layers,
        "embedding": s.embedding,
        "work": work,
        "before": int(codec.before[0]),
    }
    made.header, made.test = "generate.h", "generate_test.c"
    made.code.append("pcg64.c")
    _count(made, model)
    made.code.append("generate.c")


def _count(made: Program, model: Model[Any]) -> None:
    """What was counted beside the network, if anything was."""
    mixture = model.head.mixture
    if mixture is None:
        return
    arrays, ngram = mixture.to_arrays(), mixture.ngram
    kind = {1: "uint8_t", 2: "uint16_t"}.get(arrays["units"].dtype.itemsize, "uint32_t")
    rows = []
    for k, order in enumerate(ngram.orders):
        units = order.runs % (ngram.size + 1)
        names = (
            made.tables.whole("int32_t", f"first_{k}", order.first),
            made.tables.whole(kind, f"units_{k}", units),
            made.tables.floats(f"kept_{k}", order.kept),
            made.tables.floats(f"left_{k}", order.left),
        )
        rows.append(f"    {{{', '.join(names)}}},\n")
    made.constants.append(f"static const runs orders[{len(rows)}] = {{\n{''.join(rows)}}};")
    start = ngram.after(np.zeros(0, np.int64))
    made.tables.whole("int32_t", "places_at_start", start)
    made.values |= {"order": ngram.order, "share": double(mixture.share), "unit_type": kind}
    made.flags.add("ngram")
    made.types.append("ngram.c")
    made.code.append("counted.c")


def record(made: Program, model: Model[Any]) -> None:
    """What streams say and draw behind a prompt, each drawing in another way."""
    codec, head = model.codec, model.head
    prompt = codec.decode([number for number in range(1, codec.size)][:5][::-1])
    if "\0" in prompt or "\ufffd" in prompt:
        prompt = "a"
    expected, units, asked = [], [], cast(Any, model)
    for seed, how in enumerate(_HOW):
        stream = asked.stream(prompt, seed=seed + 2**20, **vars(how))
        for _step in range(STEPS):
            scores = stream.logits
            if stream.places is not None:
                scores = head.mixture.scores(scores, stream.places)
            expected.append(probabilities(scores, replace(how), stream.said)[0])
            stream.advance()
        units += stream.numbers
    v = made.vector
    for name, value in {"TEXTS": len(_HOW), "STEPS": STEPS, "WIDEST": codec.size}.items():
        v.number(name, value)
    v.line(f"\nstatic const char prompt[] = {quoted(prompt)};")
    v.whole("seed", [seed + 2**20 for seed in range(len(_HOW))])
    v.whole("top_k", [how.top_k for how in _HOW])
    for name, part in {
        "penalty": "repetition_penalty",
        "temperature": "temperature",
        "min_p": "min_p",
        "top_p": "top_p",
    }.items():
        v.doubles(name, np.array([getattr(how, part) for how in _HOW]))
    v.whole("units", units)
    v.doubles("expected", np.stack(expected))
