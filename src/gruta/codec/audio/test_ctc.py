"""CTC against all paths written out."""

import itertools

import numpy as np
import pytest

from gruta.codec.audio.ctc import align, frames_needed, greedy, log_softmax, nats, said, words
from gruta.codec.audio.ctc_beam import Beam, Silent, search
from gruta.codec.audio.language import Characters, Words, from_arrays

T, V = 5, 3


def frames(T=T, V=V, seed=0):
    return log_softmax(np.random.default_rng(seed).normal(size=(T, V)) * 2)


def all_texts(log_p):
    """By text: log-probabilities of all paths that say it, with the paths."""
    T, V = log_p.shape
    found = {}
    for path in itertools.product(range(V), repeat=T):
        numbers = np.array(path)
        own = float(log_p[np.arange(T), numbers].sum())
        found.setdefault(tuple(said(numbers).tolist()), []).append((own, path))
    return found


def summed(paths):
    return float(np.logaddexp.reduce([log_p for log_p, _path in paths]))


@pytest.mark.parametrize("seed", range(3))
def test_a_text_is_as_likely_as_all_its_paths(seed):
    log_p = frames(seed=seed)
    for text, paths in all_texts(log_p).items():
        assert nats(log_p, np.array(text, np.int64)) == pytest.approx(-summed(paths), rel=1e-12)
    assert nats(log_p, np.array([1, 1, 1, 1])) == np.inf
    assert nats(log_p[:0], np.zeros(0, np.int64)) == 0


@pytest.mark.parametrize("seed", range(3))
def test_an_alignment_is_the_likeliest_path(seed):
    log_p = frames(seed=seed)
    for text, paths in all_texts(log_p).items():
        found = align(log_p, np.array(text, np.int64))
        assert found.log_p == pytest.approx(max(paths)[0], rel=1e-12)
        path = np.array(max(paths)[1])
        for unit, a, b, sure in zip(text, found.first, found.last, found.sure, strict=True):
            assert (path[a : b + 1] == unit).all()
            assert sure == pytest.approx(np.exp(log_p[a : b + 1, unit].max()))


def test_a_text_that_does_not_fit_is_refused_by_the_alignment():
    assert frames_needed(np.array([1, 1, 2])) == 4
    with pytest.raises(ValueError, match="3 units do not fit into 3 frames"):
        align(frames(3), np.array([1, 1, 2]))
    assert np.isfinite(align(frames(4), np.array([1, 1, 2])).log_p)


def test_a_text_of_hundreds_of_characters_is_aligned():
    text = np.arange(200) % 2 + 1
    found = align(np.log(np.eye(3)[text] + 1e-9), text)
    assert np.array_equal(found.first, np.arange(200))


def test_greedy_reads_the_likeliest_path():
    path = np.array([0, 1, 1, 0, 1, 2, 2, 0])
    assert greedy(np.eye(3)[path]).tolist() == [1, 1, 2]
    assert greedy(np.eye(3)[[0, 0]]).tolist() == []


@pytest.mark.parametrize("seed", range(4))
def test_a_wide_beam_finds_the_likeliest_of_all_texts(seed):
    log_p = frames(seed=seed)
    expected = {text: summed(paths) for text, paths in all_texts(log_p).items()}
    found = search(log_p, Silent(V), 10_000, 10_000, least=0)
    tried = {tuple(one.text.tolist()): one.log_p for one in found}
    best = max(expected, key=expected.get)
    assert tuple(found[0].text.tolist()) == best
    for text, own in tried.items():
        assert own == pytest.approx(expected[text], abs=1e-6)
    assert [one.score for one in found] == sorted(tried.values(), reverse=True)


TEXTS = [np.array(t) for t in ([1, 2, 3, 1], [2, 3, 2], [1, 3, 1, 1], [2, 2, 3, 1, 3, 2])]


def languages(weight, bonus):
    """Of units 1 and 2, and words of them between 3."""
    one = Characters.count(TEXTS, TEXTS[:1], 4)
    other = Words.count(TEXTS, TEXTS[:1], 4, 3)
    return [one.weighed(weight, bonus), other.weighed(weight, bonus)]


