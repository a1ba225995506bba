"""The classifier in Python: texts and series, streams, certainty, and what does not fit."""

import numpy as np
import pytest
from sklearn.base import clone
from sklearn.model_selection import cross_val_score
from sklearn.pipeline import make_pipeline

from gruta import Classifier
from gruta.codec.channels import Channels
from gruta.codec.classes import ClassCodec
from gruta.codec.text.vocabulary import FIRST, PADDING, UNKNOWN, Vocabulary
from gruta.data.subwords import learn_subwords
from gruta.errors import InputError
from gruta.report.page import render
from gruta.settings import resolve
from gruta.tasks.classify.answers import deciding
from gruta.tasks.classify.conftest import waves, words
from gruta.tasks.classify.evaluation import evaluate, measures
from gruta.tasks.classify.report import errors
from gruta.tasks.classify.settings import ClassifySettings
from gruta.tasks.classify.task import TASK

SMALL = {
    "hidden": 8,
    "embedding": 8,
    "batch_size": 16,
    "steps": 60,
    "validate_every": 10,
    "learning_rate": 0.02,
    "dropout": 0.1,
}


def texts(rows=120):
    table = words(rows)
    return table["text"].to_list(), table["label"].to_list()


@pytest.fixture(scope="module")
def reader():
    """A classifier of two languages."""
    return Classifier(**SMALL).fit(*texts())


@pytest.mark.parametrize("unit", ["characters", "grams", "words", "subwords"])
@pytest.mark.parametrize("pooling", ["mean+max", "last", "attention"])
def test_texts_are_told_apart_by_any_unit(unit, pooling):
    x, y = texts(200)
    classifier = Classifier(**SMALL | {"steps": 120}, unit=unit, pooling=pooling, subwords=60)
    assert classifier.fit(x[:150], y[:150]).score(x[150:], y[150:]) > 0.95


@pytest.mark.parametrize("cell", ["gru", "lstm", "rnn"])
def test_series_of_other_lengths_and_with_gaps_are_told_apart(cell):
    classifier = Classifier(**SMALL, cell=cell, layers=2, noise=0.1).fit(waves(120))
    assert classifier.trained_.codec.reader.gaps == (1,)
    assert classifier.evaluate(waves(120)).scores[0].accuracy > 0.9


@pytest.mark.parametrize("pooling", ["mean+max", "last", "mean", "max", "attention"])
def test_stream_ends_with_what_the_whole_case_gets(pooling):
    x, y = texts()
    classifier = Classifier(
        **SMALL | {"steps": 20}, bidirectional=False, layers=2, pooling=pooling
    ).fit(x, y)
    stream = list(classifier.predict_stream(x[0]))
    assert len(stream) == len(x[0]) + 2  # a step for each character, and both ends
    np.testing.assert_allclose(stream[-1], classifier.predict_proba(x[:1])[0], rtol=1e-4, atol=1e-6)
    half = classifier.predict_proba([x[0]])[0]
    assert not np.allclose(stream[2], half)


def test_stream_of_a_network_that_reads_backwards_is_refused(reader):
    with pytest.raises(InputError, match="train with bidirectional=False"):
        list(reader.predict_stream("the mar"))


def test_answers_do_not_depend_on_the_cases_beside_them(reader):
    x, _ = texts()
    together = reader.predict_proba(x)
    np.testing.assert_allclose(together[7], reader.predict_proba([x[7]])[0], rtol=1e-5)
    np.testing.assert_allclose(together.sum(1), 1)


def test_it_works_in_scikit_learns_tools():
    x, y = texts(60)
    classifier = Classifier(**SMALL | {"steps": 30})
    assert clone(classifier).get_params() == classifier.get_params()
    fitted = make_pipeline(classifier).fit(x, y)
    assert set(fitted.predict(x)) <= {"en", "pt"}
    assert len(cross_val_score(classifier, x, y, cv=2)) == 2


def test_labels_come_back_as_they_were_given(tmp_path):
    x, y = texts(90)
    numbers = np.array([20 if label == "en" else 3 for label in y])
    classifier = Classifier(**SMALL).fit(x, numbers)
    assert classifier.classes_.tolist() == [3, 20]
    classifier.save(tmp_path / "run")
    again = Classifier.load(tmp_path / "run")
    assert again.predict(x).dtype == numbers.dtype
    assert (again.predict(x) == numbers).mean() == again.score(x, numbers)
    names = {s.model: s.accuracy for s in again.evaluate(x, numbers.astype(str)).scores}
    assert names["words"] > 0.9  # columns of the simple models are those of the classes


def test_report_says_what_there_is_of_series_and_of_texts(reader):
    x, y = texts()
    classifier = Classifier(**SMALL | {"steps": 10}).fit(waves(120))
    pages = []
    for fitted, data in ((reader, (x, y)), (classifier, waves(120))):
        trained = fitted.trained_
        found = TASK.evaluate(trained, data)
        told = TASK.report(trained, found, fitted.metrics_)
        pages.append(render(told.title, told.lead, told.sections))
        sizes = {s.model: s.parameters for s in found.scores}
        assert all(size > 0 for model, size in sizes.items() if model != "nearest")
    of_texts, of_series = pages
    assert "Naive Bayes weighs" in of_texts
    assert "Naive Bayes weighs" not in of_series
    for page in pages:
        assert "with the lowest share of errors there" in page
        assert "Macro F1: of each class" in page
        assert "<td>yes</td>" in page


