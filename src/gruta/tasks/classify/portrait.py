"""A classifier for a page that computes its layers."""

from functools import partial
from typing import Any

from gruta.codec.channels import Channels
from gruta.codec.classes import ClassCodec
from gruta.codec.text import vocabulary
from gruta.data.labelled import Cases
from gruta.tasks.portrait import LONGEST, Linear, Portrait, Sample, Vocabulary, stack
from gruta.tasks.trained import Trained

_CASES = 3


def portrait(trained: Trained[ClassCodec], cases: Cases | None) -> Portrait:
    """Its layers, and the first cases of different classes."""
    s, codec, weights = trained.settings, trained.codec, trained.weights
    reader, plain = codec.reader, s.pooling == "last" and not s.bidirectional
    table = weights.get("embedding.weight")
    units = _units(reader)
    return Portrait(
        s.cell,
        stack(weights, "layer"),
        embedding=table if units else None,
        output=Linear(weights["output.weight"], weights["output.bias"]) if plain else None,
        vocabulary=units,
        columns=partial(_columns, reader, table),
        answers=[str(label) for label in codec.labels] if plain else [],
        samples=[] if cases is None else [_sample(trained, cases, i) for i in _different(cases)],
    )


def _columns(reader: Any, table: Any) -> list[str]:
    if isinstance(reader, Channels):
        return [*reader.names, *(f"{reader.names[k]} ∅" for k in reader.gaps)]
    return [f"e{k + 1}" for k in range(table.shape[1])] if reader.unit == "grams" else []


def _units(reader: Any) -> Vocabulary | None:
    """None of a series, and where a step has several units."""
    if isinstance(reader, Channels) or reader.unit == "grams":
        return None
    return Vocabulary(
        reader.unit,
        reader.units,
        lambda text: (reader.encode(text), reader.shown(text)),
        first=vocabulary.FIRST,
        unknown=vocabulary.UNKNOWN,
        lower=reader.lower,
    )


def _different(cases: Cases) -> list[int]:
    """The first of each of some classes, or the first cases."""
    labels = list(cases.labels or range(len(cases)))
    return sorted({label: i for i, label in reversed(list(enumerate(labels)))}.values())[:_CASES]


def _sample(trained: Trained[ClassCodec], cases: Cases, i: int) -> Sample:
    label = f": {cases.labels[i]}" if cases.labels else ""
    title, case, reader = (
        partial(str, f"{cases.names[i]}{label}"),
        cases.cases[i],
        trained.codec.reader,
    )
    (encoded,) = trained.codec.encode([case])
    if isinstance(reader, vocabulary.Vocabulary):
        if reader.unit != "grams":
            return Sample(title, case)
        x, labels = trained.head.read(encoded), reader.shown(case)
    else:
        x, labels = encoded, [str(k + 1) for k in range(len(encoded))]
    return Sample(title, x=x[:LONGEST], labels=labels[:LONGEST])
