"""What a network that foretells the next unit of a text took for likely at each step."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from gruta.locale.numbers import percent


@dataclass(frozen=True)
class Foretold:
    """At one step: what it had just read, what came then, and what it found likely.

    probability: of what came. likeliest: its first guesses and how likely it found each.
    """

    read: str
    came: str
    probability: float
    likeliest: tuple[tuple[str, float], ...]

    @property
    def right(self) -> bool:
        """Whether what came was its first guess."""
        return self.likeliest[0][0] == self.came

    def to_json(self) -> dict[str, Any]:
        """For a program."""
        guessed = [{"unit": unit, "probability": p} for unit, p in self.likeliest]
        came = {"read": self.read, "came": self.came, "probability": self.probability}
        return {**came, "likeliest": guessed}


def most_surprising(guesses: Sequence[Foretold], count: int) -> list[Foretold]:
    """So many steps where what came was least expected, in the order of the text."""
    order = sorted(range(len(guesses)), key=lambda k: guesses[k].probability)[:count]
    return [guesses[k] for k in sorted(order)]


def guesses_told(one: Foretold) -> str:
    """Its first guesses in a line."""
    return ", ".join(f"{unit} ({percent(p, 1)})" for unit, p in one.likeliest)
