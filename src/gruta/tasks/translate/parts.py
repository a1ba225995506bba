"""Pairs as the translator reads them: what is trained on, what is held out, what is asked."""

from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np

from gruta.codec.text.graphemes import visible
from gruta.codec.text.pairs import NEVER_SEEN, PairCodec, Side, as_read, likely_kind
from gruta.codec.text.units import Kind, Units
from gruta.data.pairs import Columns, Pairs, read_pairs
from gruta.data.parts import apart
from gruta.errors import InputError
from gruta.locale import translate as _
from gruta.locale.numbers import number
from gruta.reading import Repair
from gruta.settings import reading
from gruta.tasks.trained import Trained
from gruta.tasks.translate.settings import SideUnits, TranslateSettings


@dataclass(frozen=True, eq=False)
class PairsInParts:
    """Pairs for training, for validation, and for the test, and the units of the first.

    left_out: how many were too long to learn from. elsewhere: how many were in no part, as another
    one has their source.
    """

    train: Pairs
    validation: Pairs
    test: Pairs
    codec: PairCodec
    left_out: int
    elsewhere: int

    def fingerprint(self) -> str:
        """Of what training sees."""
        return f"{self.train.fingerprint()}{self.validation.fingerprint()}"

    def told(self) -> list[tuple[str, str]]:
        """How many pairs in each part, and the units of both sides."""
        codec = self.codec
        units = {_("units of what is read"): codec.source, _("of what is written"): codec.target}
        counts = {
            _("pairs to train on"): len(self.train),
            _("pairs to validate on"): len(self.validation),
            _("pairs of the test"): len(self.test),
            _("pairs left out, as too long"): self.left_out,
            _("pairs left out, as another part has their source"): self.elsewhere,
        }
        return [
            *((name, number(count)) for name, count in counts.items() if count),
            *((name, described(side)) for name, side in units.items()),
        ]


def described(side: Side) -> str:
    """Which units these are, and how many."""
    kinds = {
        "characters": _("{count} characters"),
        "words": _("{count} words"),
        "subwords": _("{count} subwords"),
    }
    return kinds[side.units.kind].format(count=number(len(side.units.units)))


def read(source: Any, settings: TranslateSettings, *, asked: bool = False) -> Pairs:
    """The pairs of a file, a frame or Python's lists, by the settings' columns; texts alone where
    a trained model is asked.
    """
    s = settings
    columns = Columns(s.source_column, s.target_column, "" if asked else s.group)
    targets = "" if asked else s.targets
    return read_pairs(source, columns, reading(s), targets=targets, lone=asked)


def as_codec_reads(codec: PairCodec, pairs: Pairs) -> Pairs:
    """The same, with what is cut or unknown to these units told."""
    long, unknown = list[str](), dict[str, int]()
    known = set(codec.source.units.units)
    for row, text in enumerate(pairs.sources, 1):
        if codec.source.count(text) > codec.longest:
            long.append(str(row))
        if NEVER_SEEN in codec.source.encode(text, codec.longest):
            for one in codec.source.split(text)[: codec.longest]:
                if one not in known:
                    unknown[one.strip()] = unknown.get(one.strip(), 0) + 1
    found = []
    if long:
        kind = _("texts of more than {count} units").format(count=number(codec.longest))
        found.append(Repair(kind, len(long), tuple(long[:3]), _("cut there")))
    if unknown:
        kind = _("words or characters that training has not seen")
        done = _("copied where one is written")
        first = tuple(visible(one) for one in list(unknown)[:3])
        found.append(Repair(kind, sum(unknown.values()), first, done))
    return replace(pairs, repairs=(*pairs.repairs, *found))


def in_parts(
    pairs: Pairs, settings: TranslateSettings, codec: PairCodec | None = None
) -> PairsInParts:
    """Training, validation and test; InputError where they are too few.

    codec: the units, where they are known.
    """
    s = settings
    pairs.require_targets()
    if s.test:
        held = read(s.test, s.model_copy(update={"targets": "", "group": ""}))
        held.require_targets()
        rest = _without(pairs, held)
        if not len(rest):
            problem = _("{test}: has the sources of all pairs of {source}; expected other texts")
            raise InputError(test=problem.format(test=s.test, source=pairs.source))
    else:
        held, rest = _apart(pairs, s.test_share, s.seed)
    chosen, learned = _apart(rest, s.validation_share, s.seed + 1)
    apart = len(chosen) + len(learned) + (0 if s.test else len(held))
    if not len(learned) or not len(chosen) or not (len(held) or not s.test_share):
        problem = _(
            "{source}: {count} pairs are too few to train, validate and test on; expected several "
            "different texts for each part"
        )
        raise InputError(problem.format(source=pairs.source, count=number(len(pairs))))
    codec = codec or fitted(learned, s)
    train, validation = (_short(codec, part) for part in (learned, chosen))
    if not len(train) or not len(validation):
        problem = _("all texts are longer than {longest} units; expected a larger number")
        raise InputError(longest=problem.format(longest=number(s.longest)))
    left_out = len(learned) + len(chosen) - len(train) - len(validation)
    return PairsInParts(train, validation, held, codec, left_out, len(pairs) - apart)


