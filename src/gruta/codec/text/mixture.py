"""What a network finds likely and what was counted, in one.

A network generalises, and counts remember: each knows what the other does not, and a text is
likelier under a mixture of their probabilities than under either (Mikolov et al. 2011, "Empirical
evaluation and combination of advanced language modeling techniques", section 4).
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Self

import numpy as np
from numpy.typing import NDArray

from gruta.codec.text.ngram import NGram, Numbers, Units
from gruta.locale import translate as _

Probabilities = NDArray[np.float64]

_SHARES = np.linspace(0.025, 1, 40)
"""Shares that are tried."""


@dataclass(frozen=True, eq=False)
class Mixture:
    """share: how much the network's probabilities weigh; the rest is the n-gram model's."""

    ngram: NGram
    share: float

    @classmethod
    def likeliest(cls, ngram: NGram, network: Probabilities, text: Units) -> Self:
        """Under which a text `[T]` is likeliest. network: of each unit but the first `[T - 1]` its
        probability.
        """
        counted = ngram.probabilities(text)[1:]
        nats = [-np.log(s * network + (1 - s) * counted).mean() for s in _SHARES]
        return cls(ngram, float(_SHARES[int(np.argmin(nats))]))

    def nats(self, nats: Probabilities, text: Units) -> Probabilities:
        """-log of the probability of each unit of a text `[T]` but the first. nats: `[T - 1]`, by
        the network.
        """
        counted = self.ngram.probabilities(text)[1:]
        cost: Probabilities = -np.log(self.share * np.exp(-nats) + (1 - self.share) * counted)
        return cost

    def scores(self, logits: NDArray[np.float32], places: Numbers) -> Probabilities:
        """Log-probabilities `[B, V]` of the next unit from the network's logits `[B, V]`, of texts
        that stand at `places` `[B, order]`. What the network never draws (-inf) stays so.
        """
        x = logits.astype(np.float64)
        likely = np.exp(x - x.max(-1, keepdims=True))
        likely *= self.share / likely.sum(-1, keepdims=True)
        counted = np.where(np.isneginf(x), 0, self.ngram.next(places))
        with np.errstate(divide="ignore"):
            found: Probabilities = np.log(likely + (1 - self.share) * counted)
        return found

    def to_arrays(self) -> dict[str, NDArray[Any]]:
        """What `from_arrays` makes it of again."""
        return {**self.ngram.to_arrays(), "share": np.float64(self.share).reshape(1)}

    @classmethod
    def from_arrays(cls, arrays: Mapping[str, NDArray[Any]], size: int) -> Self:
        """What `to_arrays` gave; ValueError if it is anything else."""
        (share,) = arrays["share"].tolist()
        if not 0 <= share <= 1:
            raise ValueError(_("the share of a mixture must be from 0 to 1"))
        return cls(NGram.from_arrays(arrays, size), share)
