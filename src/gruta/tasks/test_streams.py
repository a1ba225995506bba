"""A stream says what the whole says, alone or among others, and after it was kept somewhere."""

import datetime
from concurrent.futures import ThreadPoolExecutor

import numpy as np
import polars as pl
import pytest

from gruta.errors import InputError
from gruta.tasks.classify.conftest import waves
from gruta.tasks.conftest import made, spoken, tones
from gruta.tasks.forecast.conftest import hourly
from gruta.tasks.generate.conftest import rhyme
from gruta.tasks.generate.notes.conftest import as_rolls, tunes

POOLINGS = ["last", "mean", "max", "mean+max", "attention"]


@pytest.fixture(params=POOLINGS, scope="module")
def classifier(request, tmp_path_factory):
    cell = "lstm" if request.param == "max" else "gru"
    own = {"bidirectional": False, "pooling": request.param, "cell": cell, "layers": 2}
    return made(tmp_path_factory.mktemp("waves"), "classify", waves(), **own)


@pytest.fixture(scope="module")
def writer(tmp_path_factory):
    own = {"embedding": 5, "tbptt": 16, "layers": 2, "cell": "lstm"}
    return made(tmp_path_factory.mktemp("rhyme"), "generate", rhyme(), "data.txt", **own)


@pytest.fixture(scope="module")
def composer(tmp_path_factory):
    own = {"units": "notes", "frames": 1, "embedding": 5, "tbptt": 16}
    place = tmp_path_factory.mktemp("tunes")
    return made(place, "generate", as_rolls(tunes(30)), "data.json", **own)


def two_shops():
    """Two series with a gap, a covariate that is known, one that is not, and one of texts."""
    tables = []
    for i, shop in enumerate(("north", "south")):
        table = hourly().with_columns(
            pl.lit(shop).alias("shop"),
            pl.col("y") * (1 + i) - 20 * i,
            pl.when(pl.col("plan") > 0)
            .then(pl.lit("open"))
            .otherwise(pl.lit("shut"))
            .alias("door"),
        )
        gap = (pl.int_range(pl.len()) == 57) & pl.lit(i == 1)
        tables.append(table.with_columns(pl.when(gap).then(None).otherwise(pl.col("y")).alias("y")))
    return pl.concat(tables)


FORECASTERS = {
    "plain": (hourly, {}),
    "masked outliers": (hourly, {"outliers": "mask", "quantiles": (0.5,)}),
    "differences": (hourly, {"transform": "difference", "cell": "lstm"}),
    "recursive": (hourly, {"strategy": "recursive", "block": 2}),
    "two": (
        two_shops,
        {"series": "shop", "known": ("plan", "door"), "past": ("wind",), "gaps": "mask",
         "embedding": "3"},
    ),
}  # fmt: skip


@pytest.fixture(params=FORECASTERS, scope="module")
def forecaster(request, tmp_path_factory):
    table, own = FORECASTERS[request.param]
    own = {"horizon": 4, "lookback": 12} | own
    return made(tmp_path_factory.mktemp("series"), "forecast", table(), **own), table()


def test_a_series_in_pieces_is_of_the_class_of_the_whole(classifier):
    rng = np.random.default_rng(2)
    cases = [rng.normal(size=(n, 2)) for n in (9, 1, 14)]
    streams = [classifier.stream() for _case in cases]
    for start, size in [(0, 1), (1, 4), (5, 9)]:
        for stream, case in zip(streams, cases, strict=True):
            if len(case) > start:
                stream.accept(case[start] if size == 1 else case[start : start + size].tolist())
        streams = [classifier.restore(stream.to_bytes()) for stream in streams]
        classifier.advance(streams)
        assert not any(stream.ready() for stream in streams)
        seen = [case[: start + size] for case in cases]
        expected = classifier(seen).probabilities
        found = [stream.result() for stream in streams]
        np.testing.assert_allclose(found, expected, rtol=1e-5, atol=1e-5)
    streams[0].reset()
    streams[0].accept(cases[2])
    streams[0].advance()
    np.testing.assert_allclose(streams[0].result(), expected[2], atol=1e-6)


