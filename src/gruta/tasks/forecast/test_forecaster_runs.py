"""A forecaster's run: kept, gone on with, loaded, refused where it is broken."""

import json
import resource
from dataclasses import replace

import numpy as np
import pytest
import torch

from gruta.codec.series.features import Past, windows
from gruta.data.series import read_series
from gruta.errors import InputError
from gruta.runs import METRICS, MODEL, Run, read_arrays, write_arrays
from gruta.tasks.forecast import Forecaster
from gruta.tasks.forecast.conftest import (
    COLUMNS,
    ROWS,
    SMALL,
    changed,
    codec,
    columns_of,
    to_come,
    weights,
)
from gruta.tasks.forecast.task import TASK


def test_run_killed_before_its_intervals_were_known_comes_to_the_same(frame, tmp_path):
    run = tmp_path / "run"
    before = Forecaster(**SMALL).fit(frame, run=run)
    (run / "codec.json").unlink()
    after = Forecaster(**SMALL).fit(frame, run=run, resume=True)
    assert weights(after) == weights(before)
    assert codec(after) == codec(before)


def test_run_without_a_level_of_errors_has_intervals_of_fixed_width(fitted, tmp_path, frame):
    fitted.save(tmp_path / "run")
    codec_file = tmp_path / "run" / "codec.json"
    content = json.loads(codec_file.read_text())
    for name in ("usual", "never_negative"):  # a run of 0.1 has none
        del content[name]
    codec_file.write_text(json.dumps(content))
    old = Forecaster.load(tmp_path / "run")
    short, whole = (old.predict(to_come(frame.tail(n))) for n in (90, ROWS))
    np.testing.assert_allclose(short["q90"], whole["q90"], rtol=1e-6)
    now = fitted.predict(to_come(frame))
    assert columns_of(whole)["forecast"] == columns_of(now)["forecast"]
    assert columns_of(whole)["q90"] != columns_of(now)["q90"]


@pytest.mark.parametrize("cell", ["gru", "lstm", "rnn"])
def test_saved_forecaster_forecasts_the_same(frame, tmp_path, cell):
    forecaster = Forecaster(**SMALL | {"cell": cell}).fit(frame)
    forecaster.save(tmp_path / "kept")
    loaded = Forecaster.load(tmp_path / "kept")
    assert weights(loaded) == weights(forecaster)
    assert codec(loaded) == codec(forecaster)
    assert loaded.settings == forecaster.settings
    expected = columns_of(forecaster.predict(to_come(frame)))
    assert columns_of(loaded.predict(to_come(frame))) == expected
    evaluation = loaded.evaluate(frame)
    assert evaluation.scores == forecaster.evaluate(frame).scores
    assert evaluation.scores[0].model == cell
    loaded.save(tmp_path / "again")
    assert columns_of(Forecaster.load(tmp_path / "again").predict(to_come(frame))) == expected
    with pytest.raises(InputError, match="kept: exists already"):
        forecaster.save(tmp_path / "kept")


def test_trust_is_kept_with_the_run_and_read_by_both_networks(frame, fitted, tmp_path):
    trained = replace(fitted.trained_, codec=replace(fitted.trained_.codec, trust=0.25))
    trained.save(tmp_path / "run")
    loaded = Forecaster.load(tmp_path / "run").trained_
    assert loaded.codec.trust == loaded.network.trust == 0.25
    table = loaded.codec.encoding.table(read_series(frame, COLUMNS))
    newest = np.full((9, 1), table.lookback - 1)
    arrays = windows(table, Past(table), np.arange(390, 399), newest, table.lookback)
    batch = {name: torch.from_numpy(values) for name, values in arrays.items()}
    found, _ = loaded.network(batch)
    np.testing.assert_allclose(loaded.head(arrays), found.detach(), atol=1e-5)
    fully = replace(loaded, codec=replace(loaded.codec, trust=1.0)).head(arrays)[..., 1]
    linear = loaded.head.linear(arrays["lags"], arrays["recent"], arrays["future"])
    expected = linear + 0.25 * (fully - linear)
    np.testing.assert_allclose(loaded.head(arrays)[..., 1], expected, atol=1e-5)


def test_run_whose_linear_path_did_not_read_past_covariates_goes_on(frame, fitted, tmp_path):
    fitted.save(tmp_path / "run")
    run = Run.open(tmp_path / "run")
    arrays, about = read_arrays(run, MODEL)
    del arrays["linear.on_recent"]
    write_arrays(run, MODEL, arrays, about)
    trained = Forecaster.load(tmp_path / "run").trained_
    assert not trained.head.linear.on_recent.any()
    assert not trained.network.linear.on_recent.any()
    network = TASK.network(trained.codec, trained.settings)
    network.load_state_dict({name: torch.from_numpy(w) for name, w in arrays.items()})
    assert not network.linear.on_recent.any()


def test_run_directory_stays_away_when_the_settings_do_not_fit_the_data(frame, tmp_path):
    with pytest.raises(InputError, match="tbptt"):
        Forecaster(**SMALL | {"tbptt": 5000}).fit(frame, run=tmp_path / "run")
    assert not (tmp_path / "run").exists()


def test_resuming_with_other_settings_or_data_is_refused(frame, tmp_path):
    run = tmp_path / "run"
    settings = SMALL | {"steps": 2}
    Forecaster(**settings).fit(frame, run=run)
    with pytest.raises(InputError, match="exists already; resume that run, or"):
        Forecaster(**settings).fit(frame, run=run)
    with pytest.raises(InputError, match="the run was started with another steps, hidden"):
        Forecaster(**settings | {"hidden": 7, "steps": 3}).fit(frame, run=run, resume=True)
    with pytest.raises(InputError, match="run: the run was started with other data"):
        Forecaster(**settings).fit(changed(frame, range(5, 6), y=2.0), run=run, resume=True)
    kept = (run / METRICS).read_bytes()
    Forecaster(**settings).fit(frame, run=run, resume=True)
    assert (run / METRICS).read_bytes() == kept


