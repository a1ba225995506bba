"""A generator of music from a model file: pieces that go on, whole or frame by frame."""

from collections.abc import Mapping, Sequence
from dataclasses import asdict
from itertools import islice
from typing import Any

import numpy as np
from numpy.typing import NDArray

from gruta.codec.notes.frames import COUNT, LONGEST, LOWEST, Frames, Roll, before
from gruta.codec.notes.piece import Piece
from gruta.codec.text.sampling import Sampling
from gruta.errors import InputError
from gruta.locale import translate as _
from gruta.runtime import checks
from gruta.runtime.model import Model
from gruta.runtime.stream import Arrays, Stream, require_like
from gruta.tasks.generate.model import MOST_TEXTS, sampling
from gruta.tasks.generate.notes.generation import generated, in_one


class NotesModel(Model[Frames]):
    """Writes music, a frame of 88 keys after the other."""

    def __call__(
        self,
        opening: Any = None,
        *,
        length: int = 64,
        count: int = 1,
        seed: int = 0,
        **how: Any,
    ) -> list[Roll]:
        """So many pieces of frames, those of the opening first.

        opening: see `roll`. how: `temperature`, `top_k`, `top_p`, `min_p`. The same seed, the same
        music, as `gruta.MusicGenerator` writes it.
        """
        length = checks.whole("length", length, 1, LONGEST)
        drawn = drawing(**how)
        given = None if opening is None else self.roll(opening)
        made = generated(
            self.head,
            self.codec,
            given,
            drawn,
            count=checks.whole("count", count, 1, MOST_TEXTS),
            seed=checks.whole("seed", seed, 0),
        )
        return in_one(list(islice(made, length)), given, self.codec)

    def roll(self, opening: Any) -> Roll:
        """Frames of a piece that begins with a whole bar: of each a list of the MIDI keys that
        sound, or an array `[T, 88]` that says of each key whether it does; or a `Roll`, as it is.
        """
        if isinstance(opening, Roll):
            return opening
        sounding = _sounding(opening)
        places = np.arange(len(sounding)) % self.codec.places
        return Roll(sounding, sounding & ~before(sounding), places)

    def piece(self, roll: Roll, name: str = "") -> Piece:
        """The notes of frames: when each begins and ends, in ticks."""
        return self.codec.piece(roll, name)

    def stream(self, opening: Any = None, *, seed: int = 0, **how: Any) -> "NotesStream":
        """A piece that grows by a frame at each `advance`; arguments as the call has them."""
        given = None if opening is None else self.roll(opening)
        return NotesStream(self, given, drawing(**how), seed)

    def _advance(self, ready: "list[NotesStream]") -> None:
        """One step of the layers for all of them."""
        parts = [range(len(own)) for own in ready[0].layers]
        state = [
            tuple(np.concatenate([one.layers[k][p] for one in ready]) for p in own)
            for k, own in enumerate(parts)
        ]
        on = np.concatenate([one.on for one in ready])
        struck = np.concatenate([one.struck for one in ready])
        places = np.array([one.place() for one in ready])
        first = np.array([one.count == 0 for one in ready])
        h = self.head.step(self.codec.inputs(on, struck, places, first), state)
        for b, one in enumerate(ready):
            row = slice(b, b + 1)
            one.layers = [tuple(part[row].copy() for part in own) for own in state]
            one.on, one.struck = self.head.draw(h[row], one.on, one.how, one.draws)
            one.frames.append((one.on, one.struck))