def test_few_errors_are_shown_once_and_many_from_both_ends(reader):
    trained, (x, y) = reader.trained_, texts()
    other = {"en": "pt", "pt": "en"}
    for wrong, titles in ((3, ["Errors, the surest first"]), (12, ["Surest errors", "Least sure"])):
        labels = [other[k] if i < wrong else k for i, k in enumerate(y)]
        found = evaluate(trained, TASK.open((x, labels), trained.settings), None)
        tables = [table for table in errors(trained, found) if table.rows]
        assert [t.caption.startswith(title) for t, title in zip(tables, titles, strict=True)]
        assert sum(len(table.rows) for table in tables) == len(found.cases) - round(
            found.scores[0].accuracy * len(found.cases)
        )


def test_rare_classes_weigh_as_much_if_asked():
    x, y = texts(200)
    few = [i for i, label in enumerate(y) if label == "en" or i % 8 == 0]
    x, y = [x[i] for i in few], [y[i] for i in few]
    plain, weighted = (
        Classifier(**SMALL | {"steps": 8}, class_weights=w).fit(x, y) for w in (False, True)
    )
    rare = [t for t, label in zip(x, y, strict=True) if label == "pt"]
    assert weighted.predict_proba(rare)[:, 1].mean() > plain.predict_proba(rare)[:, 1].mean()


def test_what_decided_is_the_word_that_tells():
    x, y = texts(200)
    classifier = Classifier(**SMALL | {"steps": 120}, unit="words", fewest=1).fit(x, y)
    trained = classifier.trained_
    encoded = trained.codec.encode(["mar uma sol"])[0]
    assert deciding(trained, encoded)[0] == 1


def test_cases_of_another_kind_or_class_are_refused(reader):
    with pytest.raises(InputError, match="series: expected text as the classifier was trained on"):
        reader.predict([np.zeros((3, 2))])
    with pytest.raises(InputError, match="expected the classes en, pt, found fr"):
        reader.evaluate(["le mar"], ["fr"])
    with pytest.raises(InputError, match="too few to train, validate and test on"):
        Classifier(**SMALL).fit(["a", "b"], ["x", "y"])


def test_texts_that_say_the_same_stay_together():
    x, y = texts(200)  # of some thirty different ones
    parts = TASK.read((x, y), resolve(ClassifySettings, {}))
    said = [set(part.cases) for part in (parts.train, parts.validation, parts.test)]
    assert not said[0] & said[1]
    assert not (said[0] | said[1]) & said[2]


def test_cases_that_training_saw_are_scored_with_a_word_of_it(tmp_path):
    words(90).write_csv(tmp_path / "train.csv")
    words(20).write_csv(tmp_path / "test.csv")
    classifier = Classifier(**SMALL, test=str(tmp_path / "test.csv")).fit(tmp_path / "train.csv")
    (tmp_path / "test.csv").unlink()
    (note,) = classifier.evaluate(tmp_path / "train.csv").notes
    assert "saw these cases" in note
    waves().write_csv(tmp_path / "waves.csv")
    with pytest.raises(InputError, match=r"waves\.csv: expected text, as in"):
        Classifier(**SMALL, test=str(tmp_path / "waves.csv")).fit(tmp_path / "train.csv")


def test_numbers_of_units_by_hand():
    found = Vocabulary.fit(["aba", "abc"], "characters", lower=False, fewest=2)
    assert found.units == ("a", "b")
    assert found.encode("bax").tolist() == [FIRST + 1, FIRST, UNKNOWN]
    assert found.encode("").tolist() == [UNKNOWN]
    grams = Vocabulary.fit(["ab", "abb"], "grams", lower=False, fewest=2)
    assert {"a", "b", "ab", "\x02a", "\x02ab"} <= set(grams.units)
    assert "bb" not in grams.units
    assert (grams.encode("ab") > PADDING).sum(1).tolist() == [1, 2, 3, 2]
    assert Vocabulary.from_json(grams.to_json()).units == grams.units


def test_subwords_are_those_of_the_library_that_learned_them():
    from tokenizers import Tokenizer, models, pre_tokenizers

    x, _ = texts(200)
    found = learn_subwords(x, False, 40)
    numbers = {unit: i for i, unit in enumerate(found.units)}
    library = Tokenizer(models.BPE(numbers, list(found.merges)))
    library.pre_tokenizer = pre_tokenizers.WhitespaceSplit()
    for text in [*x[:20], "mars sólo the", "".join(x).replace(" ", "")]:
        theirs = library.encode(" ".join("▁" + word for word in text.split())).tokens
        assert [part for part in found.split(text) if part in numbers] == theirs


def test_gaps_are_marked_and_scales_are_of_what_is_there():
    channels = Channels.fit(["a", "b"], [np.array([[0.0, 1], [2, np.nan]]), np.array([[4.0, 3]])])
    assert channels.gaps == (1,)
    encoded = channels.encode(np.array([[2.0, np.nan], [np.nan, 2]]))
    assert encoded[0].tolist() == [0, 0, 1]
    assert encoded[1].tolist() == [0, 0, 0]


def test_scores_by_hand_and_certainty_that_is_not_more_than_the_share_right():
    p = np.array([[0.9, 0.1], [0.6, 0.4], [0.2, 0.8], [0.3, 0.7]])
    found = measures(np.array([0, 1, 1, 1]), p)
    assert found["accuracy"] == 0.75
    assert found["macro_f1"] == pytest.approx((2 / 3 + 4 / 5) / 2)
    assert found["log_loss"] == pytest.approx(-np.log([0.9, 0.4, 0.8, 0.7]).mean())
    codec = ClassCodec(Channels.fit(["a"], [np.ones((2, 1))]), ("x", "y"), (1, 1), 9)
    scores = np.tile(np.float32([[3, 0]]), (20, 1))
    sure = codec.tempered(scores, np.zeros(20, np.int64)).probabilities(scores)[0, 0]
    assert sure <= 21 / 22
    unsure = codec.tempered(scores, np.arange(20) % 2).probabilities(scores)[0, 0]
    assert unsure < 0.7
