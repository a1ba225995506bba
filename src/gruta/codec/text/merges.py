"""Byte pairs' way from words to subwords."""

import heapq
import itertools
from collections.abc import Mapping, Sequence
from functools import lru_cache


class Merges:
    """The subwords of a word, by the pairs that become one, first first.

    Sennrich et al. 2016, arXiv:1508.07909.
    """

    def __init__(self, pairs: Sequence[tuple[str, str]]) -> None:
        ranks = {pair: i for i, pair in enumerate(pairs)}
        self._found = lru_cache(65_536)(lambda word: _merged(word, ranks))

    def __call__(self, word: str) -> tuple[str, ...]:
        """Of one word."""
        return self._found(word)


def _merged(word: str, ranks: Mapping[tuple[str, str], int]) -> tuple[str, ...]:
    """Its letters, of which the pair of the lowest rank is joined first."""
    parts = list(word)
    before, after = [i - 1 for i in range(len(parts))], [i + 1 for i in range(len(parts))]
    pairs = [(ranks[two], i) for i, two in enumerate(itertools.pairwise(parts)) if two in ranks]
    heapq.heapify(pairs)
    while pairs:
        rank, i = heapq.heappop(pairs)
        j = after[i]
        if j == len(parts) or ranks.get((parts[i], parts[j])) != rank:
            continue  # one of the two was joined with another meanwhile
        parts[i], parts[j] = parts[i] + parts[j], ""
        after[i] = after[j]
        if after[i] < len(parts):
            before[after[i]] = i
        for left in (before[i], i):
            if left >= 0 and after[left] < len(parts):
                two = parts[left], parts[after[left]]
                if two in ranks:
                    heapq.heappush(pairs, (ranks[two], left))
    return tuple(part for part in parts if part)