class NotesStream(Stream[NotesModel]):
    """A piece that grows.

    frames: those that were made, which keys sound and which are struck, `[1, 88]` each. on, struck:
    of the frame before the next. layers: the network's state.
    """

    def __init__(self, model: NotesModel, opening: Roll | None, how: Sampling, seed: int) -> None:
        super().__init__(model)
        self.opening, self.how, self.seed = opening, how, checks.whole("seed", seed, 0)
        self.reset()

    @property
    def count(self) -> int:
        """How many frames there are."""
        return len(self.frames) + (0 if self.opening is None else len(self.opening))

    def ready(self) -> bool:
        """Always: there is a frame more to make."""
        return True

    def result(self) -> Roll:
        """All frames, those of the opening included."""
        codec = self.model.codec
        if not self.frames:
            none = np.zeros((0, COUNT), bool)
            return self.opening or Roll(none, none, np.zeros(0, np.int64))
        return in_one(self.frames, self.opening, codec)[0]

    def reset(self) -> None:
        """Begin anew behind the same opening, with the same draws."""
        head, codec = self.model.head, self.model.codec
        self.draws = np.random.default_rng(self.seed)
        self.frames: list[tuple[NDArray[np.bool_], NDArray[np.bool_]]] = []
        self.layers = head.start()
        self.on, self.struck = np.zeros((2, 1, COUNT), bool)
        if self.opening is not None and len(self.opening):
            _, self.layers = head.sequence(codec.read(self.opening)[:, None], self.layers)
            self.on, self.struck = self.opening.sounding[-1:], self.opening.struck[-1:]

    def place(self) -> int:
        """Of the frame to come, in its bar."""
        bar, place = self.model.codec.places, -1
        if self.opening is not None and len(self.opening):
            bar, place = self.opening.bar or bar, int(self.opening.places[-1])
        return (place + 1 + len(self.frames)) % bar

    def hidden(self) -> NDArray[np.float32]:
        """h of each layer by now `[L, H]`."""
        return np.concatenate([own[0] for own in self.layers])

    def state(self) -> tuple[dict[str, Any], dict[str, NDArray[Any]]]:
        """All that it is."""
        none = np.zeros((0, 2, COUNT), bool)
        made = np.concatenate([none, *(np.stack(one, 1) for one in self.frames)])
        arrays: dict[str, NDArray[Any]] = {"frames": made.astype(np.uint8)}
        for k, own in enumerate(self.layers):
            arrays |= {f"layers.{k}.{p}": part for p, part in enumerate(own)}
        if self.opening is not None:
            both = np.stack([self.opening.sounding, self.opening.struck], 1)
            arrays |= {"opening": both.astype(np.uint8), "places": self.opening.places}
        values = {
            "how": asdict(self.how),
            "seed": self.seed,
            "bar": 0 if self.opening is None else self.opening.bar,
            "draws": self.draws.bit_generator.state,
        }
        return values, arrays

    def set_state(self, values: Mapping[str, Any], arrays: Arrays) -> None:
        """Be what `state` told."""
        self.how, self.seed = drawing(**values["how"]), checks.whole("seed", values["seed"], 0)
        self.opening = None
        if "opening" in arrays:
            both, places = _frames(arrays["opening"]), arrays["places"]
            if places.dtype != np.int64 or places.shape != both.shape[:1] or (places < 0).any():
                raise ValueError(_("places: expected one a frame"))
            bar = checks.whole("bar", values["bar"], 0)
            self.opening = Roll(both[:, 0], both[:, 1], places, bar)
        self.reset()
        self.draws.bit_generator.state = values["draws"]
        self.frames = [(one[None, 0], one[None, 1]) for one in _frames(arrays["frames"])]
        if self.frames:
            self.on, self.struck = self.frames[-1]
        self.layers = [
            tuple(
                require_like(arrays[f"layers.{k}.{p}"], part, f"layers.{k}.{p}")
                for p, part in enumerate(own)
            )
            for k, own in enumerate(self.layers)
        ]


def drawing(
    temperature: float = 0.8, top_k: int = 0, top_p: float = 1.0, min_p: float = 0.0, **more: Any
) -> Sampling:
    """How keys are drawn; InputError for what cannot be."""
    if more.get("repetition_penalty", 1.0) != 1.0:
        raise InputError(repetition_penalty=_("notes are drawn without it; leave it out"))
    return sampling(temperature, top_k, top_p, min_p, **more)


def _frames(array: NDArray[Any]) -> NDArray[np.bool_]:
    if array.dtype != np.uint8 or array.shape[1:] != (2, COUNT):
        raise ValueError(_("frames: expected 88 keys of each, and which are struck"))
    return np.asarray(array > 0)


def _sounding(opening: Any) -> NDArray[np.bool_]:
    """`[T, 88]`, from lists of MIDI keys or an array."""
    if isinstance(opening, np.ndarray):
        found = checks.numbers("opening", opening, ("frames", COUNT), False)
        return np.asarray(found > 0)
    if isinstance(opening, str) or not isinstance(opening, Sequence):
        problem = _("expected a list of the keys of each frame, or an array [frames, {count}]")
        raise InputError(opening=problem.format(count=COUNT))
    sounding = np.zeros((len(opening), COUNT), bool)
    for i, keys in enumerate(opening):
        if isinstance(keys, str) or not isinstance(keys, Sequence | np.ndarray):
            problem = _("expected a list of keys, got {kind}")
            raise InputError(**{f"opening[{i}]": problem.format(kind=type(keys).__name__)})
        for key in keys:
            place = checks.whole(f"opening[{i}]", key, LOWEST, LOWEST + COUNT - 1) - LOWEST
            sounding[i, place] = True
    return sounding
