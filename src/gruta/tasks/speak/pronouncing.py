"""Words as phonemes: what a translator of words to phonemes makes of them, each asked once."""

from collections.abc import Iterable, Sequence

from gruta.codec.text.graphemes import visible
from gruta.codec.text.signs import in_words, is_letter
from gruta.codec.text.units import Kind
from gruta.errors import InputError
from gruta.locale import translate as _
from gruta.locale.numbers import number
from gruta.runtime.file import Contents
from gruta.tasks.models import model_of

TRANSLATE = "translate"

_MOST_PHONEMES = 250
"""Units that are written, at most: a translator of more writes words."""

_KEPT = 2**17
"""Words that are remembered, at most."""

_UNSAID = 0.1
"""Of the words of the training part, that may have no phonemes."""

_APOSTROPHES = ("'", "’")


class Pronouncer:
    """Texts in units of speech: of each word its phonemes, and all that is between words as it is.

    contents: the translator, as a model file has it. ValueError where it turns no words into
    phonemes.
    """

    def __init__(self, contents: Contents) -> None:
        if contents.task != TRANSLATE:
            problem = _("expected a {task} model, found {found!r}")
            raise ValueError(problem.format(task=TRANSLATE, found=contents.task))
        self.contents, self._model = contents, model_of(contents)
        read, written = (one.units for one in (self._model.codec.source, self._model.codec.target))
        if (read.kind, written.kind) != ("characters", "words") or written.size > _MOST_PHONEMES:
            problem = _(
                "expected characters that become phonemes with blanks between them, at most {most} "
                "different ones; it reads {read} and writes {count} {written}"
            )
            about = {"read": _name(read.kind), "written": _name(written.kind)}
            about["count"] = number(len(written.units))
            raise ValueError(problem.format(most=_MOST_PHONEMES, **about))
        self._letters = frozenset(read.units)
        apostrophes = _APOSTROPHES if self._letters.intersection(_APOSTROPHES) else ()
        self._joiners = self._letters.intersection("-").union(apostrophes)
        self._known: dict[str, tuple[str, ...]] = {}

    def units(self, texts: Sequence[str]) -> list[list[str]]:
        """Of each text, written out in small letters, its phonemes, marks and blanks; nothing of a
        word that has no phonemes.
        """
        cut = [self._cut(text) for text in texts]
        said = self._said(word for words in cut for word in words)
        return [[unit for word in words for unit in said.get(word, (word,))] for words in cut]

    def unsaid(self, text: str) -> list[str]:
        """The words of a text that have no phonemes, each once."""
        return [word for word, phonemes in self._said(self._cut(text)).items() if not phonemes]

    def unseen(self, text: str) -> list[str]:
        """The letters that the translator was not trained on, each once, of words that it has
        phonemes for all the same.
        """
        said = (self._spelled(word) for word, told in self._said(self._cut(text)).items() if told)
        return list(dict.fromkeys(c for word in said for c in word if c not in self._letters))

    def require_said(self, texts: Sequence[str], place: str) -> None:
        """InputError where too many of the different words of texts have no phonemes.

        place: what the message calls the translator.
        """
        said = self._said(word for text in texts for word in self._cut(text))
        unsaid = [word for word, phonemes in said.items() if not phonemes]
        if len(unsaid) > _UNSAID * len(said):
            problem = _(
                "{path}: has no phonemes for {count} of {all} different words, such as {some}; "
                "expected one that was trained on words of this language, until it knows them"
            )
            counts = {"count": number(len(unsaid)), "all": number(len(said))}
            some = visible(", ".join(unsaid[:3]))
            raise InputError(phonemes=problem.format(path=place, some=some, **counts))

    def _cut(self, text: str) -> list[str]:
        return in_words(text, self._joiners)

    def _said(self, cut: Iterable[str]) -> dict[str, tuple[str, ...]]:
        """The phonemes of each word among these; of those that were not asked before, all are asked
        at once.
        """
        words = dict.fromkeys(word for word in cut if is_letter(word[0]))
        new = [word for word in words if word not in self._known]
        spelled = [self._spelled(word) for word in new]
        able = [i for i, word in enumerate(spelled) if self._letters.intersection(word)]
        told = self._model([spelled[i] for i in able], copy_unknown=False)
        phonemes = dict(zip(able, told, strict=True))
        own = {word: tuple(phonemes.get(i, "").split()) for i, word in enumerate(new)}
        found = {word: own[word] if word in own else self._known[word] for word in words}
        if len(self._known) + len(own) <= _KEPT:
            self._known |= own
        return found

    def _spelled(self, word: str) -> str:
        """As the translator may know it: some were trained on capitals, or on plain apostrophes."""
        for mark, other in (_APOSTROPHES, _APOSTROPHES[::-1]):
            if mark not in self._letters:
                word = word.replace(mark, other)
        return max((word, word.upper()), key=lambda one: sum(c in self._letters for c in one))


def _name(kind: Kind) -> str:
    names: dict[Kind, str] = {
        "bytes": _("bytes"),
        "characters": _("characters"),
        "words": _("words"),
        "subwords": _("subwords"),
    }
    return names[kind]
