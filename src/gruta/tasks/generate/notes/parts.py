"""Pieces to train on, to validate on and of the test, none of them on two sides."""

from collections import Counter
from dataclasses import dataclass
from typing import Any

from gruta.codec.notes.frames import Frames
from gruta.data.notes.pieces import Pieces
from gruta.data.parts import stratified
from gruta.errors import InputError
from gruta.locale import translate as _
from gruta.locale.numbers import number

FEWEST = 2
"""Different pieces to train and validate on; a third makes a test."""


@dataclass(frozen=True, eq=False)
class NotesInParts:
    """test: None where none is held out. copies: how many pieces were not trained on, as they are
    in the test.
    """

    train: Pieces
    validation: Pieces
    test: Pieces | None
    codec: Frames
    copies: int = 0

    def fingerprint(self) -> str:
        """Of what training sees."""
        return f"{self.train.fingerprint()}{self.validation.fingerprint()}"

    def told(self) -> list[tuple[str, str]]:
        """How much there is of each, and what frames do not show."""
        train, validation, test = (
            () if part is None else part.pieces for part in (self.train, self.validation, self.test)
        )
        off = sum(map(self.codec.off, train))
        told = [
            (_("pieces to train on"), number(len(train))),
            (_("pieces to validate on"), number(len(validation))),
            (_("pieces of the test"), number(len(test))),
            (_("notes to train on"), number(sum(map(len, train)))),
            (_("of these, moved to the nearest frame"), number(off)),
        ]
        if self.copies:
            told.append((_("pieces left out, as they are in the test"), number(self.copies)))
        return told


def in_parts(pieces: Pieces, test: Pieces | None, settings: Any) -> NotesInParts:
    """What sounds alike stays together, also in another key or under another name; what sounds as
    a piece of a test of its own is not trained on. InputError where there are too few.
    """
    s, codec = settings, Frames(settings.frames)
    groups = contents(pieces, codec)
    copies = 0
    if test is not None:
        known = set(contents(test, codec))
        kept = [i for i, group in enumerate(groups) if group not in known]
        copies = len(groups) - len(kept)
        pieces, groups = pieces.pick(kept), [groups[i] for i in kept]
    share = s.test_share if test is None else 0.0
    if len(set(groups)) < FEWEST + bool(share):
        problem = _(
            "{source}: expected {fewest} or more different pieces to train, validate and test on, "
            "found {count}"
        )
        raise InputError(
            problem.format(
                source=pieces.source,
                count=number(len(set(groups))),
                fewest=FEWEST + bool(share),
            )
        )
    held, rest = _held_out(groups, share, s.seed, FEWEST)
    chosen, learned = _held_out([groups[i] for i in rest], s.validation_share, s.seed, 1)
    seen = pieces.pick(rest)
    if share:
        test = pieces.pick(held)
    return NotesInParts(seen.pick(learned), seen.pick(chosen), test, codec, copies)


def contents(pieces: Pieces, codec: Frames) -> list[str]:
    """A word for the music of each."""
    return [codec.roll(piece).content() for piece in pieces.pieces]


def _held_out(groups: list[str], share: float, seed: int, left: int) -> tuple[list[int], list[int]]:
    """Places of about a share, of one group at least, and of the others, of so many groups left at
    least; none if it is 0.
    """
    if not share:
        return [], list(range(len(groups)))
    sizes = Counter(groups)
    places, _others = stratified(["" for _group in groups], groups, share, seed)
    taken = {groups[i] for i in places.tolist()} or {min(sizes, key=lambda group: sizes[group])}
    smallest = sorted(taken, key=lambda group: (sizes[group], group))
    held = {*smallest[: len(sizes) - left]}
    return (
        [i for i, group in enumerate(groups) if group in held],
        [i for i, group in enumerate(groups) if group not in held],
    )
