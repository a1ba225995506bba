"""Covariates as a network reads them: numbers scaled, and a column of 0 and 1 for each text."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from gruta.codec.scaler import Scaler
from gruta.errors import InputError
from gruta.locale import translate as _
from gruta.locale.numbers import number

MOST_LEVELS = 50
"""A column with more texts is refused: of each there would be few rows to learn from."""

Values = NDArray[np.floating]
Words = Mapping[str, tuple[str, ...]]
"""By column of texts, what its values, which count them from 0, stand for."""


@dataclass(frozen=True, eq=False)
class Covariates:
    """C columns by name: scaler has those of numbers, levels the texts of the others.

    levels: those that training saw; any other is none of them.
    """

    names: tuple[str, ...]
    scaler: Scaler
    levels: Words

    @classmethod
    def fit(cls, names: Sequence[str], values: Values, words: Words, source: str) -> "Covariates":
        """From values `[N, C]` of the training part; InputError for too many texts."""
        levels = {}
        for i, name in enumerate(names):
            if name in words:
                seen = np.unique(values[~np.isnan(values[:, i]), i]).astype(np.int64)
                levels[name] = tuple(words[name][code] for code in seen)
                _require_few(name, levels[name], source)
        return cls(tuple(names), _fitted(_numbers(names, values, levels)), levels)

    @classmethod
    def none(cls) -> "Covariates":
        """No columns."""
        return cls((), Scaler(np.empty(0), np.empty(0)), {})

    @property
    def labels(self) -> list[str]:
        """What people call the columns that are read."""
        found = [name for name in self.names if name not in self.levels]
        return found + [f"{name} = {level}" for name in self.levels for level in self.levels[name]]

    def encode(self, values: Values, words: Words) -> NDArray[np.float32]:
        """`[N, F]` of values `[N, C]`: numbers, then for each column of texts which one it is."""
        scaled = self.scaler.encode(_numbers(self.names, values, self.levels)).astype(np.float32)
        if not self.levels:
            return scaled
        parts = [scaled]
        for name, levels in self.levels.items():
            parts.append(_which(values[:, self.names.index(name)], words.get(name, ()), levels))
        return np.concatenate(parts, axis=1)

    def to_json(self) -> dict[str, Any]:
        """Plain values, but for the names."""
        return self.scaler.to_json() | {"levels": {n: list(own) for n, own in self.levels.items()}}

    @classmethod
    def from_json(cls, names: Sequence[str], content: Mapping[str, Any]) -> "Covariates":
        """What `to_json` gave of columns of these names; ValueError if it does not fit them."""
        levels = {
            str(name): tuple(map(str, own)) for name, own in content.get("levels", {}).items()
        }
        scaler = Scaler.from_json(content)
        numbers = [name for name in names if name not in levels]
        if not set(levels) <= set(names) or len(scaler.mean) != len(numbers):
            raise ValueError(
                _("expected a scale for each of {numbers}, got {count}").format(
                    numbers=numbers, count=len(scaler.mean)
                )
            )
        return cls(tuple(names), scaler, levels)


def _numbers(names: Sequence[str], values: Values, levels: Words) -> Values:
    """The columns that are not of texts."""
    if not levels:
        return values
    return values[:, [i for i, name in enumerate(names) if name not in levels]]


def _fitted(values: Values) -> Scaler:
    """By the values that are there."""
    if not np.isnan(values).any():
        return Scaler.fit(values)
    there = [column[~np.isnan(column)] for column in values.T]
    own = [Scaler.fit(column[:, None] if len(column) else np.zeros((1, 1))) for column in there]
    return Scaler(
        np.concatenate([scaler.mean for scaler in own]),
        np.concatenate([scaler.scale for scaler in own]),
    )


def _which(codes: Values, words: Sequence[str], levels: Sequence[str]) -> NDArray[np.float32]:
    """`[N, levels]`: 1 in the column of the text; all 0 where there is none, or another one."""
    places = {level: i for i, level in enumerate(levels)}
    of_words = np.array([*(places.get(word, -1) for word in words), -1], np.int64)
    place = of_words[np.where(np.isnan(codes), len(words), codes).astype(np.int64)]
    found: NDArray[np.float32] = np.zeros((len(codes), len(levels)), np.float32)
    there = np.flatnonzero(place >= 0)
    found[there, place[there]] = 1
    return found


def _require_few(name: str, levels: Sequence[str], source: str) -> None:
    if len(levels) > MOST_LEVELS:
        problem = _(
            "{source}: column {name!r}: expected numbers, or up to {most_levels} different texts, "
            "found {count} of them, such as {example!r}; group them, or leave the column out"
        )
        raise InputError(
            problem.format(
                source=source,
                name=name,
                most_levels=MOST_LEVELS,
                count=number(len(levels)),
                example=levels[0],
            )
        )
