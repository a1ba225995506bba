"""A forecaster learns on from new rows, and what changed since its training is told."""

import json
from dataclasses import replace
from pathlib import Path
from tempfile import TemporaryDirectory

import numpy as np
import polars as pl
import pytest

from gruta.errors import InputError
from gruta.locale import spoken
from gruta.report.page import render
from gruta.runs import CHECKPOINT, Run, read_arrays
from gruta.tasks.forecast import Forecaster
from gruta.tasks.forecast.conftest import ROWS, SMALL, hourly
from gruta.tasks.forecast.drift import drift
from gruta.tasks.forecast.source import series_for
from gruta.tasks.forecast.update import update

MORE = ROWS + 200


@pytest.fixture(scope="module")
def longer():
    return hourly(MORE)


@pytest.fixture(scope="module")
def fitted(longer):
    return Forecaster(**SMALL).fit(longer.head(ROWS))


@pytest.fixture(scope="module")
def updated(longer, fitted):
    return fitted.update(longer)


def test_it_goes_on_from_the_weights_with_the_scales_and_seasons_that_it_has(
    longer, fitted, updated
):
    before, after = fitted.trained_, updated.trained_
    for name in ("scale_past.mean", "scale_future.inverse"):
        np.testing.assert_array_equal(after.weights[name], before.weights[name])
    assert after.codec.encoding.to_json() == before.codec.encoding.to_json()
    assert after.codec.until == before.codec.until + np.timedelta64(180, "h")
    assert (updated.settings.steps, updated.settings.learning_rate) == (3, 2e-3)
    still = fitted.update(longer, steps=1, learning_rate=1e-12, linear="kept").trained_
    for name, weights in before.weights.items():
        np.testing.assert_allclose(still.weights[name], weights, atol=1e-6)
    anew = fitted.update(longer, steps=1, learning_rate=1e-12, linear="anew").trained_
    assert np.abs(anew.weights["linear.on_lags"] - before.weights["linear.on_lags"]).max() > 1e-4
    assert fitted.trained_ is before


def test_errors_on_rows_that_the_linear_path_knows_count_as_those_of_one_that_does_not(
    longer, fitted, tmp_path
):
    codec = fitted.trained_.codec
    learned, known, after = codec.learned, codec.until, codec.until + np.timedelta64(1, "h")
    assert codec.hindsight > 1
    expected = [codec.optimism, codec.hindsight, 1.0]
    assert codec.optimism_at(np.array([learned, known, after])).tolist() == expected
    run = tmp_path / "run"
    Forecaster(**SMALL).fit(longer.head(ROWS), run=run)
    first = read_arrays(Run(run), CHECKPOINT)[0]
    weights = fitted.trained_.weights
    path = {name: first[f"model/{name}"] for name in weights if name.startswith("linear.")}
    unknowing = replace(fitted.trained_, weights=weights | path, codec=replace(codec, hindsight=1))
    told = [drift(one, series_for(one, longer)).errors for one in (fitted.trained_, unknowing)]
    assert told[0][0].before == pytest.approx(told[1][0].before, rel=0.02)
    plain = replace(fitted.trained_, codec=replace(codec, hindsight=1))
    assert drift(plain, series_for(plain, longer)).errors[0].before < 0.95 * told[1][0].before


def test_a_path_that_is_kept_is_judged_as_one_that_does_not_know_its_rows(longer, fitted):
    codec = replace(fitted.trained_.codec, hindsight=2.0)
    trained, still = replace(fitted.trained_, codec=codec), {"steps": 1, "learning_rate": 1e-12}

    def kept(rows, before=trained):
        series = series_for(before, longer.head(rows))
        with TemporaryDirectory() as run:
            return update(before, series, Path(run), linear="kept", **still).trained.codec

    few, some, many = kept(ROWS + 4), kept(ROWS + 20), kept(MORE)
    assert few.hindsight == pytest.approx(2, abs=0.25)
    assert few.hindsight > some.hindsight > 1.2  # the path knows half of the validation part
    assert many.hindsight == 1  # and nothing of it
    plain = replace(trained, codec=replace(codec, hindsight=1.0, optimism=1.0))
    unaware = kept(ROWS + 4, plain)
    assert (unaware.hindsight, unaware.optimism) == (1, 1)
    assert few.usual > 1.1 * unaware.usual


def test_rows_that_stamps_held_out_are_learned_from_later(longer, frame):
    forecaster = Forecaster(**SMALL | {"test_from": "2024-01-15"}).fit(frame)
    updated = forecaster.update(longer, test_share=0)
    assert updated.trained_.codec.until == np.datetime64(longer["ds"][-1])
    assert updated.update_.found is None
    assert updated.report(updated.update_).lead


def test_before_and_after_are_compared_on_what_is_held_out(longer, fitted, updated):
    found = updated.update_
    start = str(found.found.times[0, 0])
    before = fitted.evaluate(longer, start=start, stride=SMALL["horizon"])
    assert found.mae_before == pytest.approx(before.scores[0].mae)
    assert found.gain.value == pytest.approx(found.found.scores[0].mae - before.scores[0].mae)


def test_drift_is_found_where_it_is(longer, fitted):
    trained = fitted.trained_
    quiet = drift(trained, series_for(trained, longer))
    assert quiet.rows == MORE - 378
    assert [one.column for one in quiet.inputs] == ["y", "plan", "wind"]
    assert all(abs(one.shift) < 0.3 for one in quiet.inputs)
    assert not quiet.errors[0].change.beyond_chance
    wild = np.random.default_rng(1).normal(size=MORE) * 5
    other = longer.with_columns(
        y=pl.when(pl.int_range(pl.len()) >= 378).then(pl.col("y") + wild).otherwise("y"),
        wind=pl.when(pl.int_range(pl.len()) >= 378).then(pl.col("wind") + 10).otherwise("wind"),
    )
    loud = drift(trained, series_for(trained, other))
    network, wind = loud.errors[0], loud.inputs[2]
    assert network.change.value > 0
    assert network.change.beyond_chance
    assert network.before == quiet.errors[0].before
    assert wind.shift == pytest.approx(10 / wind.deviation, abs=0.6)
    assert wind.mean_since - wind.mean == pytest.approx(wind.shift * wind.deviation)
    assert wind.outside == 1.0
    assert json.loads(json.dumps(loud.to_json()))["errors"][0]["beyond_chance"]


def test_a_file_of_new_rows_alone_is_enough_to_tell_the_inputs(longer, fitted):
    trained = fitted.trained_
    found = drift(trained, series_for(trained, longer[378:]))
    assert found.errors == []
    assert found.inputs[0].outside is None
    assert np.isfinite(found.inputs[0].shift)


def test_nothing_new_is_refused(frame, longer, fitted, updated):
    with pytest.raises(InputError, match="expected rows that came since training, which saw"):
        fitted.update(frame[:378])
    with pytest.raises(InputError, match="all of them are held out for the test"):
        updated.update(longer)


@pytest.mark.parametrize("language", ["en", "pt_BR"])
def test_page_begins_with_what_has_changed(updated, language):
    with spoken(language):
        told = updated.report(updated.update_)
        page = render(told.title, told.lead, told.sections)
    assert told.sections[0].title in page
    expected = {"en": "Columns since training", "pt_BR": "Colunas desde o treino"}
    assert expected[language] in page