def test_texts_grow_side_by_side_to_what_each_is_alone(writer):
    how = [
        {"prompt": "a casa", "seed": 1},
        {"prompt": "", "seed": 2, "temperature": 1.5, "top_k": 4},
        {"prompt": "o mar e a lua", "seed": 3, "repetition_penalty": 1.4},
        {"prompt": "a", "seed": 1},
    ]
    streams = [writer.stream(**one) for one in how]
    for _step in range(12):
        writer.advance(streams)
    streams = [writer.restore(one.to_bytes()) for one in streams]
    for _step in range(12):
        writer.advance(streams[::-1])
    for one, stream in zip(how, streams, strict=True):
        assert [stream.result()] == writer(length=24, **one)
        stream.reset()
        stream.advance()
        assert [stream.result()] == writer(length=1, **one)


def test_threads_may_advance_streams_of_one_model_at_once(classifier, writer):
    rng = np.random.default_rng(4)
    cases = [rng.normal(size=(30, 2)) for _stream in range(8)]

    def read(case):
        stream = classifier.stream()
        for row in case:
            stream.accept(row)
            stream.advance()
        return stream.result()

    def written(seed):
        stream = writer.stream("a casa", seed=seed)
        for _step in range(30):
            stream.advance()
        return stream.result()

    with ThreadPoolExecutor(8) as pool:
        found, texts = list(pool.map(read, cases)), list(pool.map(written, range(8)))
    np.testing.assert_array_equal(found, [read(case) for case in cases])
    assert texts == [written(seed) for seed in range(8)]


def test_what_is_accepted_is_a_part_of_the_text(writer):
    stream, whole = writer.stream("a casa ", seed=5), writer.stream("a casa fica e o mar ", seed=5)
    stream.accept("fica e o mar ")
    for one in (stream, whole):
        for _step in range(8):
            one.advance()
    assert stream.result() == "fica e o mar " + whole.result()


def test_music_grows_to_what_it_is_alone(composer):
    how = [
        {"opening": [[60, 64], [60], []], "seed": 3},
        {"seed": 4, "temperature": 1.5},
        {"opening": np.eye(88, dtype=bool)[40:45], "top_k": 3},
    ]
    streams = [composer.stream(**one) for one in how]
    for _step in range(5):
        composer.advance(streams)
    streams = [composer.restore(one.to_bytes()) for one in streams]
    for _step in range(5):
        composer.advance(streams)
    for one, stream in zip(how, streams, strict=True):
        found, (expected,) = stream.result(), composer(length=10, **one)
        for part in ("sounding", "struck", "places"):
            np.testing.assert_array_equal(getattr(found, part), getattr(expected, part))


def given_at(model, table, rows):
    """What a model is called with of the first rows, and of a stream's beginning."""
    encoding = model.codec.encoding
    columns = {name: table[name].to_list() for name in encoding.columns.known}
    known = {name: own[: rows + model.horizon] for name, own in columns.items()}
    past = {name: table[name][:rows].to_list() for name in encoding.columns.past}
    begin = {"start": table["ds"][0]}
    if encoding.columns.series:
        begin["series"] = table["shop"][0]
    y = np.array(table["y"][:rows].to_list(), float)
    return begin, {"target": y, "known": known, "past": past}


@pytest.mark.parametrize("forecaster", ["two"], indirect=True)
def test_a_gap_at_the_end_is_among_the_steps_to_come(forecaster):
    model, table = forecaster
    begin, given = given_at(model, table.partition_by("shop")[1], 180)
    given["target"][-2:] = np.nan
    stream, expected = model.stream(**begin), model(**begin, **given)
    stream.accept(**given)
    stream.advance()
    assert stream.result().times.tolist() == expected.times.tolist()
    np.testing.assert_allclose(stream.result().quantiles, expected.quantiles)


def test_rows_as_they_come_are_forecast_from_as_the_whole_is(forecaster):
    model, table = forecaster
    tables = table.partition_by("shop") if "shop" in table.columns else [table]
    tables = [one[:300] for one in tables]
    begun = 180
    streams = []
    for one in tables:
        begin, given = given_at(model, one, begun)
        stream = model.stream(**begin)
        stream.accept(**given)
        streams.append(stream)
    for rows in range(begun, 296):
        if rows > begun:
            for stream, one in zip(streams, tables, strict=True):
                begin, given = given_at(model, one, rows)
                stream.accept(
                    given["target"][-1],
                    known={name: own[-1] for name, own in given["known"].items()},
                    past={name: own[-1] for name, own in given["past"].items()},
                )
        model.advance(streams)
        if rows % 23:
            continue
        streams = [model.restore(stream.to_bytes()) for stream in streams]
        for stream, one in zip(streams, tables, strict=True):
            begin, given = given_at(model, one, rows)
            expected, found = model(**begin, **given), stream.result()
            assert found.times.tolist() == expected.times.tolist()
            np.testing.assert_array_equal(found.quantiles, expected.quantiles)
    if model.codec.encoding.outliers is None or model.codec.encoding.outliers.policy == "flag":
        assert all(stream.dropped for stream in streams)


