"""A speaker that reads phonemes: they go with it, are asked for once, and what fails is told."""

import json
import shutil
from dataclasses import replace
from itertools import product

import numpy as np
import pytest

import gruta
from gruta import InputError, Speaker, Translator
from gruta.codec.audio.saying import END
from gruta.errors import OtherRun
from gruta.runtime import file
from gruta.tasks.conftest import PHONEMES, RATE, WORDS, spoken
from gruta.tasks.exporting import contents_of
from gruta.tasks.speak.phonemes import opened, word_error
from gruta.tasks.speak.report import report
from gruta.tasks.speak.task import TASK
from gruta.tasks.trained import Trained

SMALL = {
    "rate": RATE, "bands": 20, "hidden": 12, "embedding": 8, "encoder": 8, "prenet": 8,
    "together": 4, "batch_size": 8, "steps": 4, "validate_every": 2,
}  # fmt: skip
QUICK = {"hidden": 8, "embedding": 8, "layers": 1, "steps": 2, "batch_size": 8}


LONGER = ["".join(letters) for letters in product("abce", repeat=3)]
SOUNDS = [" ".join({"a": "AA", "b": "B", "c": "K", "e": "IY"}[c] for c in w) for w in LONGER]


@pytest.fixture(scope="module")
def place(tmp_path_factory):
    """A run of a speaker, whose phonemes came of a file that is gone by now."""
    place = tmp_path_factory.mktemp("runs")
    shutil.copy(PHONEMES, place / "phonemes.gruta")
    given = SMALL | {"phonemes": str(place / "phonemes.gruta")}
    Speaker(**given).fit(*spoken(24), run=place / "run")
    (place / "phonemes.gruta").unlink()
    return place


@pytest.fixture(scope="module")
def speaker(place):
    return Speaker.load(place / "run")


@pytest.fixture
def pronouncer():
    return opened(str(PHONEMES))


def test_words_become_phonemes_and_what_is_between_them_stays(pronouncer):
    found = pronouncer.units(["bee, cab", "a–ebb"])
    assert found == [["B", "IY", ",", " ", "K", "AA", "B"], ["AA", "–", "IY", "B"]]
    codec = opened(str(PHONEMES)).contents.codec
    assert set("".join(codec["target"]["units"]).split()) == {"AA", "B", "K", "IY"}


def test_each_word_is_asked_once_and_those_of_several_texts_together(pronouncer, monkeypatch):
    asked, model = [], pronouncer._model

    def told(words, **how):
        asked.append(list(words))
        return model(words, **how)

    monkeypatch.setattr(pronouncer, "_model", told)
    first = pronouncer.units(["bee cab bee", "cab a"])
    assert asked == [["bee", "cab", "a"]]
    assert pronouncer.units(["cab ace a", "日"])[0][:3] == first[1][:3]
    pronouncer.unseen("bee ace 日")
    assert [one for one in asked if one] == [["bee", "cab", "a"], ["ace"]]


def test_it_is_known_which_letters_were_guessed_and_which_words_have_no_phonemes(pronouncer):
    assert pronouncer.unseen("dad bee 日本") == ["d"]
    assert pronouncer.unsaid("dad bee 日本, 日本") == ["日本"]
    assert pronouncer.units(["日本"]) == [[]]


def test_capitals_and_apostrophes_are_those_that_the_translator_knows(tmp_path):
    capitals = [f"{word[0]}'{word[1:]}".upper() for word in LONGER]
    Translator(**QUICK).fit(capitals, SOUNDS, run=tmp_path / "run")
    found = opened(str(tmp_path / "run"))
    assert found.unseen("a’bce b'ca") == []
    assert found._cut("'a’bc' b'") == ["'", "a’bc", "'", " ", "b", "'"]


def test_vocabulary_is_of_the_training_part_alone(speaker):
    units = speaker.trained_.codec.units
    assert units.kind == "phonemes"
    assert set(units.signs) == {"AA", "B", "K", "IY", " ", END}


