"""Pictures as the captioner reads them: what is trained on, what is held out, what is asked."""

from dataclasses import dataclass
from typing import Any

from gruta.codec.pictures.captions import CaptionCodec, Colours
from gruta.codec.text.pairs import Side, as_read, likely_kind
from gruta.codec.text.units import Units
from gruta.data.parts import apart
from gruta.data.pictures.captioned import Captioned, Wanted, read_captioned
from gruta.data.pictures.columns import Columns
from gruta.data.pictures.shots import Sight
from gruta.errors import InputError
from gruta.locale import translate as _
from gruta.locale.numbers import number
from gruta.settings import reading
from gruta.tasks.caption.settings import CaptionSettings
from gruta.tasks.trained import Trained


@dataclass(frozen=True, eq=False)
class CaptionsInParts:
    """Pictures for training, for validation, and for the test.

    elsewhere: how many are in no part, as another one has what looks the same.
    """

    train: Captioned
    validation: Captioned
    test: Captioned
    elsewhere: int

    def fingerprint(self) -> str:
        """Of what training sees."""
        return f"{self.train.fingerprint()}{self.validation.fingerprint()}"

    def told(self) -> list[tuple[str, str]]:
        """How many pictures in each part, how many clips, captions and languages."""
        shots = [*self.train.shots, *self.validation.shots, *self.test.shots]
        captions = self.train.captions
        said = sum(len(texts) for own in captions.values() for texts in own)
        counts = {
            _("pictures to train on"): len(self.train),
            _("pictures to validate on"): len(self.validation),
            _("pictures of the test"): len(self.test),
            _("pictures left out, as another part has the same"): self.elsewhere,
            _("of them clips"): sum(len(shot.frames) > 1 for shot in shots),
            _("captions to train on"): said,
        }
        told = [(name, number(count)) for name, count in counts.items() if count]
        if len(captions) > 1:
            told.append((_("languages"), ", ".join(captions)))
        return told


def read(
    source: Any, settings: CaptionSettings, *, asked: bool = False, every: float = 0.0
) -> Captioned:
    """The pictures of a table, a folder, a file or Python's lists; pictures alone where a trained
    model is asked.
    """
    s = settings
    columns = Columns(s.picture_column, s.captions, s.language_column, s.group)
    sight = Sight(s.size, s.frames, s.ground)
    wanted = Wanted(sight, columns, s.folder, s.longest, every)
    return read_captioned(source, wanted, reading(s), lone=asked)


def in_parts(data: Captioned, settings: CaptionSettings) -> CaptionsInParts:
    """Training, validation and test; InputError where they are too few."""
    s = settings
    data.require_captions()
    if s.test:
        held = read(s.test, s.model_copy(update={"group": ""}))
        require_alike(held, data)
        rest = _without(data, held)
        if not len(rest):
            problem = _("{test}: shows what all pictures of {source} do; expected others")
            raise InputError(test=problem.format(test=s.test, source=data.source))
    else:
        held, rest = _apart(data, s.test_share, s.seed)
    chosen, learned = _apart(rest, s.validation_share, s.seed + 1)
    if not len(learned) or not len(chosen) or not (len(held) or not s.test_share):
        problem = _(
            "{source}: {count} pictures are too few to train, validate and test on; expected "
            "several different ones for each part"
        )
        raise InputError(problem.format(source=data.source, count=number(len(data))))
    in_all = len(learned) + len(chosen) + (0 if s.test else len(held))
    return CaptionsInParts(learned, chosen, held, len(data) - in_all)


def require_alike(data: Captioned, others: Captioned) -> None:
    """InputError where captions are in languages that others lack."""
    for name in data.require_captions():
        if name not in others.captions:
            problem = _("{source}: has captions in {name}, {other} has {names}")
            names = ", ".join(others.captions)
            told = problem.format(source=data.source, name=name, other=others.source, names=names)
            raise InputError(test=told)


def _apart(data: Captioned, share: float, seed: int) -> tuple[Captioned, Captioned]:
    """About a share, and the rest; what looks the same is on one side. One of a group that is held
    out is in neither, if a group of the rest has what it shows.
    """
    groups = data.groups or data.contents()
    held, rest = (data.pick(places.tolist()) for places in apart(groups, share, seed))
    return (_without(held, rest), rest) if data.groups else (held, rest)


def _without(data: Captioned, others: Captioned) -> Captioned:
    """Those that look like none of the others."""
    known = set(others.contents())
    return data.pick(i for i, own in enumerate(data.contents()) if own not in known)


def fitted(train: Captioned, settings: CaptionSettings) -> CaptionCodec:
    """The scale of colours, and the units of all captions."""
    s, captions = settings, train.require_captions()
    texts = [text for own in captions.values() for several in own for text in several]
    kind = likely_kind(texts) if s.units == "auto" else s.units
    if s.units == "auto" and kind == "characters":  # single words, which are names here
        kind = "words" if len(set(texts)) * 4 <= len(texts) else "subwords"
    units: Units
    if kind == "subwords":
        from gruta.data.subwords import learn_byte_pairs

        units = learn_byte_pairs((as_read(text, kind) for text in texts), s.vocabulary)
    else:
        units = Units.fit((as_read(text, kind) for text in texts), kind, s.fewest, s.vocabulary)
    side = Side(units)
    longest = max(map(side.count, texts))
    colours = Colours.fit(shot.frames for shot in train.shots)
    return CaptionCodec(colours, side, tuple(captions), s.size, s.frames, longest)


def parts_of(trained: Trained[CaptionCodec], source: Any) -> CaptionsInParts:
    """Pictures, opened or not, in the parts of a run that learned from them; InputError if they
    are too few.
    """
    return in_parts(read(source, trained.settings), trained.settings)


def asked_to_score(trained: Trained[CaptionCodec], source: Any) -> Captioned:
    """Pictures with captions in languages that the run has; InputError where there are none."""
    found = read(source, trained.settings, asked=True)
    known = {n: own for n, own in found.require_captions().items() if n in trained.codec.languages}
    if not known:
        problem = _("{source}: has captions in {names}, the run has {languages}")
        told = problem.format(
            source=found.source,
            names=", ".join(found.captions) or "–",
            languages=", ".join(trained.codec.languages),
        )
        raise InputError(told)
    return found
