"""The translator in Python: what it learns, how it is asked, what fails."""

import itertools
import json

import numpy as np
import polars as pl
import pytest
import torch

from gruta import Translator
from gruta.codec.text.beam import Beam, search
from gruta.codec.text.beam import Written as Numbered
from gruta.codec.text.pairs import END, NEVER_SEEN, PairCodec, Side, likely_kind
from gruta.codec.text.units import Units
from gruta.errors import InputError
from gruta.report.terminal import lines
from gruta.settings import resolve
from gruta.tasks.translate import head as of_head
from gruta.tasks.translate.answers import Answers
from gruta.tasks.translate.attention import attention_lines
from gruta.tasks.translate.baselines import simple_models
from gruta.tasks.translate.commands import Translated
from gruta.tasks.translate.conftest import backwards, sentences, sounds
from gruta.tasks.translate.evaluation import Expected, edits, evaluate, measures
from gruta.tasks.translate.parts import in_parts, read
from gruta.tasks.translate.report import verdict
from gruta.tasks.translate.settings import TranslateSettings
from gruta.tasks.translate.task import TASK
from gruta.tasks.translate.written import Written, written

SMALL = {
    "hidden": 24,
    "embedding": 16,
    "layers": 1,
    "batch_size": 32,
    "steps": 250,
    "validate_every": 125,
    "learning_rate": 0.02,
    "dropout": 0.1,
}
ASKED = ["the big dog", "fish sees the sun sea"]


@pytest.fixture(scope="module")
def table(tmp_path_factory):
    path = tmp_path_factory.mktemp("pairs") / "pairs.csv"
    sentences(400).write_csv(path)
    return path


@pytest.fixture(scope="module")
def translator(table):
    """Of sentences whose words it turns round."""
    return Translator(**SMALL).fit(table, run=table.with_name("run"))


def test_words_are_translated_in_another_order(translator, table):
    assert translator.predict(ASKED) == [backwards(one) for one in ASKED]
    found = translator.evaluate(table)
    assert found.scores[0].bleu > 90
    assert not found.lost_to
    assert [s.model for s in found.scores] == ["gru", "memory", "copy"]
    assert any("sacrebleu: nrefs:1|case:mixed" in note for note in found.notes)


@pytest.mark.parametrize(
    "how",
    [
        {"cell": "lstm", "attention": "additive"},
        {"cell": "rnn", "input_feeding": True, "layers": 2},
        {"attention": "none", "tied": False},
        {"shared": True, "source_units": "subwords", "target_units": "subwords", "layers": 3},
        {"sampling": 0.3, "smoothing": 0.0, "target_units": "characters"},
    ],
)
def test_every_kind_of_network_answers_as_it_was_trained(how):
    """Greedily, with and without PyTorch."""
    some = sentences(80)
    small = SMALL | {"steps": 6, "validate_every": 6, "hidden": 8}
    trained = Translator(**small | how).fit(some).trained_
    x = torch.from_numpy(trained.codec.source.encode(ASKED[0], 100))[:, None]
    said = [END]
    while len(said) <= trained.head.most(len(x)):
        with torch.no_grad():
            scores = trained.network(x, torch.tensor([len(x)]), torch.tensor(said)[:, None])[0]
        scores[..., 0] = -torch.inf
        said.append(int(scores[-1, 0].argmax()))
        if said[-1] == END:
            break
    (one,) = trained.head.translated([x[:, 0].numpy()], Beam(1))[0]
    assert one.numbers.tolist() == [number for number in said[1:] if number != END]


def test_several_texts_come_with_scores_the_best_first(translator):
    (texts,) = translator.nbest(ASKED[:1], best=3)
    assert [one.score for one in texts] == sorted((one.score for one in texts), reverse=True)
    assert len({one.text for one in texts}) == 3
    assert texts[0].text == backwards(ASKED[0])
    np.testing.assert_allclose(texts[0].attention.sum(1), 1, rtol=1e-5)
    assert texts[0].attention.shape == (3, 4)
    assert translator.nbest([]) == []


def test_answers_do_not_depend_on_the_texts_beside_them(translator):
    together = translator.nbest(sentences(40)["source"].to_list(), best=1)
    alone = translator.nbest(sentences(40)["source"].to_list()[7:8], best=1)
    assert together[7][0].text == alone[0][0].text
    assert together[7][0].score == pytest.approx(alone[0][0].score, rel=1e-4)


def test_attention_is_drawn_for_a_terminal(translator):
    (texts,) = translator.nbest(ASKED[:1], best=1)
    drawn = attention_lines(translator.trained_.codec, ASKED[0], texts[0])
    assert drawn[0].split() == backwards(ASKED[0]).split()
    assert [line.split()[0] for line in drawn[1:]] == ["the", "big", "dog", "↵"]
    assert "█" in "".join(drawn)


