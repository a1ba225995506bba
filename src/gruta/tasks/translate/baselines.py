"""The simple models that stand beside every score."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from gruta.codec.text.letters import Rules
from gruta.codec.text.memory import Memory
from gruta.data.pairs import Pairs
from gruta.locale import translate as _
from gruta.locale.numbers import number

if TYPE_CHECKING:
    from gruta.tasks.translate.evaluation import Expected

_REMEMBERED = 200_000
"""Pairs that the translation memory counts, at most."""

Answer = tuple[Sequence[str], int]
"""What each source becomes, and how many numbers were learned for that."""


@dataclass(frozen=True, eq=False)
class Simple:
    """What each model answers, by its name, and what was left out, for people."""

    answers: dict[str, Answer]
    notes: list[str]


def simple_models(train: Pairs | None, expected: "Expected", source: str | None) -> Simple:
    """The source as it is and, where the training part is at hand, what that says.

    source: where the training part was read, if that is known.
    """
    copied: dict[str, Answer] = {"copy": (expected.sources, 0)}
    if train is None:
        gone = (
            _("{source}, which the network was trained on, is not there any more, or has changed")
            if source
            else _("no file is known of what the network was trained on")
        )
        left = _("Other simple models are left out: {gone}. Give it with --train (Python: train=).")
        return Simple(copied, [left.format(gone=gone.format(source=source))])
    targets, notes = train.require_targets(), list[str]()
    begin = max(len(train) - _REMEMBERED, 0)
    if begin:
        told = _("The translation memory counts the last {count} of {all} pairs.")
        notes = [told.format(count=number(_REMEMBERED), all=number(len(train)))]
    memory = Memory(train.sources[begin:], expected.by_words)
    near = [targets[begin + memory.nearest(text)] for text in expected.sources]
    answers: dict[str, Answer] = {"memory": (near, 0)} | copied
    rules = Rules.fit(train.sources, targets) if expected.by_words else None
    if rules is not None:
        answers = {"rules": ([rules(word) for word in expected.sources], rules.size)} | answers
    return Simple(answers, notes)
