"""A generator from a model file: texts or music that go on, whole or unit by unit."""

from collections.abc import Mapping, Sequence
from dataclasses import asdict
from typing import Any

import numpy as np
from numpy.typing import NDArray

from gruta.codec.text.sampling import Sampling
from gruta.codec.text.units import UNKNOWN, Units
from gruta.errors import InputError
from gruta.locale import translate as _
from gruta.runtime import checks
from gruta.runtime.door import Door
from gruta.runtime.file import Contents
from gruta.runtime.model import Model
from gruta.runtime.stream import Arrays, Stream, require_like
from gruta.tasks.generate.generation import written

LONGEST = 100_000_000
MOST_TEXTS = 10_000


class TextModel(Model[Units]):
    """Writes text, a unit after the other."""

    def __call__(
        self,
        prompt: str = "",
        *,
        length: int = 500,
        count: int = 1,
        seed: int = 0,
        stop: Sequence[str] = (),
        **how: Any,
    ) -> list[str]:
        """So many texts that follow a prompt, each of so many units at most, up to a `stop`.

        how: `temperature`, `top_k`, `top_p`, `min_p`, `repetition_penalty`. The same seed, the same
        text, as `gruta.TextGenerator` writes it.
        """
        return written(
            self.head,
            self.codec,
            checks.text("prompt", prompt),
            sampling(**how),
            length=checks.whole("length", length, 1, LONGEST),
            count=checks.whole("count", count, 1, MOST_TEXTS),
            seed=checks.whole("seed", seed, 0),
            stops=checks.texts("stop", stop),
        )

    def bits(self, text: str) -> float:
        """How unlikely it finds a text, in bits a character: what the text generator scores."""
        given = checks.text("text", text)
        if not given:
            raise InputError(text=_("expected a text to score, got an empty one"))
        numbers = self.codec.encode(given)
        nats = self.head.nats(np.concatenate([self.codec.before, numbers]))
        total = nats.sum() + self.codec.spelling(given, numbers).sum()
        return float(total / np.log(2) / len(given))

    def stream(self, prompt: str = "", *, seed: int = 0, **how: Any) -> "TextStream":
        """A text that grows by a unit at each `advance`; how: as the call has it."""
        return TextStream(self, checks.text("prompt", prompt), sampling(**how), seed)

    def _advance(self, ready: "list[TextStream]") -> None:
        """Those that draw alike in one call of the kernels."""
        alike: dict[Sampling, list[TextStream]] = {}
        for one in ready:
            alike.setdefault(one.how, []).append(one)
        for how, some in alike.items():
            self._write(how, some)

    def _write(self, how: Sampling, some: "list[TextStream]") -> None:
        layers = range(len(some[0].layers))
        parts = range(len(some[0].layers[0]))
        state = [
            tuple(np.concatenate([one.layers[k][p] for one in some]) for p in parts) for k in layers
        ]
        logits = np.concatenate([one.logits for one in some])
        said = None if some[0].said is None else np.concatenate([one.said for one in some])
        places = None
        if some[0].places is not None:
            places = np.concatenate([one.places for one in some])
        uniform = np.array([[one.draws.random() for one in some]])
        (units,) = self.head.model.write(state, logits, uniform, how, said, places)
        for b, one in enumerate(some):
            row = slice(b, b + 1)
            one.layers = [tuple(part[row].copy() for part in own) for own in state]
            one.logits = logits[row].copy()
            one.said = None if said is None else said[row].copy()
            one.places = None if places is None else places[row].copy()
            one.numbers.append(int(units[b]))


