"""A sound under way: spectra come frame by frame, and samples go frame by frame.

What is made of a whole spectrum is made here as well, so that a stream has the same samples to the
last bit, whatever came at once.
"""

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from gruta.codec.audio.mel import Frames, Samples
from gruta.codec.audio.prediction import values
from gruta.codec.audio.vocoder import AROUND, SILENCE
from gruta.codec.audio.waveform import LEVELS
from gruta.locale import translate as _
from gruta.runtime.blocks import Array
from gruta.runtime.stream import require_like

if TYPE_CHECKING:
    from gruta.tasks.vocode.head import VocodeHead


class Making:
    """Frames that came, the prediction that each gives, and all that the next sample follows from.

    temperature: below 1 the likeliest levels are likelier still. A frame is made once the two
    behind it are there, or the end is told.
    """

    def __init__(self, head: "VocodeHead", seed: int, temperature: float) -> None:
        self._head, codec = head, head.codec
        flat = np.float32(1 / temperature)
        self._matrix, self._bias = head.matrix * flat, head.bias * flat
        self._weight = values().astype(np.float64)
        self._draw = np.random.default_rng(seed)
        self._state = head.start()
        self._made = np.zeros(codec.order + codec.mel.step)
        self._x = np.zeros((1, head.level.shape[1] + 2), np.float32)
        self._scores, self._sums = (np.empty(LEVELS, np.float32) for _ in range(2))
        self._level, self._count, self.ended = SILENCE, 0, False
        self._held = np.zeros((0, codec.mel.bands), np.float32)
        self._told: list[Array] = []
        self._a, self._g = np.zeros((0, codec.order), np.float32), np.zeros(0, np.float32)

    def add(self, log_mel: Frames) -> None:
        """Some more frames `[n, bands]`."""
        if len(log_mel):
            if not self.begun:
                self._hold(log_mel[:1].repeat(AROUND, 0))
            self._hold(log_mel)

    def finish(self) -> None:
        """There are no more."""
        if not self.ended and self.begun:
            self._hold(self._held[-1:].repeat(AROUND, 0))
        self.ended = True

    @property
    def begun(self) -> bool:
        """Whether a frame came yet."""
        return len(self._held) > 0

    @property
    def ready(self) -> bool:
        """Whether a frame can be made."""
        return len(self._told) > 0

    @property
    def hidden(self) -> Array:
        """h of the layer `[1, H]`."""
        return self._state[0]

    def frame(self) -> Samples:
        """The samples of the next frame: as many as lie before the middle of the one behind it,
        from its own middle or, as the first has none before it, from there on.
        """
        step, order = self._head.codec.mel.step, self._head.codec.order
        made = self._made
        made[:order] = made[step:]
        self._walk(made, self._told.pop(0), self._a[AROUND], float(self._g[AROUND]))
        self._held, self._a, self._g = self._held[1:], self._a[1:], self._g[1:]
        first = step // 2 if self._count == 0 else 0
        last = step // 2 if self.ended and not self.ready else step
        self._count += 1
        return made[order + first : order + last].astype(np.float32)

    def _hold(self, frames: Frames) -> None:
        """Keep some more, with what each says: the prediction, and what the layer is told."""
        codec, wide = self._head.codec, 2 * AROUND + 1
        new = codec.predicts(frames)
        self._held = np.concatenate((self._held, frames))
        # One by one, as a product of matrices may take another order for another number of rows;
        # and all before the next sample, since code and weights drive each other out of the cache.
        for k in range(len(self._told), len(self._held) - wide + 1):
            around = codec.scaler.encode(self._held[k : k + wide]).astype(np.float32)
            self._told.append(self._head.told(around)[0])
        self._a = np.concatenate((self._a, new.a))
        self._g = np.concatenate((self._g, new.g))

    def _walk(self, made: NDArray[np.float64], c: Array, a: Array, gain: float) -> None:
        """Fill `made [order + step]` behind its past. No function but the kernel's step and NumPy's
        is called between a sample and the next: they are tens of thousands a second.
        """
        head, order = self._head, self._head.codec.order
        matrix, bias, table, weight = self._matrix, self._bias, head.level, self._weight
        wide, state = table.shape[1], self._state
        x, scores, sums = self._x, self._scores, self._sums
        level_part, beside = x[0, :wide], x[0]
        h, one_step = state[0][0], head.step
        level, at = self._level, order
        dot, add, exp, accumulate = np.dot, np.add, np.exp, np.add.accumulate
        backward = a[::-1].astype(np.float64)
        inverse = 1 / gain
        for u in self._draw.random(len(made) - order).tolist():
            p = float(dot(made[at - order : at], backward))
            add(table[level], c, out=level_part)
            q, s = p * inverse, float(made[at - 1]) * inverse
            beside[wide] = q / (4 + abs(q) / 2)
            beside[wide + 1] = s / (4 + abs(s) / 2)
            one_step(x, *state)
            dot(matrix, h, out=scores)
            add(scores, bias, out=scores)
            exp(scores, out=scores)
            accumulate(scores, out=sums)
            level = int(sums.searchsorted(u * float(sums[-1])))
            if level >= LEVELS:
                level = LEVELS - 1
            sample = p + gain * float(weight[level])
            made[at] = sample if -1 < sample < 1 else (1.0 if sample > 0 else -1.0)
            at += 1
        self._level = level

    def state(self) -> tuple[dict[str, Any], dict[str, NDArray[Any]]]:
        """All that it is: plain values, and arrays."""
        arrays: dict[str, NDArray[Any]] = {
            "held": self._held,
            "past": self._made[self._head.codec.mel.step :],
        }
        arrays |= {f"layer.{p}": part for p, part in enumerate(self._state)}
        about = {"level": self._level, "count": self._count, "ended": self.ended}
        return about | {"draws": self._draw.bit_generator.state}, arrays

    def set_state(self, values: Mapping[str, Any], arrays: Mapping[str, NDArray[Any]]) -> None:
        """Be what `state` told; ValueError, KeyError or TypeError if it is anything else."""
        held, level, count = arrays["held"], int(values["level"]), int(values["count"])
        require_like(held[:0], self._held[:0], "held")
        if not 0 <= level < LEVELS or count < 0 or not np.isfinite(held).all():
            raise ValueError(_("expected a sound under way"))
        past = self._made[self._head.codec.mel.step :]
        past[:] = require_like(arrays["past"], past, "past")
        self._state = [
            require_like(arrays[f"layer.{p}"], part, f"layer.{p}")
            for p, part in enumerate(self._state)
        ]
        self._level, self._count, self.ended = level, count, bool(values["ended"])
        self._draw.bit_generator.state = values["draws"]
        if len(held):
            self._hold(held)