def test_what_training_has_not_seen_is_copied_along_the_attention():
    side = Side(Units("words", (" um", " o")))
    codec = PairCodec(Side(Units("words", (" a", " the"))), side, 10, shared=False)
    assert codec.source.encode("the zebra", 10).tolist() == [4, NEVER_SEEN, END]

    class Head:
        def translated(self, sources, how, copy):
            attention = np.array([[0.9, 0.1, 0.0], [0.2, 0.7, 0.1]], np.float32)
            return [[Numbered(np.array([4, NEVER_SEEN]), -1.0, attention)]]

    assert written(Head(), codec, ["the zebra"], None)[0][0].text == "o zebra"


def test_the_memory_answers_first_where_it_is_asked(table, translator):
    again = Translator.load(table.with_name("run"))
    parts = in_parts(read(table, again.settings), again.settings)
    known = parts.train.sources[0]
    (one, other) = again.nbest([f" {known} ", ASKED[0]], best=1, memory=True)
    assert (one[0].text, one[0].score) == (backwards(known), None)
    assert other[0].score is not None
    with pytest.raises(InputError, match="memory: no file is known"):
        Translator(**SMALL | {"steps": 1}).fit(sentences(60)).predict(["the"], memory=True)


def test_words_become_sounds_beside_rules():
    translator = Translator(**SMALL | {"steps": 20}, target_column="sounds").fit(sounds(300))
    codec = translator.trained_.codec
    assert (codec.source.units.kind, codec.target.units.kind) == ("characters", "words")
    found = translator.evaluate(sounds(300))
    by_name = {s.model: s for s in found.scores}
    assert by_name["rules"].exact > 0.95
    assert "rules" in found.lost_to  # after so few steps
    assert "wholly right" in TASK.verdict(found)
    assert lines(TASK.scores(found)).row_count == 4


def test_texts_of_one_source_stay_on_one_side():
    several = sounds(300)
    twice = pl.concat([several, several.with_columns(sounds=pl.col("sounds") + " X")])
    settings = resolve(TranslateSettings, {})
    parts = in_parts(read(twice, settings), settings)
    seen = set(parts.train.sources) | set(parts.validation.sources)
    assert not seen & set(parts.test.sources)
    assert not set(parts.train.sources) & set(parts.validation.sources)
    expected = Expected.of(parts.test)
    assert all(len(own) == 2 for own in expected.targets)
    right = [own[1] for own in expected.targets]
    best = {"bleu": pytest.approx(100), "chrf": 100, "exact": 1.0, "edit_rate": 0.0}
    assert measures(right, expected) == best


def test_no_group_and_no_source_is_in_two_parts():
    table = sentences(300).with_columns(file=pl.Series([f"f{i % 30}" for i in range(300)]))
    again = table.head(60).with_columns(file=pl.Series([f"f{i % 7}" for i in range(60)]))
    settings = resolve(TranslateSettings, {"group": "file", "validation_share": 0.2})
    parts = in_parts(read(pl.concat([table, again]), settings), settings)
    for one, other in itertools.combinations([parts.train, parts.validation, parts.test], 2):
        assert not set(one.groups) & set(other.groups)
        assert not set(one.sources) & set(other.sources)
    kept = len(parts.test) + len(parts.validation) + len(parts.train)
    assert 0 < parts.elsewhere == 360 - kept
    told = dict(parts.told())
    assert told["pairs left out, as another part has their source"] == str(parts.elsewhere)


def test_sources_of_a_test_file_are_kept_out_of_training(tmp_path):
    table = sentences(200).unique("source", maintain_order=True)
    test = table.head(20).with_columns(source="  " + pl.col("source").str.replace(" ", "  "))
    table.write_csv(tmp_path / "all.csv")
    test.write_csv(tmp_path / "test.csv")
    translator = Translator(**SMALL | {"steps": 2}, test=str(tmp_path / "test.csv"))
    trained = translator.fit(tmp_path / "all.csv", run=tmp_path / "run").trained_
    parts = in_parts(read(tmp_path / "all.csv", trained.settings), trained.settings)
    seen = {*parts.train.sources, *parts.validation.sources}
    assert seen == set(table["source"][20:])
    assert parts.elsewhere == len(parts.test) == 20
    held = TASK.held_out(tmp_path / "all.csv", trained.settings)
    found = TASK.evaluate(trained, **held)
    assert [s.model for s in found.scores] == ["gru", "memory", "copy"]
    note = "Training saw these pairs: name the test's file to score on that."
    assert note not in found.notes
    for train in (None, tmp_path / "all.csv"):
        assert note in translator.evaluate(tmp_path / "all.csv", train=train).notes
    alone = resolve(TranslateSettings, {"test": str(tmp_path / "all.csv")})
    with pytest.raises(InputError, match=r"test: .*has the sources of all pairs of .*all\.csv"):
        in_parts(read(tmp_path / "all.csv", alone), alone)


