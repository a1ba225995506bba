"""A classifier from a model file: whole cases, or a series row by row."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from gruta.codec.channels import Channels
from gruta.codec.classes import ClassCodec, Label
from gruta.errors import InputError
from gruta.locale import translate as _
from gruta.runtime import checks
from gruta.runtime.model import Model
from gruta.runtime.stream import Arrays, Stream, require_like
from gruta.tasks.classify.head import Read


@dataclass(frozen=True, eq=False)
class Classes:
    """Of N cases the likeliest label of each, and the probability of each class, `[N, K]`, in the
    order of the model's `labels`.
    """

    labels: list[Label]
    probabilities: NDArray[np.float64]


class ClassifyModel(Model[ClassCodec]):
    """Says which class cases are of."""

    @property
    def labels(self) -> tuple[Label, ...]:
        """The classes."""
        return self.codec.labels

    @property
    def channels(self) -> tuple[str, ...]:
        """Of series, in the order in which rows have them; none of texts."""
        return self.codec.channels

    def __call__(self, cases: Any) -> Classes:
        """Of texts, or of series `[T, C]` of any lengths, a row a step.

        InputError names the case whose shape, dtype or NaN does not fit.
        """
        given = self._texts(cases) if self.codec.kind == "text" else self._series(cases)
        if not given:
            return Classes([], np.empty((0, len(self.labels))))
        found = self.codec.probabilities(self.head(self.codec.encode(given)))
        return Classes([self.labels[k] for k in found.argmax(1)], found)

    def stream(self) -> "ClassifyStream":  # type: ignore[override]
        """A series that is read row by row, and answered after each."""
        if self.codec.kind == "text":
            raise InputError(
                _("texts are classified as a whole: there is no stream; call the model")
            )
        return ClassifyStream(self)

    def rows(self, name: str, given: Any) -> NDArray[np.float32]:
        """Rows `[T, C]` as the network reads them."""
        reader = self.codec.reader
        assert isinstance(reader, Channels)
        found = self._checked(name, given)
        return reader.encode(found) if reader.gaps else reader.encode_whole(found)

    def row(self, given: NDArray[Any]) -> NDArray[np.float32] | None:
        """One row `[C]` as the network reads it, `[1, C]`, where nothing is amiss with it: what
        most streams take. None where `rows` has to look, or where rows may have gaps.
        """
        reader = self.codec.reader
        assert isinstance(reader, Channels)
        real = given.dtype in (np.float32, np.float64)
        if reader.gaps or not real or given.shape != reader.scaler.mean.shape:
            return None
        scaled = reader.scaler.encode(given)
        fine = np.abs(scaled).max() <= checks.LARGEST  # NaN is not
        return scaled.astype(np.float32)[None] if fine else None

    def _checked(self, name: str, given: Any) -> NDArray[np.float64]:
        """Rows `[T, C]` of the channels, with NaN where training had gaps."""
        reader = self.codec.reader
        assert isinstance(reader, Channels)
        found = checks.numbers(name, given, ("steps", len(self.channels)), reader.may_lack)
        checks.require_small(name, reader.scaler.encode(found))
        return found

    def _texts(self, cases: Any) -> list[str]:
        return checks.texts("cases", cases)

    def _series(self, cases: Any) -> list[NDArray[np.float64]]:
        reader = self.codec.reader
        assert isinstance(reader, Channels)
        if isinstance(cases, str | bytes) or not isinstance(cases, Sequence | np.ndarray):
            problem = _("expected a list of arrays [steps, {channels}], got {kind}")
            count, kind = len(reader.names), type(cases).__name__
            raise InputError(cases=problem.format(channels=count, kind=kind))
        found = [self._checked(f"cases[{i}]", one) for i, one in enumerate(cases)]
        for i, one in enumerate(found):
            if not len(one):
                raise InputError(**{f"cases[{i}]": _("expected at least one step")})
        return found

    def _advance(self, ready: "list[ClassifyStream]") -> None:
        """All rows that have come, of all streams in one pass."""
        if all(len(one.coming) == 1 for one in ready):
            self._a_row_each(ready)
            return
        lengths = np.array([len(one.coming) for one in ready])
        x = np.zeros((lengths.max(), len(ready), ready[0].coming.shape[1]), np.float32)
        for b, one in enumerate(ready):
            x[: len(one.coming), b] = one.coming
        found = self.head.onward(x, lengths, [one.read for one in ready])
        for one, read in zip(ready, found, strict=True):
            one.read, one.steps = read, one.steps + len(one.coming)
            one.coming = one.coming[:0]

    def _a_row_each(self, ready: "list[ClassifyStream]") -> None:
        """What streams do most of the time."""
        x = np.concatenate([one.coming for one in ready]) if len(ready) > 1 else ready[0].coming
        found = self.head.a_step_on(x, [one.read for one in ready])
        for one, read in zip(ready, found, strict=True):
            one.read, one.steps, one.coming = read, one.steps + 1, one.coming[:0]


class ClassifyStream(Stream[ClassifyModel]):
    """A case under way.

    coming: rows `[T, I]`, encoded, that were not read yet. read: what is kept of those that were.
    steps: how many these are; no more than the codec reads of a case.
    """

    coming: NDArray[np.float32]
    steps: int

    def __init__(self, model: ClassifyModel) -> None:
        super().__init__(model)
        self.reset()

    def accept(self, rows: Any) -> None:
        """Rows `[T, C]` that have come, or one, `[C]`."""
        given = np.asarray(rows) if not isinstance(rows, np.ndarray) else rows
        found = self.model.row(given) if given.ndim == 1 else None
        if found is None:
            found = self.model.rows("rows", given[None] if given.ndim == 1 else rows)
        waiting = len(self.coming)
        found = found[: max(self.model.codec.longest - self.steps - waiting, 0)]
        self.coming = np.concatenate([self.coming, found]) if waiting else found

    def ready(self) -> bool:
        """Whether rows came that were not read."""
        return len(self.coming) > 0

    def result(self) -> NDArray[np.float64]:
        """The probability of each class `[K]`, by the rows that were read; InputError before the
        first.
        """
        if not self.steps:
            raise InputError(_("no row was read yet; accept one, and advance"))
        scores = self.model.head.scored(self.read)
        found: NDArray[np.float64] = self.model.codec.probabilities(scores[None])[0]
        return found

    def reset(self) -> None:
        """Begin another case."""
        reader = self.model.codec.reader
        assert isinstance(reader, Channels)
        self.coming, self.steps = np.zeros((0, reader.width), np.float32), 0
        self.read: Read = self.model.head.unread()

    def hidden(self) -> NDArray[np.float32]:
        """h of each layer by now `[L, H]`."""
        return self.read.state[0]

    def state(self) -> tuple[dict[str, Any], dict[str, NDArray[Any]]]:
        """All that it is."""
        read = self.read
        arrays: dict[str, NDArray[Any]] = {f"state.{i}": p for i, p in enumerate(read.state)}
        arrays |= {"total": read.total, "largest": read.largest, "coming": self.coming}
        return {
            "steps": self.steps,
            "weight": self.read.weight,
            "top": None if np.isneginf(self.read.top) else self.read.top,
        }, arrays

    def set_state(self, values: Mapping[str, Any], arrays: Arrays) -> None:
        """Be what `state` told."""
        fresh, top = self.model.head.unread(), values["top"]
        steps = checks.whole("steps", values["steps"], 0)
        parts = tuple(
            require_like(arrays[f"state.{i}"], own, f"state.{i}")
            for i, own in enumerate(fresh.state)
        )
        coming = arrays["coming"]
        require_like(coming[:0], self.coming[:0], "coming")
        self.coming, self.steps = coming, steps
        self.read = Read(
            parts,
            require_like(arrays["total"], fresh.total, "total"),
            require_like(arrays["largest"], fresh.largest, "largest"),
            float(values["weight"]),
            -np.inf if top is None else float(top),
        )


MODEL = ClassifyModel
