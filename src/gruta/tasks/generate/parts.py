"""The text to learn from, to validate on, and of the test."""

from dataclasses import dataclass, replace

from gruta.data.text import Texts, parted, spread
from gruta.errors import InputError
from gruta.locale import translate as _
from gruta.locale.numbers import number
from gruta.tasks.generate.settings import GenerateSettings


@dataclass(frozen=True, eq=False)
class TextsInParts:
    """Text to train on, to validate on, and of the test; the test may have none."""

    train: Texts
    validation: Texts
    test: Texts

    def fingerprint(self) -> str:
        """Of what training sees."""
        return f"{self.train.fingerprint()}{self.validation.fingerprint()}"

    def told(self) -> list[tuple[str, str]]:
        """How much there is of each."""
        return [
            (_("texts to train on"), number(len(self.train))),
            (_("characters to train on"), number(self.train.length)),
            (_("characters to validate on"), number(self.validation.length)),
            (_("characters of the test"), number(self.test.length)),
        ]


def in_parts(texts: Texts, settings: GenerateSettings, test: Texts | None = None) -> TextsInParts:
    """Most of it to train on; InputError where that is too little.

    test: the test's own text, where it has any: then none is held out for it, and what it has is
    not learned from.
    """
    s = settings
    rest, held = (_beside(texts, test), test) if test else parted(texts, s.test_share, s.seed)
    train, validation = spread(rest, s.validation_share, s.seed)
    if not train.length or not validation.length or (s.test_share and not held.length):
        problem = _("{source}: {count} characters are too few to train and validate on")
        raise InputError(problem.format(source=texts.source, count=number(texts.length)))
    return TextsInParts(train, validation, held or replace(texts, texts=()))


def _beside(texts: Texts, test: Texts) -> Texts:
    """Those that the test does not have too."""
    known = {one.text for one in test.texts}
    return replace(texts, texts=tuple(one for one in texts.texts if one.text not in known))
