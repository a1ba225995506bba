"""The network for notes on NumPy arrays: whole pieces, or a frame at a time."""

from collections.abc import Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray

from gruta.cells.arrays import Storage
from gruta.codec.notes.frames import COUNT, Frames, Keys, Roll, before
from gruta.codec.text.sampling import Sampling, drawn, probabilities
from gruta.runtime.blocks import (
    Array,
    Linear,
    Shapes,
    State,
    linear_shapes,
    require_shapes,
    sigmoid,
    softplus,
)
from gruta.runtime.steps import Steps, step_shapes

_AT_ONCE = 1024
"""Frames of a long piece that are computed at once."""


class NotesHead:
    """What `NotesNetwork` computes; ValueError if the weights are of another network.

    storage: "float16" or "bfloat16" keeps the recurrent matrices in 16 bits.
    """

    def __init__(
        self,
        weights: Mapping[str, Array],
        codec: Frames,
        settings: Any,
        storage: Storage | None = None,
    ) -> None:
        require_shapes(weights, _shapes(codec, settings))
        self.size = sum(w.size for w in weights.values())
        self._codec = codec
        self._layers = Steps(weights, "layers", settings.cell, storage)
        self.start, self.step = self._layers.start, self._layers.step
        self._chord, self._output = Linear(weights, "chord"), Linear(weights, "output")
        self._direct = weights["direct.weight"].T
        self._lower, self._last = weights["lower.weight"], weights["last.weight"]
        self._again = Linear(weights, "again") if codec.again else None

    def __call__(self, x: Array) -> Array:
        """h `[T, B, H]` of x `[T, B, I]`, from the start on."""
        return self.sequence(x, self.start(x.shape[1]))[0]

    def sequence(self, x: Array, state: list[State]) -> tuple[Array, list[State]]:
        """h `[T, B, H]`, and the state behind x `[T, B, I]`."""
        return self._layers.sequence(x, state)

    def nats(self, roll: Roll) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
        """-log P of each frame of a piece `[T]`, and of which of its keys are struck again."""
        state, x = self.start(), self._codec.read(roll)
        held, found = before(roll.sounding), []
        for start in range(0, len(roll), _AT_ONCE):
            some = slice(start, start + _AT_ONCE)
            h, state = self.sequence(x[some, None], state)
            keys = self._walked(h[:, 0], roll.sounding[some])
            again = self._repeated(h[:, 0], roll.sounding[some], roll.struck[some], held[some])
            found.append((keys, again))
        keys, again = (np.concatenate(parts) for parts in zip(*found, strict=True))
        return keys, again

    def draw(
        self, h: Array, held: Keys, how: Sampling, generator: np.random.Generator
    ) -> tuple[Keys, Keys]:
        """A frame `[B, 88]` after states h `[B, H]`, drawn from the lowest key up, and its struck
        keys; held: those that sound until then.
        """
        B = len(h)
        sounding = np.zeros((B, COUNT + 1), bool)
        s, direct, last = self._chord(h), h @ self._direct, np.full(B, COUNT)
        rows, going, below = np.arange(B), np.ones(B, bool), np.full(B, -1)
        while going.any():
            logits = self._output(np.tanh(s + self._last[last])) + direct
            logits[np.arange(COUNT + 1) <= below[:, None]] = -np.inf
            last = drawn(probabilities(logits, how), generator.random(B))
            last = np.where(going, last, COUNT)
            sounding[rows, last] = True
            going = last < COUNT
            below = np.minimum(last, COUNT - 1)
            s = s + self._lower[last]
        keys = sounding[:, :COUNT]
        struck = keys & ~held
        if self._again is not None:
            each = sigmoid(self._scores(h, keys) / max(how.temperature, 1e-6))
            struck |= keys & (generator.random(each.shape) < each)
        return keys, struck

    def _walked(self, h: Array, sounding: Keys) -> NDArray[np.float64]:
        count = sounding.sum(1)
        steps = np.arange(count.max(initial=0) + 1)
        order = np.argsort(~sounding, 1, kind="stable")
        order = np.concatenate([order, np.full((len(h), 1), COUNT)], 1)[:, : len(steps)]
        chosen = np.where(steps < count[:, None], order, COUNT)
        last = np.concatenate([np.full((len(h), 1), COUNT), chosen[:, :-1]], 1)
        s = np.repeat(self._chord(h)[:, None], len(steps), 1)
        s[:, 1:] += self._lower[chosen[:, :-1]].cumsum(1)
        logits = self._output(np.tanh(s + self._last[last])) + (h @ self._direct)[:, None]
        below = np.minimum(last, COUNT - 1)
        below[:, 0] = -1
        logits[np.arange(COUNT + 1) <= below[..., None]] = -np.inf
        top = logits.max(-1)
        total = np.log(np.exp(logits - top[..., None]).sum(-1, dtype=np.float64)) + top
        each = total - np.take_along_axis(logits, chosen[..., None], -1)[..., 0]
        found: NDArray[np.float64] = (each * (steps <= count[:, None])).sum(1)
        return found

    def _repeated(self, h: Array, sounding: Keys, struck: Keys, held: Keys) -> NDArray[np.float64]:
        if self._again is None:
            return np.zeros(len(h))
        logits = self._scores(h, sounding)
        each = softplus(np.where(struck, -logits, logits))
        found: NDArray[np.float64] = (each * (sounding & held)).sum(1, dtype=np.float64)
        return found

    def _scores(self, h: Array, sounding: Keys) -> Array:
        assert self._again is not None
        return self._again(np.concatenate([h, sounding.astype(np.float32)], 1))


def _shapes(codec: Frames, settings: Any) -> Shapes:
    s = settings
    return {
        **step_shapes("layers", s.cell, codec.width, s.hidden, s.layers),
        **linear_shapes("chord", s.hidden, s.embedding),
        **linear_shapes("output", s.embedding, COUNT + 1),
        "direct.weight": (COUNT + 1, s.hidden),
        "lower.weight": (COUNT + 1, s.embedding),
        "last.weight": (COUNT + 1, s.embedding),
        **(linear_shapes("again", s.hidden + COUNT, COUNT) if codec.again else {}),
    }