def test_a_run_says_new_words_where_the_translator_is_gone(speaker, place, tmp_path):
    found = speaker.say("Ebb cabe, dad 日本")
    assert found.phonemes.startswith("IY B ␣ K AA B IY ␣")
    assert set(found.unknown) == {",", "日本"}
    assert found.unseen == ["d"]
    assert found.pieces == [found.phonemes]
    speaker.export(tmp_path / "tones.gruta")
    speaker.save(tmp_path / "kept")
    model = gruta.load(tmp_path / "tones.gruta")
    sound = model("ebb cabe", seed=2)
    for one in (speaker, Speaker.load(tmp_path / "kept")):
        np.testing.assert_allclose(sound.samples, one.speak("ebb cabe", seed=2), atol=1e-5)
    assert model.say("ebb, cabe").phonemes == "IY B ␣ K AA B IY"
    assert model.units["read"] == "phonemes"
    assert str(place).encode() not in (tmp_path / "tones.gruta").read_bytes()


def test_inner_weights_stay_whole_where_the_others_are_rounded(speaker, tmp_path):
    speaker.export(tmp_path / "small.gruta", "int8")
    own = file.load(tmp_path / "small.gruta")
    assert (own.weights, own.inner.weights) == ("int8", "float32")
    assert own.inner.digest == file.load(PHONEMES).digest
    assert gruta.load(tmp_path / "small.gruta").say("cab").phonemes == "K AA B"


def test_a_phoneme_that_was_never_heard_is_left_out_and_told(tmp_path):
    x, y = spoken(40)
    kept = [i for i, text in enumerate(y) if "c" not in text]
    given = SMALL | {"phonemes": str(PHONEMES)}
    speaker = Speaker(**given).fit([x[i] for i in kept], [y[i] for i in kept])
    found = speaker.say("cab")
    assert (found.unknown, found.phonemes) == (["K"], "AA B")
    with pytest.raises(InputError, match="'c': no phoneme of it was in what the network was"):
        speaker.say("c")


def test_scores_report_and_look_are_of_phonemes(speaker):
    x, y = spoken(6, seed=9)
    found = speaker.evaluate(x, y, train=spoken(24))
    assert found.frame()["phonemes"][0] == found.said[0].phonemes
    assert [one.model for one in found.scores] == ["gru", "mean", "nearest"]
    told = report(speaker.trained_, found, [])
    said = f"Words are read as the phonemes that {speaker.settings.phonemes} gives them."
    assert told.sections[0].paragraphs[0] == said
    (table,) = told.sections[3].content
    assert table.columns[1].title == "phonemes"
    assert table.rows[0][1] == found.said[0].phonemes
    assert told.sections[2].content[0].alt.startswith("Which phoneme each step looked at")
    answer = TASK.answer(speaker.trained_, ["bee 日"])
    assert answer["phonemes"].to_list() == ["B IY"]
    look = TASK.look(speaker.trained_, ["bee cab"])
    assert look.labels["reader"] == ["B", "IY", "␣", "K", "AA", "B", "¶"]
    assert set(look.labels["maker"]) <= {*look.labels["reader"]}


def test_a_run_goes_on_with_the_same_phonemes_alone(place, tmp_path, monkeypatch):
    given = SMALL | {"phonemes": str(tmp_path / "p.gruta")}
    shutil.copy(PHONEMES, tmp_path / "p.gruta")
    Speaker(**given).fit(*spoken(24), run=tmp_path / "run")
    for name in ("model.safetensors", "codec.json", "inner.gruta"):
        expected = (place / "run" / name).read_bytes()
        assert (tmp_path / "run" / name).read_bytes() == expected
    Speaker(**given).fit(*spoken(24), run=tmp_path / "run", resume=True)
    contents = file.load(PHONEMES)
    name = next(n for n, one in contents.tensors.items() if one.array.ndim == 1)
    contents.tensors[name].array[:1] += 1
    file.save(tmp_path / "p.gruta", contents)
    with pytest.raises(OtherRun, match="started with another translate model beside it"):
        Speaker(**given).fit(*spoken(24), run=tmp_path / "run", resume=True)


