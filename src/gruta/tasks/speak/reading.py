"""Texts as a speaker's network reads them: in characters, or in phonemes."""

from collections.abc import Sequence

from gruta.codec.audio.saying import Numbers, SayingCodec
from gruta.codec.text.signs import Kind
from gruta.locale import translate as _
from gruta.runtime.file import Contents
from gruta.tasks.speak.pronouncing import Pronouncer


def spelled(texts: Sequence[str], pronouncer: Pronouncer | None) -> Sequence[Sequence[str]]:
    """The units of texts that are written out."""
    return texts if pronouncer is None else pronouncer.units(texts)


def kind_of(pronouncer: Pronouncer | None) -> Kind:
    """What these units are."""
    return "characters" if pronouncer is None else "phonemes"


class Reader:
    """A codec, and what it pronounces words by; ValueError if the one needs the other."""

    def __init__(self, codec: SayingCodec, pronouncer: Pronouncer | None = None) -> None:
        if codec.units.kind != kind_of(pronouncer):
            lacking = _("the model that phonemes come of is missing")
            left_over = _("characters are read, and no model of phonemes is asked")
            raise ValueError(lacking if pronouncer is None else left_over)
        self.codec, self._pronouncer = codec, pronouncer

    def units(self, texts: Sequence[str]) -> Sequence[Sequence[str]]:
        """Of each text all its units."""
        return spelled([self.codec.written_out(text) for text in texts], self._pronouncer)

    def numbers(self, texts: Sequence[str]) -> list[Numbers]:
        """Of each text those that are known, with the end behind them."""
        return [self.codec.numbers(units) for units in self.units(texts)]

    def unsaid(self, text: str) -> list[str]:
        """Words that have no phonemes, and are not read."""
        if self._pronouncer is None:
            return []
        return self._pronouncer.unsaid(self.codec.written_out(text))

    def unseen(self, text: str) -> list[str]:
        """Letters whose sound was guessed."""
        if self._pronouncer is None:
            return []
        return self._pronouncer.unseen(self.codec.written_out(text))


def reader_of(codec: SayingCodec, inner: Contents | None) -> Reader:
    """Of a run's parts or a model file's."""
    return Reader(codec, None if inner is None else Pronouncer(inner))
