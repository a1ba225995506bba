"""The text generator learns what is regular, writes it, and is scored beside n-grams."""

import itertools
from contextlib import contextmanager
from types import SimpleNamespace

import numpy as np
import pytest
import torch

from gruta import TextGenerator
from gruta.codec.text.graphemes import Shown
from gruta.codec.text.ngram import NGram
from gruta.errors import InputError
from gruta.tasks.generate.commands import scored
from gruta.tasks.generate.conftest import rhyme
from gruta.tasks.generate.dynamic import STRETCH
from gruta.tasks.generate.evaluation import last
from gruta.tasks.generate.generation import Text
from gruta.tasks.generate.sampled import Noise
from gruta.tasks.generate.task import TASK
from gruta.train import Progress

SHORT = {"hidden": 24, "embedding": 8, "steps": 150, "batch_size": 8, "tbptt": 32}


@pytest.fixture(scope="module")
def generator():
    return TextGenerator(**SHORT, learning_rate=0.01, validate_every=50).fit([rhyme()])


def test_what_it_writes_is_like_what_it_read(generator):
    (text,) = generator.generate("o mar", length=200, temperature=0.5)
    words = set(text.split()[1:-1])
    assert len(words & set(rhyme().split())) > 0.6 * len(words)


def test_the_same_seed_writes_the_same_and_pieces_are_the_whole(generator):
    how = {"length": 60, "seed": 3}
    (text,) = generator.generate("o", **how)
    assert "".join(generator.stream("o", **how)) == text
    assert generator.generate("o", length=60, seed=4) != [text]


def test_texts_made_side_by_side_are_those_of_their_draws(generator):
    several = generator.generate("o", length=40, count=3)
    assert len(set(several)) == 3
    assert all(len(text) == 40 for text in several)


def test_it_ends_before_a_stop(generator):
    (text,) = generator.generate("o mar", length=300, stop=("\n",))
    assert "\n" not in text
    assert len(text) < 300


def test_score_is_that_of_every_unit_on_its_own(generator):
    trained, text = generator.trained_, "o sol e o mar"
    numbers = np.concatenate([trained.codec.before, trained.codec.encode(text)])
    head, state, total, alone = trained.head, trained.head.start(), 0.0, 0.0
    places = head.mixture.ngram.after(numbers[:1])[None]
    for now, then in itertools.pairwise(numbers):
        logits = head.step(np.array([now]), state)
        total -= head.mixture.scores(logits, places)[0, then]
        alone -= logits[0, then] - np.log(np.exp(logits[0]).sum())
        places = head.mixture.ngram.moved(places, np.array([then]))
    assert generator.score([text]) == pytest.approx(-total / np.log(2) / len(text), rel=1e-5)
    both, network, *_simple = generator.evaluate([text]).scores
    assert (both.model, network.model) == (f"gru+{head.mixture.ngram.order}-gram", "gru")
    assert network.nats * len(text) == pytest.approx(alone, rel=1e-5)


def test_a_text_is_scored_before_it_is_learned_from(generator):
    """The first stretch costs what it costs anyhow, and later ones know of all before alone."""
    how = {"dynamic": 0.003}
    text, other = rhyme(300), "xyzzy" * 40
    first = TASK.scored(generator.trained_, [text[:STRETCH]], **how).frame()["nats"]
    longer = TASK.scored(generator.trained_, [text[:200] + other], **how)
    plain = TASK.scored(generator.trained_, [text[:STRETCH]]).frame()["nats"]
    np.testing.assert_allclose(first, plain, rtol=1e-4)
    before = TASK.scored(generator.trained_, [text[:200]], **how).frame()["nats"]
    np.testing.assert_allclose(longer.frame()["nats"][:200], before, rtol=1e-4)