@pytest.mark.parametrize("kind", [0, 1])
@pytest.mark.parametrize("seed", range(3))
def test_a_language_is_weighed_beside_the_frames(kind, seed):
    language = languages(0.7, 0.4)[kind]
    log_p = frames(5, 4, seed)
    expected = {}
    for text, paths in all_texts(log_p).items():
        numbers = np.array(text, np.int64)
        log_language, count = language.counted(numbers)
        expected[text] = summed(paths) + 0.7 * log_language + 0.4 * count
    best = max(expected, key=expected.get)
    found = search(log_p, language, 10_000, least=0)[0]
    assert tuple(found.text.tolist()) == best
    assert found.score == pytest.approx(expected[best], abs=1e-6)


def written_out(log_p, language, width):
    """The search as its paper has it: every longer text is made, then the best are kept."""
    places, followed = {(): language.begin()}, {(): (0.0, -np.inf)}
    gained = {(): 0.0}
    for row in log_p:
        met = {}

        def add(text, blank, unit, met=met):
            own = met.get(text, (-np.inf, -np.inf))
            met[text] = np.logaddexp(own[0], blank), np.logaddexp(own[1], unit)

        for text, (blank, unit) in followed.items():
            both = np.logaddexp(blank, unit)
            add(text, both + row[0], unit + row[text[-1]] if text else -np.inf)
            scores = language.scores(places[text])
            for k in range(1, len(row)):
                longer = (*text, k)
                places[longer] = language.after(places[text], k)
                gained[longer] = gained[text] + scores[k]
                add(longer, -np.inf, row[k] + (blank if text[-1:] == (k,) else both))
        ranked = sorted(met, key=lambda text: -(np.logaddexp(*met[text]) + gained[text]))
        followed = {text: met[text] for text in ranked[:width]}
    return {text: np.logaddexp(*own) for text, own in followed.items()}


@pytest.mark.parametrize("kind", [1, 2])
@pytest.mark.parametrize("width", [1, 3, 8])
def test_a_narrow_beam_follows_the_best_of_all_texts_that_a_frame_makes(kind, width):
    language = [*languages(0.7, 0.4), Silent(4)][kind]
    for seed in range(2):
        log_p = frames(20, 4, seed)
        expected = written_out(log_p, language, width)
        found = search(log_p, language, width, width, least=0)
        assert {tuple(one.text.tolist()) for one in found} == set(expected)
        for one in found:
            own = expected[tuple(one.text.tolist())]
            assert one.log_p == pytest.approx(own, rel=1e-9), one.text


def test_frames_that_come_in_pieces_give_the_same_texts():
    log_p, language = frames(40, 4), languages(0.7, 0.4)[1]
    whole = search(log_p, language, 8, 5)
    beam = Beam(language, 8)
    for start in range(0, 40, 7):
        beam.feed(log_p[start : start + 7])
    pieces = beam.found(5)
    assert [one.text.tolist() for one in pieces] == [one.text.tolist() for one in whole]
    assert [one.score for one in pieces] == [one.score for one in whole]


def test_texts_of_characters_and_of_words_have_probabilities_that_sum_to_1():
    for language in languages(1.0, 0.0):
        total, places = 0.0, [((), 0.0, language.begin())]
        for _unit in range(12):
            longer = []
            for text, log_p, place in places:
                scores = language.scores(place)
                if text[-1:] != (3,):  # a text ends with a word
                    total += np.exp(log_p + scores[0])
                longer += [
                    ((*text, u), log_p + scores[u], language.after(place, u))
                    for u in (1, 2, 3)
                    if log_p + scores[u] > -9
                ]
            places = longer
        assert 0.8 < total < 1.0 + 1e-9


def test_a_language_is_the_same_from_its_arrays():
    for language in languages(0.5, -1.0):
        again = from_arrays(language.to_arrays(), 4)
        assert type(again) is type(language)
        assert again.counted(TEXTS[3]) == pytest.approx(language.counted(TEXTS[3]), rel=1e-6)
        assert (again.weight, again.bonus) == (0.5, -1.0)
        spoilt = language.to_arrays() | {"weights": np.array([np.nan, 0.0])}
        with pytest.raises(ValueError, match="must be numbers"):
            from_arrays(spoilt, 4)


def test_words_have_times_and_are_as_sure_as_their_units():
    letters = "ab c"
    path = np.array([0, 1, 1, 0, 2, 3, 0, 0, 4, 4])
    log_p = np.log(np.eye(5)[path] * 0.8 + 0.04)
    found = words(align(log_p, np.array([1, 2, 3, 4])), letters)
    assert [(one.word, one.begin, one.end) for one in found] == [("ab", 1, 5), ("c", 8, 10)]
    assert found[0].sure == pytest.approx(0.84)
    assert words(align(log_p, np.zeros(0, np.int64)), "") == []
