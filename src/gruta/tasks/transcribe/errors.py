"""How far what was heard is from what was said: words and characters, by jiwer."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

Counts = NDArray[np.int64]


@dataclass(frozen=True, eq=False)
class Errors:
    """Of N recordings: edits and lengths in words and in characters `[N]`."""

    word_edits: Counts
    words: Counts
    character_edits: Counts
    characters: Counts

    @property
    def wer(self) -> float:
        """Words to insert, leave out or replace, over those that were said."""
        return rate(self.word_edits, self.words)

    @property
    def cer(self) -> float:
        """The same of characters, blanks between words among them."""
        return rate(self.character_edits, self.characters)

    @property
    def wer_error(self) -> float | None:
        """The standard error of `wer`."""
        return standard_error(self.word_edits, self.words)

    @property
    def cer_error(self) -> float | None:
        """The standard error of `cer`."""
        return standard_error(self.character_edits, self.characters)

    @property
    def right(self) -> float:
        """The share of recordings without an error."""
        return float((self.character_edits == 0).mean())


def errors_of(expected: Sequence[str], heard: Sequence[str]) -> Errors:
    """Of texts with single blanks, N of each, none of those expected empty."""
    import jiwer

    words = [jiwer.process_words(a, b) for a, b in zip(expected, heard, strict=True)]
    characters = [jiwer.process_characters(a, b) for a, b in zip(expected, heard, strict=True)]
    return Errors(
        np.array([one.insertions + one.deletions + one.substitutions for one in words]),
        np.array([len(text.split()) for text in expected]),
        np.array([one.insertions + one.deletions + one.substitutions for one in characters]),
        np.array([len(text) for text in expected]),
    )


def rate(edits: Counts, lengths: Counts) -> float:
    """Edits over all."""
    return float(edits.sum() / max(lengths.sum(), 1))


def standard_error(edits: Counts, lengths: Counts) -> float | None:
    """Of a ratio of sums over N recordings drawn by themselves: the deviation of edits − rate ·
    length, over the mean length and √N (Cochran 1977, "Sampling Techniques", equation 6.13). None
    of a single one.
    """
    if len(edits) < 2:
        return None
    off = edits - rate(edits, lengths) * lengths
    return float(off.std(ddof=1) / (lengths.mean() * np.sqrt(len(edits))))