def test_learning_as_it_reads_makes_a_new_text_likelier_and_leaves_the_network_alone(generator):
    text = "a chuva cai, a rua fica só\n" * 30
    alone = generator.score([text])
    assert generator.score([text], dynamic=0.003) > alone
    assert generator.score([text]) == alone
    found = TASK.scored(generator.trained_, [text, text], dynamic=0.003)
    one, other = found.nats
    np.testing.assert_array_equal(one, other)
    gram = f"{generator.trained_.head.mixture.ngram.order}-gram"
    names = ["dynamic-gru+" + gram, "dynamic-gru", "gru+" + gram, "gru", gram, "dynamic-" + gram]
    assert [own.model for own in found.scores] == names
    assert found.lost_to == [] or "dynamic" in found.lost_to[0]
    with torch.inference_mode():
        assert generator.score([text, text], dynamic=0.003) == -found.scores[0].bits


@pytest.mark.parametrize("units", ["words", "subwords", "bytes"])
def test_progress_counts_the_units_that_are_read(units, tmp_path):
    run, asked, told = tmp_path / "run", [], []

    class Shown(Progress):
        def step(self, metrics):
            told.append(metrics["step"])

    @contextmanager
    def progress(_title, steps):
        asked.append(steps)
        yield Shown()

    TextGenerator(**SHORT | {"steps": 2}, units=units).fit([rhyme()]).save(run)
    call = SimpleNamespace(
        run=run, given={}, how={"dynamic": 0.001}, tell=id, progress=progress, source=[rhyme(90)]
    )
    scored(call)
    assert asked == told[-1:]


def test_counts_that_are_gone_are_missed(generator, tmp_path):
    generator.save(tmp_path / "run")
    (tmp_path / "run" / "counted.safetensors").unlink()
    with pytest.raises(InputError, match="do not fit together"):
        TextGenerator.load(tmp_path / "run")


def test_without_counts_the_network_stands_alone():
    generator = TextGenerator(**SHORT | {"steps": 2}, ngram=False).fit([rhyme()])
    assert generator.trained_.head.mixture is None
    assert [one.model for one in generator.evaluate([rhyme()]).scores][:2] == ["gru", "unigram"]


def test_ngram_of_the_order_that_suits_the_validation_part_stands_beside(generator):
    found = generator.evaluate([rhyme()])
    _both, _network, unigram, ngram = found.scores
    assert ngram.model.endswith("-gram")
    assert ngram.bits < unigram.bits
    text = found.texts.texts[0].text
    units = generator.trained_.codec
    train = units.encode(rhyme()[: -len(text)])
    longer = NGram.count([train], units.size, 1).probabilities(units.encode(text))
    assert unigram.bits == pytest.approx(-np.log2(longer).mean(), rel=0.01)


def test_the_frame_has_every_unit_and_the_surprises_are_its_largest(generator):
    found = generator.evaluate([rhyme()])
    frame = found.frame()
    assert "".join(frame["unit"]).replace("␣", " ").replace("↵", "\n") == found.texts.texts[0].text
    assert found.surprises(1)[0].nats == pytest.approx(frame["nats"].max())


@pytest.mark.parametrize("units", ["bytes", "words", "subwords"])
def test_other_units_are_learned_and_scored_by_the_character(units):
    short = SHORT | {"steps": 4, "vocabulary": 300, "units": units}
    generator = TextGenerator(**short).fit([rhyme()])
    found = generator.evaluate([rhyme()])
    network = found.scores[0]
    assert network.nats == pytest.approx(network.bits * np.log(2))
    assert generator.generate("mar", length=5)[0]


def test_what_training_never_saw_is_read_all_the_same(generator):
    assert generator.generate("家 שלום e\u0301", length=5)
    with_unknown = generator.evaluate(["o mar 家"])
    assert "unknown to the network" in " ".join(with_unknown.notes)
    assert np.isfinite(with_unknown.scores[0].bits)


def test_of_very_long_texts_ngrams_count_the_end_alone(generator, monkeypatch):
    monkeypatch.setattr("gruta.tasks.generate.evaluation.MOST_COUNTED", 1000)
    found = generator.evaluate([rhyme()])
    assert "count the last 1,000 units" in " ".join(found.notes)
    texts = [np.arange(5), np.arange(4)]
    assert [list(text) for text in last(texts, 6)] == [[3, 4], [0, 1, 2, 3]]
    assert [list(text) for text in last(texts, 4)] == [[0, 1, 2, 3]]