def test_forecasts_made_together_have_the_bits_of_each_alone(forecaster):
    model, table = forecaster
    table = table.partition_by("shop")[0] if "shop" in table.columns else table
    begin, given = given_at(model, table, 180)
    together, alone = [], []
    for k in range(23):
        moved = given | {"target": given["target"] * (1 + k / 7)}
        for streams in (together, alone):
            streams.append(model.stream(**begin))
            streams[-1].accept(**moved)
        alone[-1].advance()
    model.advance(together)
    for one, other in zip(together, alone, strict=True):
        np.testing.assert_array_equal(one.result().quantiles, other.result().quantiles)


@pytest.fixture(scope="module")
def recogniser(tmp_path_factory):
    own = {"direction": "forward", "layers": 2, "cell": "lstm", "filters": 2, "rate": 8000}
    return made(tmp_path_factory.mktemp("tones"), "transcribe", tones(), "data.npz", **own)


@pytest.mark.parametrize("how", [{}, {"beam": 1, "ngram": False}], ids=str)
def test_sound_in_pieces_is_heard_as_the_whole_is(recogniser, how):
    sounds = [*spoken(3)[0], np.zeros(4000, np.float32)]
    streams = [recogniser.stream(**how) for _sound in sounds]
    for start, size in [(0, 100), (100, 1900), (2000, 7000), (9000, 99000)]:
        for stream, sound in zip(streams, sounds, strict=True):
            if len(sound) > start:
                stream.accept(sound[start : start + size])
        streams = [recogniser.restore(stream.to_bytes()) for stream in streams]
        recogniser.advance(streams)
        assert not any(stream.ready() for stream in streams)
    for stream in streams:
        stream.finish()
    recogniser.advance(streams)
    for stream, (whole,) in zip(streams, recogniser.heard(sounds, **how), strict=True):
        found = stream.heard()
        assert stream.result() == found.text == whole.text
        assert [word.word for word in found.words] == [word.word for word in whole.words]
        assert found.score == pytest.approx(whole.score, rel=1e-4)
    assert streams[0].result()
    assert streams[-1].result() == ""
    with pytest.raises(InputError, match="the recording is at its end; reset the stream"):
        streams[0].accept(sounds[0])
    streams[0].reset()
    assert streams[0].result() == ""


def test_a_stream_of_another_model_is_refused(writer, composer):
    state = writer.stream("a").to_bytes()
    with pytest.raises(InputError, match="state: of another model than this one"):
        composer.restore(state)
    with pytest.raises(InputError, match="expected streams of this model"):
        composer.advance([writer.stream("a")])
    stream = writer.stream("a")
    with pytest.raises(InputError, match="expected each stream once"):
        writer.advance([stream, stream])
    with pytest.raises(InputError, match="state: not a whole file of gruta"):
        writer.restore(state[:-4])
    with pytest.raises(InputError, match="of the kind 'gruta-stream', found 'gruta-model'"):
        writer.restore(b"".join([(79).to_bytes(8, "little"), MODEL_HEADER]))


MODEL_HEADER = b'{"__metadata__":{"format":"gruta-model","format_version":"1"}}'.ljust(79)

Y = [20.0 + (i % 24) for i in range(60)]
T0 = "2024-01-01T00:00"
MISFITS = {
    r"target: expected shape \[steps\], got \[1, 60\]": {"target": [Y]},
    r"target: expected real numbers of shape \[steps\], got <U4": {"target": ["1", "many"]},
    r"target: expected a number at \[3\], found NaN; training had no gaps": {
        "target": [1, 2, 3, float("nan"), 5]
    },
    r"target: expected numbers, found None": {"target": [1.0, None]},
    r"target: expected finite numbers": {"target": [1.0, float("inf")]},
    r"target: expected at least one value": {"target": []},
    r"start: expected the stamp of the first value": {"start": None},
    r"start: expected a stamp such as .*, got 5": {"start": 5},
    r"times\[2\]: expected 2024-01-01 02:00, a step of 1h": {
        "start": None,
        "target": Y[:3],
        "times": ["2024-01-01T00", "2024-01-01T01", "2024-01-01T03"],
    },
    r"known: expected the columns none; missing: none; unknown: plan": {"known": {"plan": Y}},
    r"horizon: expected at most the 4 steps": {"horizon": 5},
    r"target: 5 rows with a target, but a forecast needs the last": {"target": Y[:5]},
}