def test_other_pairs_are_scored_whether_or_not_they_have_the_runs_groups(tmp_path):
    groups = pl.Series([f"f{i % 30}" for i in range(120)])
    some = sentences(120).with_columns(file=groups)
    some.write_csv(tmp_path / "a.tsv", separator="\t")
    sentences(20).write_csv(tmp_path / "b.tsv", separator="\t")
    sentences(20).write_csv(tmp_path / "b.csv")
    translator = Translator(**SMALL | {"steps": 2}, group="file").fit(tmp_path / "a.tsv")
    tested = len(in_parts(read(some, translator.settings), translator.settings).test)
    assert 0 < len(translator.evaluate(tmp_path / "a.tsv").expected) <= tested < 120
    for other in ("b.tsv", "b.csv"):
        assert (
            len(translator.evaluate(tmp_path / other).expected)
            == sentences(20)["source"].n_unique()
        )


def test_long_texts_are_left_out_of_training_and_cut_when_asked(translator):
    table = sentences(100)
    long = pl.DataFrame({"source": ["the " * 10_000], "target": ["o " * 10_000]})
    settings = resolve(TranslateSettings, {"test_share": 0.0})
    parts = in_parts(read(pl.concat([table, long]), settings), settings)
    assert parts.left_out == 1
    assert dict(parts.told())["pairs left out, as too long"] == "1"
    opened = TASK.open(["the sea", "the " * 10_000], translator.settings, translator.trained_.codec)
    (repair,) = opened.repairs
    assert (repair.kind, repair.places, repair.done) == (
        "texts of more than 100 units",
        ("2",),
        "cut there",
    )
    assert len(translator.predict(opened)) == 2


def test_characters_never_seen_are_told(translator):
    opened = TASK.open(["the Ω sea", "ñ"], translator.settings, translator.trained_.codec)
    (repair,) = opened.repairs
    assert repair.kind == "words or characters that training has not seen"
    assert (repair.count, repair.places) == (2, ("Ω", "ñ"))
    assert len(translator.predict(opened)) == 2


def test_right_to_left_texts_are_written_in_their_own_order():
    words = {"the": "את", "sea": "ים", "sun": "שמש", "dog": "כלב"}
    draw = np.random.default_rng(0)
    sources = [" ".join(draw.choice(list(words), draw.integers(1, 5))) for _ in range(300)]
    targets = [" ".join(words[one] for one in text.split()) for text in sources]
    translator = Translator(**SMALL).fit(sources, targets)
    assert translator.predict(["the sun"]) == ["את שמש"]
    assert "את" in "".join(
        attention_lines(translator.trained_.codec, "the", translator.nbest(["the"])[0][0])
    )


@pytest.mark.parametrize(
    ("data", "how", "problem"),
    [
        (sentences(3), {}, "3 pairs are too few to train, validate and test on"),
        (sentences(60), {"longest": 1}, "longest: all texts are longer than 1 units"),
        (sentences(60), {"shared": True, "source_units": "words"}, "shared: .*same units on both"),
        (["the sea"], {}, "expected what each text becomes beside it, found texts alone"),
    ],
)
def test_what_cannot_be_trained_on_is_said(data, how, problem):
    with pytest.raises(InputError, match=problem):
        Translator(**SMALL | how).fit(data)


@pytest.mark.parametrize("text", ["", "  ", "\n"])
def test_an_empty_text_is_refused(translator, text):
    with pytest.raises(InputError, match="source 1: expected a text, got a blank one"):
        translator.predict([text])


def test_units_are_guessed_by_what_the_texts_are():
    assert likely_kind(["cat", "dog"]) == "characters"
    assert likely_kind(["K AE T", "D AO G", "T AE K"] * 9) == "words"
    assert likely_kind([f"the word{i} is here" for i in range(999)]) == "subwords"


@pytest.mark.parametrize(
    "text", ["我们今天去北京。", "はい、そうです", "ฉันจะไปตลาดเพื่อซื้อผลไม้และผักสดในตอนเช้า", "Hi, you"]
)
def test_sentences_without_blanks_are_no_single_words(text):
    texts = [f"{i}{text}" for i in range(300)]
    assert likely_kind(texts) == "subwords"
    assert not Expected.of(read((texts, texts), resolve(TranslateSettings, {}))).by_words
    assert likely_kind(["北京", "上海"]) == "characters"