def test_how_many_words_are_wrong_is_known_of_a_run_that_scored_them(tmp_path):
    assert word_error(str(PHONEMES)) is None
    (tmp_path / "scores.json").write_text(json.dumps({"scores": [{"exact": 0.75}]}))
    assert word_error(str(tmp_path)) == 0.25
    (tmp_path / "scores.json").write_text(json.dumps({"scores": [{"bleu": 9.0}]}))
    assert word_error(str(tmp_path)) is None


def refused(tmp_path, name):
    """A place that no phonemes come of, by name."""
    path = tmp_path / name
    if name == "damaged":
        path.write_bytes(PHONEMES.read_bytes()[:-9])
    elif name == "speaker":
        Speaker(**SMALL | {"steps": 1}).fit(*spoken(24), run=path)
    elif name == "words":
        Translator(**QUICK, source_units="words", fewest=1).fit(LONGER, SOUNDS, run=path)
    elif name == "characters":
        Translator(**QUICK, target_units="characters").fit(LONGER, SOUNDS, run=path)
    elif name == "strange":
        strange = [word.translate(str.maketrans("abce", "日本語文")) for word in LONGER]
        Translator(**QUICK).fit(strange, SOUNDS, run=path)
    elif name == "unfinished":
        Translator(**QUICK).fit(LONGER, SOUNDS, run=path)
        (path / "codec.json").unlink()
    return path


@pytest.mark.parametrize(
    ("name", "message"),
    [
        ("none", "expected a model file, found none; name a run of gruta train translate"),
        ("damaged", "not a whole file of gruta"),
        ("speaker", "expected a translate run, found 'speak'"),
        ("words", "expected characters that become phonemes .*; it reads words"),
        ("characters", "expected characters that become phonemes .* writes . characters"),
        ("unfinished", "codec.json is missing, the run is incomplete"),
        ("strange", r"has no phonemes for \d of \d different words, such as"),
    ],
)
def test_what_turns_no_words_into_phonemes_is_refused(name, message, tmp_path):
    path = refused(tmp_path, name)
    with pytest.raises(InputError, match=f"phonemes: {path}.*: {message}"):
        Speaker(**SMALL | {"phonemes": str(path)}).fit(*spoken(24), run=tmp_path / "run")
    assert not (tmp_path / "run").exists()


def test_a_model_file_without_its_phonemes_or_with_another_model_is_refused(speaker, tmp_path):
    contents = contents_of(speaker.trained_)
    plain = contents_of(Speaker(**SMALL | {"steps": 1}).fit(*spoken(24)).trained_)
    for inner, own, told in (
        (None, contents, "the model that phonemes come of is missing"),
        (plain, contents, "expected a translate model, found 'speak'"),
        (contents.inner, plain, "characters are read, and no model of phonemes"),
    ):
        path = tmp_path / "m.gruta"
        file.save(path, replace(own, inner=inner))
        with pytest.raises(InputError, match=rf"its parts do not fit together \({told}"):
            gruta.load(path)


def test_weights_inside_are_looked_at_like_all_others(speaker):
    contents = contents_of(speaker.trained_)
    architecture = dict(contents.inner.architecture) | {"hidden": 2**30}
    huge = replace(contents, inner=replace(contents.inner, architecture=architecture))
    with pytest.raises(InputError, match="do not fit together"):
        gruta.loads(huge.to_bytes())


def test_letters_are_read_as_before_where_no_phonemes_are_asked_for():
    speaker = Speaker(**SMALL | {"steps": 1}).fit(*spoken(24))
    trained: Trained = speaker.trained_
    assert trained.inner is None
    assert contents_of(trained).to_bytes()[8:].find(b'"format_version":"1"') > 0
    assert speaker.say("bee").phonemes is None
    assert trained.codec.to_json()["units"]["merges"] == []
    assert set("".join(WORDS)) >= set(trained.codec.units.signs) - {" ", END}