@pytest.mark.parametrize("message", MISFITS)
@pytest.mark.parametrize("forecaster", ["plain"], indirect=True)
def test_what_a_forecaster_cannot_take_is_named(forecaster, message):
    model, _table = forecaster
    with pytest.raises(InputError, match=f"^{message}"):
        model(**{"target": Y, "start": T0, "times": None} | MISFITS[message])


@pytest.mark.parametrize("forecaster", ["plain", "masked outliers"], indirect=True)
def test_stamps_may_be_dates_of_python_or_numpy(forecaster):
    model, table = forecaster
    y = table["y"][:200].to_numpy()
    times = (np.datetime64(T0, "us") + np.arange(200) * np.timedelta64(1, "h")).tolist()
    expected = model(y, start=T0).quantiles
    for how in ({"start": datetime.datetime(2024, 1, 1)}, {"times": times}):
        np.testing.assert_array_equal(model(y, **how).quantiles, expected)
    np.testing.assert_array_equal(model.many([{"target": y, "start": T0}])[0].quantiles, expected)


def test_what_a_classifier_cannot_take_is_named(classifier):
    good = np.ones((3, 2))
    for cases, message in [
        ("abc", r"cases: expected a list of arrays \[steps, 2\], got str"),
        ([good[0]], r"cases\[0\]: expected shape \[steps, 2\], got \[2\]"),
        ([good, good[:, :1]], r"cases\[1\]: expected shape \[steps, 2\], got \[3, 1\]"),
        ([good.astype(str)], r"cases\[0\]: expected real numbers of shape \[steps, 2\], got <U"),
        ([good * np.nan], r"cases\[0\]: expected a number at \[0, 0\], found NaN"),
        ([good[:0]], r"cases\[0\]: expected at least one step"),
        ([good, good * 1e300], r"cases\[1\]: expected smaller numbers; give them in a larger unit"),
        ([[[1, 2], [3]]], r"cases\[0\]: .* got rows of several lengths"),
    ]:
        with pytest.raises(InputError, match=f"^{message}"):
            classifier(cases)
    for rows in (good[0] * 1e300, good * -1e300):
        with pytest.raises(InputError, match=r"^rows: expected smaller numbers"):
            classifier.stream().accept(rows)


def test_what_a_recogniser_cannot_take_is_named(recogniser):
    fine = np.sin(np.arange(900) / 3)
    whole = (fine * 32767).astype(np.int16)
    for sound, message in [
        (fine[:, None], r"expected shape \[samples\], got \[900, 1\]"),
        (fine * np.nan, r"expected a number at \[0\], found NaN"),
        (fine * 1e300, "expected smaller numbers; give them in a larger unit"),
        (whole, "expected samples from -1 to 1, found 32,7[0-9]+; divide"),
        (whole.astype("f"), "expected samples from -1 to 1, found"),
        (["a"], r"expected real numbers of shape \[samples\], got <U1"),
    ]:
        with pytest.raises(InputError, match=rf"^recordings\[1\]: {message}"):
            recogniser([fine, sound])
        with pytest.raises(InputError, match=f"^sound: {message}"):
            recogniser.stream().accept(sound)
    recogniser([1.3 * fine, np.zeros(900, np.int16), [0, 1, 0, -1]])
    with pytest.raises(InputError, match="streams: expected streams of this model"):
        recogniser.advance([None])


def test_what_a_writer_cannot_take_is_named(writer, composer):
    for how, message in [
        ({"prompt": 3}, "prompt: expected a text, got int"),
        ({"prompt": "\ud800"}, "prompt: holds half of a character"),
        ({"length": 0}, "length: expected a whole number from 1 to"),
        ({"temperature": -1}, "temperature: expected a number from 0 to 100"),
        ({"stop": "x"}, "stop: expected a list of texts, got str"),
        ({"top_p": float("nan")}, "top_p: expected a number from"),
    ]:
        with pytest.raises(InputError, match=f"^{message}"):
            writer(**how)
    for opening, message in [
        ([[5]], r"opening\[0\]: expected a whole number from 21 to 108, got 5"),
        ([60], r"opening\[0\]: expected a list of keys, got int"),
        (np.ones((3, 87)), r"opening: expected shape \[frames, 88\], got \[3, 87\]"),
    ]:
        with pytest.raises(InputError, match=f"^{message}"):
            composer(opening)