def test_answers_in_units_of_another_kind_may_be_as_long_as_training_allows():
    numbers = [str(i) for i in range(200)]
    said = ["so many words as that " * 5] * 200
    trained = Translator(**SMALL | {"steps": 1}).fit(numbers, said).trained_
    assert trained.codec.source.units.kind != trained.codec.target.units.kind
    assert trained.head.most(np.array([3, 60])).tolist() == [101, 130]


def test_a_wide_beam_takes_fewer_sources_at_once(translator, monkeypatch):
    head, codec = translator.trained_.head, translator.trained_.codec
    asked = codec.sources(sentences(9)["source"])
    expected = [one[0].numbers.tolist() for one in head.translated(asked, Beam(4))]
    rows = []
    monkeypatch.setattr(
        of_head, "search", lambda *a, **k: rows.append(len(a[1])) or search(*a, **k)
    )
    for scores, most in ((1, 1), (3 * 4 * codec.target.size, 3), (2**24, 9)):
        monkeypatch.setattr(of_head, "_SCORES", scores)
        rows.clear()
        found = head.translated(asked, Beam(4))
        assert (max(rows), sum(rows)) == (most, 9)
        assert [one[0].numbers.tolist() for one in found] == expected


def test_the_memory_counts_the_last_pairs_which_is_told(monkeypatch):
    settings = resolve(TranslateSettings, {})
    train = read((["a b", "c d", "a e"], ["1", "2", "3"]), settings)
    expected = Expected.of(read((["a b", "d"], ["1", "2"]), settings))
    whole = simple_models(train, expected, None)
    assert (whole.answers["memory"][0], whole.notes) == (["1", "2"], [])
    monkeypatch.setattr("gruta.tasks.translate.baselines._REMEMBERED", 2)
    last = simple_models(train, expected, None)
    assert last.answers["memory"][0] == ["3", "2"]
    assert last.notes == ["The translation memory counts the last 2 of 3 pairs."]


def test_nothing_that_is_shown_reaches_the_terminal_as_a_command(tmp_path):
    bell, some = "\x1b]0;x\x07", sentences(60)
    some = some.with_columns(source=bell + " " + pl.col("source"), target=pl.lit(bell))
    small = SMALL | {"steps": 2, "target_units": "characters"}
    trained = Translator(**small).fit(some, run=tmp_path / "run").trained_
    asked = TASK.open([f"{bell} the Ω\x1b"], trained.settings, trained.codec)
    read = len(trained.codec.source.split(asked.sources[0])) + 1
    one = Written(bell, -1.0, list(bell), np.ones((len(bell), read), np.float32) / read)
    answers = Answers(asked.sources, [[one]])
    shown = [
        *Translated(answers, trained, 1, True).lines,
        *Translated(answers, trained, 2, False).lines,
    ]
    shown += [place for repair in asked.repairs for place in repair.places]
    looked = TASK.look(trained, asked)
    shown += [looked.shown, looked.answer, *itertools.chain(*looked.labels.values())]
    written_down = (tmp_path / "run" / "metrics.jsonl").read_text("utf-8")
    metrics = [json.loads(line) for line in written_down.splitlines()]
    told = [record["samples"] for record in metrics if "samples" in record]
    shown += [text for samples in told for two in samples.items() for text in two]
    assert told
    assert any("\ufffd" in text for text in shown)
    assert not [text for text in shown if "\x1b" in text or "\x07" in text]
    assert answers.frame()["translation"].to_list() == [bell]


def test_a_codec_that_is_none_is_refused():
    for content in ({}, {"source": 1, "target": None, "longest": 3}):
        with pytest.raises(InputError, match=r"codec\.json"):
            PairCodec.from_json(content)
    side = Side(Units("characters", ("a", "b")))
    codec = PairCodec(side, side, 7, shared=True)
    again = PairCodec.from_json(json.loads(json.dumps(codec.to_json())))
    assert again.to_json() == codec.to_json()


def test_edits_are_counted():
    assert [edits("abc", b) for b in ("abc", "", "xbc", "abcd", "bc", "cba")] == [0, 3, 1, 1, 1, 2]


def test_texts_too_short_for_bleu_are_judged_by_chrf(translator):
    some = ["the big cat", "a dog", "old house"]
    short = Expected.of(read((some, some), resolve(TranslateSettings, {})))
    scores = measures(some, short)
    assert (scores["bleu"], scores["chrf"], scores["exact"]) == (None, 100.0, 1.0)
    found = evaluate(translator.trained_, read((some, some), resolve(TranslateSettings, {})), None)
    assert [m.name for m in found.metrics if m.judged] == ["chrf"]
    assert "100.0 chrF (the text as it is)" in verdict(found)
