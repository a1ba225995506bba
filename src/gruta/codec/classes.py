"""What a classifier knows but for its weights: how a case enters, what the classes are called."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from gruta.codec.channels import Channels
from gruta.codec.text.vocabulary import Vocabulary
from gruta.errors import InputError
from gruta.locale import translate as _

Label = str | int | float | bool
LABELS = {str, int, float, bool}

_TEMPERATURES = np.geomspace(0.25, 8, 61)
_MIXES = (0.0, 0.02, 0.05, 0.1, 0.15, 0.2, 0.3, 0.5, 1.0)


@dataclass(frozen=True, eq=False)
class ClassCodec:
    """What codec.json holds.

    reader: of texts or of series. labels: the classes, K of them. counts `[K]`: how many cases of
    each were trained on. longest: of a case the first so many steps are read. temperature: what the
    network's scores are divided by, so that its certainty is right on the validation part (Guo et
    al. 2017, arXiv:1706.04599). mix: how much naive Bayes on a text's units weighs beside it.
    """

    reader: Vocabulary | Channels
    labels: tuple[Label, ...]
    counts: tuple[int, ...]
    longest: int
    temperature: float = 1.0
    mix: float = 0.0

    @property
    def kind(self) -> str:
        """text or series."""
        return "text" if isinstance(self.reader, Vocabulary) else "series"

    @property
    def channels(self) -> tuple[str, ...]:
        """Of series; none of texts."""
        return self.reader.names if isinstance(self.reader, Channels) else ()

    def steps(self, case: Any) -> int:
        """How many a case has, read or not."""
        return len(self.reader.split(case)) if isinstance(self.reader, Vocabulary) else len(case)

    def encode(self, cases: Sequence[Any]) -> list[NDArray[Any]]:
        """Each case as numbers: `[T]` of a text, `[T, C]` of a series."""
        return [self.reader.encode(case)[: self.longest] for case in cases]

    def numbers(self, labels: Sequence[Label]) -> NDArray[np.int64]:
        """Of the labels, which a file may hold as words; -1 for one that was not trained on."""
        known = {str(label): i for i, label in enumerate(self.labels)}
        return np.array([known.get(str(label), -1) for label in labels], np.int64)

    def probabilities(self, scores: NDArray[np.float32]) -> NDArray[np.float64]:
        """`[N, K]` from the network's scores `[N, K]`."""
        z = scores.astype(np.float64) / self.temperature
        z = np.exp(z - z.max(1, keepdims=True))
        found: NDArray[np.float64] = z / z.sum(1, keepdims=True)
        return found

    def tempered(
        self,
        scores: NDArray[np.float32],
        truth: NDArray[np.int64],
        bayes: NDArray[np.float32] | None = None,
    ) -> "ClassCodec":
        """With the mix by which most of these labels `[N]` are right, and the temperature by which
        they are likeliest.

        Where nearly all are right the likeliest would be certain of everything: the mean certainty
        is held to what the rule of succession makes of the share that is right.
        """
        found = []
        for mix in _MIXES if bayes is not None else (0.0,):
            mixed = scores if bayes is None or not mix else scores + np.float32(mix) * bayes
            right = int((mixed.argmax(1) == truth).sum())
            most = (right + 1) / (len(truth) + 2)
            for temperature in _TEMPERATURES:
                codec = replace(self, mix=mix, temperature=float(temperature))
                likely = codec.probabilities(mixed)
                loss = -np.log(likely[np.arange(len(truth)), truth].clip(1e-300)).mean()
                bold = likely.max(1).mean() > most and temperature < _TEMPERATURES[-1]
                found.append((-right, np.inf if bold else float(loss), codec))
        return min(found, key=lambda tried: tried[:2])[2]

    def to_json(self) -> dict[str, Any]:
        """Plain values; `from_json` gives the same numbers to the last bit."""
        return {
            "kind": self.kind,
            "reader": self.reader.to_json(),
            "labels": list(self.labels),
            "counts": list(self.counts),
            "longest": self.longest,
            "temperature": self.temperature,
            "mix": self.mix,
        }

    @classmethod
    def from_json(cls, content: Mapping[str, Any]) -> "ClassCodec":
        """What `to_json` gave; InputError if it is anything else."""
        try:
            reader = Vocabulary if content["kind"] == "text" else Channels
            codec = cls(
                reader.from_json(content["reader"]),
                tuple(content["labels"]),
                tuple(map(int, content["counts"])),
                int(content["longest"]),
                float(content["temperature"]),
                float(content["mix"]),
            )
            if len(codec.labels) < 2 or len(codec.labels) != len(codec.counts):
                raise ValueError(_("expected two classes or more, each with its count"))
            if not set(map(type, codec.labels)) <= LABELS:
                raise ValueError(_("expected words or numbers for labels"))
            if not (codec.longest > 0 and 0 < codec.temperature < np.inf and 0 <= codec.mix <= 1):
                raise ValueError(_("expected a positive length and temperature, a mix from 0 to 1"))
            return codec
        except (KeyError, TypeError, ValueError) as error:
            raise InputError(
                _("codec.json: not a classifier's ({error})").format(error=error)
            ) from error
