"""Paragraphs whose deciding word is their second: did the first person like the thing?

What follows is about other people, who come and go, and like or dislike things of their own. So the
answer cannot be had by looking for a word: only the first opinion counts, and it lies far back.
"""

import functools
import math
import random
import tomllib
from dataclasses import dataclass, field
from functools import cached_property
from importlib import resources
from typing import Any

import torch
import torch.nn.functional as F
from torch import Generator, Tensor, nn

from gruta.errors import InputError
from gruta.locale import language
from gruta.locale import translate as _
from gruta.nn.dense import Embedding, Linear
from gruta.studies.problems.problem import DTYPE

CHANCE = 0.5
EMBEDDING = 24
PADDING = 0
_OPINIONS = 0.6  # the share of the later sentences that give one


class Judge(nn.Module):
    """Words to vectors, a recurrent layer, and a linear one that reads the state after the last
    word.
    """

    def __init__(self, layer: nn.Module, hidden: int, words: int) -> None:
        super().__init__()
        self.embedding = Embedding(words, EMBEDDING, padding_idx=PADDING, dtype=DTYPE)
        self.layer = layer
        self.head = Linear(hidden, 1, dtype=DTYPE)

    def forward(self, x: Tensor) -> Tensor:
        """Word numbers x `[T, B]`, 0 after a paragraph's end, to `[1, B, 1]`: above 0 for yes."""
        lengths = (x != PADDING).sum(0)
        out, _ = self.layer(self.embedding(x), lengths=lengths)
        last = out[lengths - 1, torch.arange(x.shape[1])]
        y: Tensor = self.head(last)[None]
        return y


@dataclass(frozen=True)
class Paragraphs:
    """With so many words from the deciding one to the end, at least, from `shortest` to `longest`;
    the last sentence is told to its end.
    """

    longest: int
    shortest: int = 4
    language: str = field(default_factory=language)
    inputs = EMBEDDING
    signs = ()
    baseline = math.log(2)
    score_name = "cross_entropy"

    @property
    def name(self) -> str:
        """Its name."""
        return f"paragraphs-{self.longest}-{self.language}"

    @property
    def longest_lag(self) -> int:
        """From the deciding word to the end."""
        return self.longest

    @cached_property
    def words(self) -> list[str]:
        """The vocabulary; the first stands for no word."""
        return [
            "",
            *sorted({word for text in _every_sentence(self.language) for word in text.split()}),
        ]

    @cached_property
    def _numbers(self) -> dict[str, int]:
        return {word: k for k, word in enumerate(self.words)}

    def draw(self, B: int, generator: Generator) -> tuple[Tensor, Tensor]:
        """Word numbers x `[T, B]`, 0 after a paragraph's end, and y `[B]`, 1 for yes, 0 for no."""
        draw = random.Random(int(torch.randint(2**62, (), generator=generator)))
        texts, y = zip(*(self.paragraph(draw) for _ in range(B)), strict=True)
        rows = [torch.tensor([self._numbers[word] for word in text.split()]) for text in texts]
        return nn.utils.rnn.pad_sequence(rows), torch.tensor(y, dtype=DTYPE)

    def paragraph(self, draw: random.Random) -> tuple[str, bool]:
        """A paragraph, and whether its first person liked the thing."""
        words = _words(self.language)
        first, *others = draw.sample(words["people"], len(words["people"]))
        yes = draw.random() < 0.5
        sentences = [_opinion(words, draw, first, yes)]
        distance = self.shortest * (self.longest / self.shortest) ** draw.random()
        missing = round(distance) + 2 - _length(sentences[0])
        while missing > 0:
            person, other = draw.sample(others, 2)
            if draw.random() < _OPINIONS:
                sentences.append(_opinion(words, draw, person, draw.random() < 0.5))
            else:
                event, thing = draw.choice(words["events"]), draw.choice(words["things"])
                sentences.append(event.format(person=person, other=other, thing=thing))
            missing -= _length(sentences[-1])
        return " ".join(sentences), yes

    def majority(self, text: str) -> bool:
        """What one would answer by counting the words alone, whoever they are about."""
        words, found = _words(self.language), text.split()
        likes, dislikes = (sum(w in words[key] for w in found) for key in ("likes", "dislikes"))
        return likes >= dislikes

    def read(self, text: str) -> Tensor:
        """The word numbers `[T, 1]` of a text; InputError for words that are not known."""
        known = {word.lower(): number for word, number in self._numbers.items()}
        words = text.replace(".", " . ").replace(",", " , ").split()
        unknown = sorted({word for word in words if word.lower() not in known})
        if unknown or not words:
            there = _words(self.language)
            some = [*there["people"][:3], *there["likes"], *there["dislikes"], *there["things"]]
            problem = _(
                "expected words that the network has learned, got {unknown}; it knows, among "
                "others, {some}"
            )
            told = {"unknown": ", ".join(unknown) or _("none"), "some": ", ".join(some)}
            raise InputError(text=problem.format(**told))
        return torch.tensor([[known[word.lower()]] for word in words])

    def network(self, layer: nn.Module, hidden: int) -> Judge:
        """The answer, read from the last state."""
        return Judge(layer, hidden, len(self.words))

    def loss(self, answer: Tensor, y: Tensor) -> Tensor:
        """The mean cross-entropy, in nats."""
        return F.binary_cross_entropy_with_logits(answer[0, :, 0], y)

    def scores(self, answer: Tensor, y: Tensor) -> dict[str, float]:
        """The cross-entropy, and the share of the answers that are right."""
        right = ((answer[0, :, 0] > 0) == (y > 0.5)).float().mean()
        return {"cross_entropy": float(self.loss(answer, y)), "accuracy": float(right)}


@functools.cache
def _words(name: str) -> dict[str, Any]:
    text = resources.files(__package__).joinpath("paragraphs.toml").read_text(encoding="utf-8")
    found: dict[str, Any] = tomllib.loads(text)[name]
    return found


def _opinion(words: dict[str, Any], draw: random.Random, person: str, yes: bool) -> str:
    verb, thing = draw.choice(words["likes" if yes else "dislikes"]), draw.choice(words["things"])
    text: str = words["opinion"].format(person=person, verb=verb, thing=thing)
    return text


def _length(sentence: str) -> int:
    return len(sentence.split())


def _every_sentence(name: str) -> list[str]:
    words = _words(name)
    blank = {"person": "", "other": "", "thing": "", "verb": ""}
    sentences = [words["opinion"], *words["events"]]
    parts = [words[key] for key in ("people", "likes", "dislikes", "things")]
    return [s.format(**blank) for s in sentences] + [word for part in parts for word in part]