def _apart(pairs: Pairs, share: float, seed: int) -> tuple[Pairs, Pairs]:
    """About a share, and the rest; a pair of a group that is held out is in neither, if a group of
    the rest has its source.
    """
    held, rest = (
        pairs.pick(places.tolist()) for places in apart(pairs.groups or _plain(pairs), share, seed)
    )
    return _without(held, rest), rest


def _without(pairs: Pairs, others: Pairs) -> Pairs:
    """Those whose source is none of the others'."""
    known = set(_plain(others))
    return pairs.pick(i for i, text in enumerate(_plain(pairs)) if text not in known)


def _plain(pairs: Pairs) -> list[str]:
    """The sources with single blanks."""
    return [" ".join(text.split()) for text in pairs.sources]


def fitted(train: Pairs, settings: TranslateSettings) -> PairCodec:
    """The units of both sides."""
    s, sides = settings, (train.sources, train.require_targets())
    if not s.shared:
        kinds = _kind(s.source_units, sides[0]), _kind(s.target_units, sides[1])
        source, target = (_units(k, t, s) for k, t in zip(kinds, sides, strict=True))
        return PairCodec(Side(source), Side(target), s.longest, shared=False)
    if s.source_units != s.target_units:
        problem = _("a shared vocabulary needs the same units on both sides, not {one} and {other}")
        raise InputError(shared=problem.format(one=s.source_units, other=s.target_units))
    texts = [*sides[0], *sides[1]]
    both = Side(_units(_kind(s.source_units, texts), texts, s))
    return PairCodec(both, both, s.longest, shared=True)


def _kind(asked: SideUnits, texts: Sequence[str]) -> Kind:
    return likely_kind(texts) if asked == "auto" else asked


def _units(kind: Kind, texts: Sequence[str], settings: TranslateSettings) -> Units:
    read = (as_read(text, kind) for text in texts)
    if kind == "subwords":
        from gruta.data.subwords import learn_byte_pairs

        return learn_byte_pairs(read, settings.vocabulary)
    return Units.fit(read, kind, settings.fewest, settings.vocabulary)


def _short(codec: PairCodec, pairs: Pairs) -> Pairs:
    """Those of which both sides are short enough."""
    L, both = codec.longest, zip(pairs.sources, pairs.require_targets(), strict=True)
    short = [codec.source.count(x) <= L and codec.target.count(y) <= L for x, y in both]
    return pairs.pick(np.flatnonzero(short).tolist())


def parts_of(trained: Trained[PairCodec], source: Any) -> PairsInParts:
    """Pairs, opened or not, in the parts of a run that learned from them; InputError if they are
    too few.
    """
    return in_parts(read(source, trained.settings), trained.settings, trained.codec)


def asked_to_score(
    trained: Trained[PairCodec], source: Any, targets: str | Path | None = None
) -> Pairs:
    """Pairs with what was expected; InputError where that is not known."""
    s = trained.settings
    place = source.source if isinstance(source, Pairs) and source.targets is None else source
    if targets is None and s.targets and str(place) == trained.source:
        targets = s.targets
    if isinstance(place, Pairs):
        return place
    alone = s.model_copy(update={"targets": str(targets or "")})
    try:
        found = _whatever_groups(place, alone)
    except InputError:
        if isinstance(source, Pairs):  # texts alone, which were read well enough to be asked
            source.require_targets()
        raise
    found.require_targets()
    return found


def _whatever_groups(place: Any, settings: TranslateSettings) -> Pairs:
    """With groups where a file has them all, as what was trained on; a score needs none."""
    if settings.group:
        with suppress(InputError):
            return read(place, settings)
    return read(place, settings.model_copy(update={"group": ""}))
