"""Words to sounds by rules: each letter becomes no, one or two sounds, by the letters around it.

Which letter has which sounds in a word that is known is found by alignment: the likeliest one by
counts that come from alignments, a few times over (hard expectation maximisation). A rule is what a
letter most often became between the same neighbours, as many of them as were seen with it.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

Numbers = NDArray[np.int64]

_ROUNDS = 5
_AROUND = ((3, 3), (3, 2), (2, 2), (1, 2), (2, 1), (1, 1), (0, 1), (0, 0))
"""Letters before and behind that a rule looks at, the most first."""
_MOST = 20_000_000


@dataclass(frozen=True, eq=False)
class Rules:
    """letters, sounds: which there are, numbered from 1. chunks: `[C, 2]` sounds that a letter may
    become, 0 for none. rules: by how many neighbours, of what stands there the chunk.
    """

    letters: dict[str, int]
    sounds: Sequence[str]
    between: str
    chunks: Numbers
    rules: Sequence[tuple[Numbers, Numbers]]

    @classmethod
    def fit(cls, words: Sequence[str], said: Sequence[str]) -> "Rules | None":
        """From words and their sounds, with blanks between or a character each; None where there
        are too many different ones.
        """
        between = " " if 2 * sum(" " in one for one in said) > len(said) else ""
        split = [one.split() if between else list(one) for one in said]
        both = zip(words, split, strict=True)
        kept = [(w, one) for w, one in both if 0 < len(one) <= 2 * len(w)]
        letters = {c: i for i, c in enumerate(sorted({c for w, _said in kept for c in w}), 1)}
        sounds = ["", *sorted({s for _word, one in kept for s in one})]
        if len(letters) * len(sounds) ** 2 > _MOST or len(letters) > 500:
            return None
        numbers = {one: i for i, one in enumerate(sounds)}
        pairs = [
            (np.array([letters[c] for c in w]), np.array([numbers[s] for s in one]))
            for w, one in kept
        ]
        if not pairs:
            return None
        whole, chunks = _aligned(pairs, len(letters) + 1, len(sounds))
        rules = [_rules(whole, len(letters) + 1, around) for around in _AROUND]
        return cls(letters, sounds, between, chunks, rules)

    @property
    def size(self) -> int:
        """How many rules."""
        return sum(len(keys) for keys, _chunk in self.rules)

    def __call__(self, word: str) -> str:
        """The sounds of a word; letters that are not known have none."""
        own = np.array([self.letters.get(c, 0) for c in word if c in self.letters], np.int64)
        if not len(own):
            return ""
        found = np.full(len(own), -1)
        for around, (keys, chunk) in zip(_AROUND, self.rules, strict=True):
            wanted = _keys(own, len(self.letters) + 1, around)
            at = np.minimum(np.searchsorted(keys, wanted), len(keys) - 1)
            found = np.where((found < 0) & (keys[at] == wanted), chunk[at], found)
        said = self.chunks[found].ravel()
        return self.between.join(self.sounds[i] for i in said if i)


Pairs = Sequence[tuple[Numbers, Numbers]]
Aligned = list[tuple[Numbers, Numbers]]


def _aligned(pairs: Pairs, n_letters: int, n_sounds: int) -> tuple[Aligned, Numbers]:
    """Of each word its letters and the chunk of each, and the chunks."""
    shapes: dict[tuple[int, int], list[int]] = {}
    for i, (word, said) in enumerate(pairs):
        shapes.setdefault((len(word), len(said)), []).append(i)
    blocks = [
        tuple(np.stack([pairs[i][k] for i in own]) for k in (0, 1)) for own in shapes.values()
    ]
    cost = _first_costs(pairs, n_letters, n_sounds)
    for turn in range(_ROUNDS):
        counts = np.zeros(cost.shape)
        found = []
        for word, said in blocks:
            a, b = _align(word, said, cost)
            np.add.at(counts, (word, a, b), 1.0)
            found.append((word, a * n_sounds + b))
        if turn < _ROUNDS - 1:
            counts += 1e-2
            cost = -np.log(counts / counts.sum((1, 2), keepdims=True))
    used, codes = np.unique(
        np.concatenate([code.ravel() for _w, code in found]), return_inverse=True
    )
    whole, start = [], 0
    for word, code in found:
        own = codes[start : start + code.size].reshape(code.shape)
        whole += list(zip(word, own, strict=True))
        start += code.size
    return whole, np.stack(np.divmod(used, n_sounds), 1)


def _first_costs(pairs: Pairs, n_letters: int, n_sounds: int) -> NDArray[np.float64]:
    """`[letters, sounds, sounds]` of a letter that becomes two sounds, one (a 0 behind it), or
    none: by which sounds stand about as far along in the words that have it.
    """
    near = np.full((n_letters, n_sounds), 1e-2)
    for word, said in pairs:
        at = (np.arange(len(word)) * len(said) / len(word)).astype(np.int64)
        np.add.at(near, (word, said[at]), 1.0)
    one = -np.log(near / near.sum(1, keepdims=True))
    cost: NDArray[np.float64] = one[:, :, None] + one[:, None, :] + 3.0
    cost[:, :, 0] = one
    cost[:, 0, :] = np.inf
    cost[:, 0, 0] = 4.0
    return cost


def _align(word: Numbers, said: Numbers, cost: NDArray[np.float64]) -> tuple[Numbers, Numbers]:
    """The first and second sound of each letter `[N, I]`, from words `[N, I]`, sounds `[N, J]`."""
    N, I = word.shape
    J = said.shape[1]
    best = np.full((N, J + 1), np.inf)
    best[:, 0] = 0.0
    taken = np.zeros((I, N, J + 1), np.int64)
    for i in range(I):
        letter = word[:, i, None]
        ways = np.full((3, N, J + 1), np.inf)
        ways[0] = best + cost[letter, 0, 0]
        ways[1][:, 1:] = best[:, :-1] + cost[letter, said, 0]
        if J > 1:
            ways[2][:, 2:] = best[:, :-2] + cost[letter, said[:, :-1], said[:, 1:]]
        taken[i] = ways.argmin(0)
        best = ways.min(0)
    rows, j = np.arange(N), np.full(N, J)
    padded = np.concatenate([said, np.zeros((N, 2), np.int64)], 1)
    first, second = np.zeros((N, I), np.int64), np.zeros((N, I), np.int64)
    for i in range(I - 1, -1, -1):
        k = taken[i, rows, j]
        j = j - k
        first[:, i] = np.where(k > 0, padded[rows, j], 0)
        second[:, i] = np.where(k > 1, padded[rows, j + 1], 0)
    return first, second


def _keys(word: Numbers, n_letters: int, around: tuple[int, int]) -> Numbers:
    """A number for each letter with its neighbours."""
    before, behind = around
    padded = np.concatenate([np.zeros(before, np.int64), word, np.zeros(behind, np.int64)])
    found = np.zeros(len(word), np.int64)
    for k in range(before + behind + 1):
        found = found * n_letters + padded[k : k + len(word)]
    return found


def _rules(whole: Aligned, n_letters: int, around: tuple[int, int]) -> tuple[Numbers, Numbers]:
    """Neighbourhoods in order, and the most frequent chunk of each."""
    keys = np.concatenate([_keys(word, n_letters, around) for word, _chunks in whole])
    chunks = np.concatenate([chunk for _word, chunk in whole])
    order = np.lexsort((chunks, keys))
    keys, chunks = keys[order], chunks[order]
    new = np.append(True, (keys[1:] != keys[:-1]) | (chunks[1:] != chunks[:-1]))
    at = np.flatnonzero(new)
    counts = np.diff(np.append(at, len(keys)))
    order = np.lexsort((-counts, keys[at]))
    first = at[order]
    kept = np.append(True, keys[first][1:] != keys[first][:-1])
    return keys[first][kept], chunks[first][kept]
