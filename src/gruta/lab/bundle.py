"""A model as the page reads it: one JSON object, its weights in base64."""

import base64
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from gruta.lab.walk import most_steps
from gruta.lab.words import each_in_both, in_both
from gruta.tasks.portrait import LONGEST, Layer, Portrait, Recording, Sample, Vocabulary

FORMAT = 1

WIDEST, MOST = 512, 2**23
"""Hidden units, and weights, up to which the page computes by itself; above, the server does."""

Json = dict[str, Any]


@dataclass(frozen=True, eq=False)
class Bundle:
    """A portrait, and what the page calls it.

    task: whose it is; "layers" for those of torch.nn alone. group: of models that are to be seen
    side by side. metrics: the records of the training.
    """

    name: str
    task: str
    portrait: Portrait
    group: str = ""
    metrics: Sequence[Mapping[str, Any]] = ()

    @property
    def remote(self) -> bool:
        """Whether the weights stay with the server, which computes."""
        return self.portrait.hidden > WIDEST or self.portrait.size > MOST

    def to_json(self) -> Json:
        """All of it; of a model that is computed by the server, all but the weights."""
        own, keep = self.portrait, not self.remote
        words = own.vocabulary
        return {
            "format": FORMAT,
            "name": self.name,
            "task": self.task,
            "group": self.group or None,
            "remote": self.remote,
            **({"longest": most_steps(own)} if self.remote else {}),
            "cell": own.cell,
            "resetAfter": own.reset_after,
            "nonlinearity": own.nonlinearity,
            "layers": [_layer(layer, keep) for layer in own.layers],
            "embedding": _array(own.embedding, keep),
            "output": own.output
            and {
                "weight": _array(own.output.weight, keep),
                "bias": _array(own.output.bias, keep),
            },
            "units": words and _units(words),
            "columns": each_in_both(own.columns),
            "answers": list(own.answers),
            "samples": [sampled(sample, words) for sample in own.samples],
            "metrics": [dict(record) for record in self.metrics],
        }


def encoded(values: NDArray[Any], dtype: str = "<f4") -> Json:
    """An array as the page reads it."""
    data = np.ascontiguousarray(values, dtype)
    return {"shape": list(values.shape), "data": base64.b64encode(data.tobytes()).decode("ascii")}


def _array(values: NDArray[Any] | None, keep: bool) -> Json | None:
    if values is None:
        return None
    return encoded(values) if keep else {"shape": list(values.shape), "data": None}


def _layer(layer: Layer, keep: bool) -> Json:
    return {
        "name": layer.name,
        "inputSize": layer.inputs,
        "hiddenSize": layer.hidden,
        "reverse": layer.reverse,
        "wIh": _array(layer.w_ih, keep),
        "wHh": _array(layer.w_hh, keep),
        "bIh": _array(layer.b_ih, keep),
        "bHh": _array(layer.b_hh, keep),
    }


def _units(words: Vocabulary) -> Json:
    return {
        "kind": words.kind,
        "list": list(words.units),
        "first": words.first,
        "unknown": words.unknown,
        "before": words.before,
        "after": words.after,
        "lower": words.lower,
    }


def _heard(one: Recording) -> Json:
    wav = base64.b64encode(one.wav).decode("ascii")
    return {"bands": encoded(one.bands, "u1"), "wav": wav, "step": one.step}


def sampled(sample: Sample, words: Vocabulary | None) -> Json:
    """A sequence as the page reads it: numbers of units, or what layer 0 reads."""
    found: Json = {"title": in_both(sample.title)}
    if sample.x is not None:
        found |= {"x": encoded(sample.x), "labels": list(sample.labels)}
        return found | ({"recording": _heard(sample.recording)} if sample.recording else {})
    assert words is not None
    units, labels = words.read(sample.text)
    longest = slice(LONGEST + 1)
    return found | {
        "text": sample.text,
        "units": units[longest].tolist(),
        "labels": list(labels[longest]),
    }