class TextStream(Stream[TextModel]):
    """A text that grows.

    numbers: of what was written behind the prompt. layers, logits, said, places: the network's
    state, the scores of the next unit, the units that stand in the text, and where it stands in the
    counts, each of one row.
    """

    def __init__(self, model: TextModel, prompt: str, how: Sampling, seed: int) -> None:
        super().__init__(model)
        self.prompt, self.how, self.seed = prompt, how, checks.whole("seed", seed, 0)
        self.reset()

    def ready(self) -> bool:
        """Always: there is a unit more to write."""
        return True

    def accept(self, text: str) -> None:
        """Go on as if this had been written."""
        numbers = self.model.codec.encode(checks.text("text", text))
        if len(numbers):
            self._read(numbers)
            self._note(numbers)
            self.numbers += numbers.tolist()

    def result(self) -> str:
        """What stands behind the prompt by now; the last character may be half of one yet."""
        return self.model.codec.decode(self.numbers)

    def reset(self) -> None:
        """Begin anew behind the same prompt, with the same draws."""
        model, units = self.model, self.model.codec
        self.draws = np.random.default_rng(self.seed)
        self.numbers: list[int] = []
        self.layers = model.head.start()
        self.logits = np.zeros((1, units.size), np.float32)
        self.said: NDArray[np.bool_] | None = None
        if self.how.repetition_penalty != 1:
            self.said = np.zeros((1, units.size), bool)
        self.places: NDArray[np.int64] | None = None
        if model.head.mixture is not None:
            self.places = model.head.mixture.ngram.after(self.logits[0, :0])[None]
        numbers = units.encode(self.prompt)
        self._read(np.concatenate([units.before, numbers]))
        self._note(numbers)

    def hidden(self) -> NDArray[np.float32]:
        """h of each layer by now `[L, H]`."""
        return np.concatenate([own[0] for own in self.layers])

    def state(self) -> tuple[dict[str, Any], dict[str, NDArray[Any]]]:
        """All that it is."""
        arrays: dict[str, NDArray[Any]] = {"numbers": np.array(self.numbers, np.int64)}
        for k, own in enumerate(self.layers):
            arrays |= {f"layers.{k}.{p}": part for p, part in enumerate(own)}
        arrays["logits"] = np.where(np.isfinite(self.logits), self.logits, 0)
        if self.said is not None:
            arrays["said"] = self.said.view(np.uint8)
        if self.places is not None:
            arrays["places"] = self.places
        values = {
            "prompt": self.prompt,
            "how": asdict(self.how),
            "seed": self.seed,
            "draws": self.draws.bit_generator.state,
        }
        return values, arrays

    def set_state(self, values: Mapping[str, Any], arrays: Arrays) -> None:
        """Be what `state` told."""
        size = self.model.codec.size
        self.prompt = checks.text("prompt", values["prompt"])
        self.how = sampling(**values["how"])
        self.seed = checks.whole("seed", values["seed"], 0)
        self.reset()
        self.draws.bit_generator.state = values["draws"]
        numbers = arrays["numbers"]
        if numbers.ndim != 1 or numbers.dtype != np.int64 or not _inside(numbers, size):
            raise ValueError(_("numbers: expected those of units"))
        self.numbers = numbers.tolist()
        self.layers = [
            tuple(
                require_like(arrays[f"layers.{k}.{p}"], part, f"layers.{k}.{p}")
                for p, part in enumerate(own)
            )
            for k, own in enumerate(self.layers)
        ]
        self.logits = require_like(arrays["logits"], self.logits, "logits")
        self.logits[:, UNKNOWN] = -np.inf
        if self.said is not None:
            self.said = require_like(arrays["said"], self.said.view(np.uint8), "said") > 0
        if self.places is not None:
            self.places = require_like(arrays["places"], self.places, "places")

    def _read(self, numbers: NDArray[np.int64]) -> None:
        """Take units in that were given, one at least."""
        head = self.model.head
        self.logits, self.layers = head.read(numbers, self.layers)
        self.logits[:, UNKNOWN] = -np.inf
        if self.places is None:
            return
        ngram = head.mixture.ngram
        if len(numbers) >= ngram.order:  # more than a context has
            self.places = ngram.after(numbers)[None]
            return
        for unit in numbers:
            self.places = ngram.moved(self.places, np.array([unit]))

    def _note(self, numbers: NDArray[np.int64]) -> None:
        """That these stand in the text."""
        if self.said is not None:
            self.said[:, numbers] = True


def sampling(
    temperature: float = 0.8,
    top_k: int = 0,
    top_p: float = 1.0,
    min_p: float = 0.0,
    repetition_penalty: float = 1.0,
) -> Sampling:
    """How units are drawn; InputError for what cannot be."""
    return Sampling(
        checks.real("temperature", temperature, 0, 100),
        checks.whole("top_k", top_k, 0),
        checks.real("top_p", top_p, 1e-9, 1),
        checks.real("min_p", min_p, 0, 1),
        checks.real("repetition_penalty", repetition_penalty, 1e-9, 100),
    )


def _inside(numbers: NDArray[np.int64], size: int) -> bool:
    return bool(((numbers >= 0) & (numbers < size)).all())


def MODEL(contents: Contents, door: Door[Any]) -> Model[Any]:
    """Of texts or of notes, as the file has it."""
    if contents.codec.get("kind") == "notes":
        from gruta.tasks.generate.notes.model import NotesModel

        return NotesModel(contents, door)
    return TextModel(contents, door)