def test_half_a_character_is_refused(generator):
    for ask in (lambda: generator.generate("o \udce9"), lambda: generator.score(["o \udce9"])):
        with pytest.raises(InputError, match="half of a character at 3"):
            ask()


def test_a_text_of_one_character_and_a_short_one_are_learned():
    assert TextGenerator(**SHORT | {"steps": 2}).fit(["a" * 400]).score(["aaa"]) < 0
    with pytest.raises(InputError, match="give more text"):
        TextGenerator(**SHORT).fit(["abcde" * 5])


def test_nothing_is_cut_inside_a_grapheme():
    shown = Shown()
    pieces = [shown.add(one) for one in "ae\u0301\U0001f469\u200d\U0001f4bb!"]
    pieces.append(shown.end())
    assert [piece for piece in pieces if piece] == [
        "a",
        "e\u0301",
        "\U0001f469\u200d\U0001f4bb",
        "!",
    ]


def test_what_may_begin_a_stop_is_held_back(generator):
    units = generator.trained_.codec
    text = Text(units, ("mar",))
    pieces = [text.add(int(number)) for number in units.encode("o ma o mar e")]
    assert "".join(pieces) + text.end() == "o ma o "
    assert text.over


def test_a_test_of_its_own_is_a_file_and_not_learned_from(tmp_path):
    for name in ("a", "b", "c"):
        (tmp_path / f"{name}.txt").write_text(rhyme(40 + ord(name)), "utf-8")
    short = SHORT | {"steps": 2}
    generator = TextGenerator(**short, test=str(tmp_path / "b.txt"))
    generator.fit(tmp_path)
    trained = generator.trained_
    parts = trained.task.read(tmp_path, trained.settings)
    assert rhyme(40 + ord("b")) not in {one.text for one in parts.train.texts}
    assert len(generator.evaluate(tmp_path / "b.txt", train=tmp_path).scores) == 4
    with pytest.raises(InputError, match="no file or folder"):
        TextGenerator(**short, test="tset.txt").fit([rhyme()])


@pytest.mark.parametrize(
    ("given", "message"),
    [
        ({"encoding": "utf-9"}, "encoding: expected a name"),
        ({"transpose": 3}, "transpose: says nothing of characters"),
        ({"units": "notes", "tied": False}, "tied: says nothing of notes"),
        ({"fewest": 10**6}, "fewest: nothing comes so often"),
    ],
)
def test_settings_that_do_not_go_together_are_refused(given, message):
    with pytest.raises(InputError, match=message):
        TextGenerator(**SHORT, **given).fit([rhyme()])


def test_more_texts_than_memory_takes_are_refused(generator, monkeypatch):
    monkeypatch.setattr("gruta.tasks.generate.generation.MOST", 100)
    with pytest.raises(InputError, match="expected at most"):
        generator.generate(count=50)


def test_a_softmax_sampled_from_many_is_the_whole_one():
    torch.manual_seed(0)
    x, matrix, bias = torch.randn(7, 3, 5), torch.randn(20, 5), torch.randn(20)
    units = torch.randint(20, (7, 3))
    whole = torch.nn.functional.cross_entropy((x @ matrix.T + bias).flatten(0, 1), units.flatten())
    found = Noise(np.arange(20), 20_000).loss(x, units, matrix, bias)
    torch.testing.assert_close(found, whole)


def test_a_sampled_softmax_learns_what_the_whole_one_does():
    how = SHORT | {"units": "words", "steps": 100, "learning_rate": 0.01, "ngram": False}
    whole, sampled = (TextGenerator(**how, sampled=n).fit([rhyme()]) for n in (0, 4))
    assert sampled.score([rhyme()]) < 1.2 * whole.score([rhyme()])