def test_what_was_learned_stays_until_the_next_fit(frame, tmp_path):
    forecaster = Forecaster(**SMALL | {"steps": 2}).fit(frame)
    expected = columns_of(forecaster.predict(to_come(frame)))
    forecaster.set_params(horizon=9, quantiles=(0.2, 0.5), known=(), cell="rnn")
    assert columns_of(forecaster.predict(to_come(frame))) == expected
    assert forecaster.evaluate(frame).scores[0].model == "gru"
    forecaster.save(tmp_path / "kept")
    assert columns_of(Forecaster.load(tmp_path / "kept").predict(to_come(frame))) == expected


def without_digest(run):
    """A run that does not say what its settings.toml was, as one that somebody forged."""
    about = json.loads((run / "run.json").read_text())
    del about["settings"]
    (run / "run.json").write_text(json.dumps(about))


def break_settings(path):
    path.write_text(path.read_text().replace("horizon = 3", "horizon = -3"))


@pytest.mark.parametrize(
    ("name", "harm", "expected"),
    [
        ("settings.toml", break_settings, r"settings\.toml: horizon: .* above 0, got -3"),
        ("settings.toml", lambda p: p.write_text("= 1"), r"settings\.toml: not valid TOML"),
        ("codec.json", lambda p: p.write_text("[]"), r"codec\.json, .* do not fit together"),
        ("codec.json", lambda p: p.unlink(), r"codec\.json is missing, the run is incomplete"),
        (
            "model.safetensors",
            lambda p: p.write_bytes(p.read_bytes()[:-100]),
            r"model\.safetensors: not a whole safetensors file",
        ),
        (
            "settings.toml",
            lambda p: p.write_text(p.read_text().replace("hidden = 5", "hidden = 6")),
            r"settings\.toml do not fit together",
        ),
    ],
)
def test_broken_run_is_refused(fitted, tmp_path, name, harm, expected):
    fitted.save(tmp_path / "run")
    without_digest(tmp_path / "run")
    harm(tmp_path / "run" / name)
    with pytest.raises(InputError, match=expected):
        Forecaster.load(tmp_path / "run")


@pytest.mark.parametrize(
    ("harm", "expected"),
    [
        ({"seasons": [0]}, "expected increasing seasons of at least 1 step"),
        ({"seasons": [-5]}, "expected increasing seasons of at least 1 step"),
        ({"seasons": [24, 24]}, "expected increasing seasons of at least 1 step"),
        ({"seasons": []}, "expected shape"),
        ({"seasons": [24, 168]}, "expected shape"),
        ({"frequency": "1d"}, "expected shape"),
        ({"lookback": 0}, "expected a lookback and a horizon of at least 1 step, got 0 and 3"),
        ({"lookback": -24}, "expected a lookback and a horizon of at least 1 step"),
        ({"lookback": 10**30}, ""),
        ({"lookback": float("inf")}, "cannot convert float infinity"),
        ({"horizon": 0}, "expected a lookback and a horizon of at least 1 step"),
        ({"known": {"mean": [], "scale": []}}, r"expected a scale for each of .*plan.*, got 0"),
        ({"past": {"mean": [0, 0], "scale": [1, 1]}}, r"expected a scale .*wind.*, got 2"),
        ({"past": {"mean": [0], "scale": [1], "levels": 3}}, "not a forecaster's encoding"),
        ({"holidays": {"first": "2024-01-01"}}, "not a forecaster's encoding"),
        ({"target": {"mean": [], "scale": []}}, "expected a scale for each of 1 series, got 0"),
    ],
)
def test_damaged_codec_is_refused_as_it_is_loaded(fitted, tmp_path, harm, expected):
    fitted.save(tmp_path / "run")
    run = Run(tmp_path / "run")
    content = run.read_json("codec.json")
    content["encoding"] |= harm
    (run.path / "codec.json").write_text(json.dumps(content))
    with pytest.raises(InputError, match=rf"(?s)codec\.json.* do not fit together .*{expected}"):
        Forecaster.load(run.path)


def test_settings_of_a_vast_network_are_refused_without_its_memory(fitted, tmp_path):
    fitted.save(tmp_path / "run")
    without_digest(tmp_path / "run")
    settings = tmp_path / "run" / "settings.toml"
    settings.write_text(settings.read_text().replace("hidden = 5", "hidden = 65536"))
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    with pytest.raises(InputError, match=r"settings\.toml do not fit together"):
        Forecaster.load(tmp_path / "run")
    assert resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before < 2**18  # KiB


def test_loaded_network_is_like_the_trained_one(fitted, tmp_path):
    fitted.save(tmp_path / "run")
    network = Forecaster.load(tmp_path / "run").trained_.network
    assert not network.training
    expected = fitted.trained_.network
    assert [n for n, _ in network.named_parameters()] == [n for n, _ in expected.named_parameters()]
    assert [n for n, _ in network.named_buffers()] == [n for n, _ in expected.named_buffers()]
    assert all(p.requires_grad and p.dtype == torch.float32 for p in network.parameters())


def test_run_of_another_task_is_refused(tmp_path):
    Run.create(tmp_path / "run", "speak", {}, "")
    with pytest.raises(InputError, match="expected a forecast run, found 'speak'"):
        Forecaster.load(tmp_path / "run")
