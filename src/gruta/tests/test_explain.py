"""`gruta explain`: what it prints, draws and refuses."""

import json

import pytest

from gruta.tests.command import stamp


def test_explain_shows_and_draws_what_a_forecast_is_made_of(trained, run_gruta, tmp_path):
    _, run, path = trained
    where = ("--from", stamp(250), "--against", stamp(249), "--out", tmp_path / "why")
    done = run_gruta("explain", run, path, *where)
    assert done.code == 0, done.err
    assert "What moves it most" in done.out
    assert "What changed the forecast of y" in done.out
    drawn = {p.name for p in (tmp_path / "why").glob("*.png")}
    assert drawn == {"forecast.png", "components.png", "sources.png", "lags.png"}
    done = run_gruta("--lang", "pt", "explain", run, path, *where)
    assert "O que mais a move" in done.out


def test_explain_tells_a_program_parts_that_sum_to_the_forecast(trained, run_gruta):
    _, run, path = trained
    told = json.loads(run_gruta("explain", run, path, "--against-file", path, "--json").out)
    for k, forecast in enumerate(told["forecast"]):
        parts = sum(source["linear"][k] + source["network"][k] for source in told["sources"])
        assert told["baseline"][k] + parts == pytest.approx(forecast, abs=1e-5)
    assert told["change"]["earlier"] == told["change"]["later"]


@pytest.mark.parametrize(
    ("options", "message"),
    [
        (("--from", "2099-01-01"), "--from: expected the first stamp of a forecast"),
        (("--from", stamp(250), "--against", stamp(200)), "--against: no step in common"),
        (("--against", "2099-01-01"), "--against: expected the first stamp of a forecast"),
        (("--series", "north"), "--series: expected one of those in"),
    ],
)
def test_explain_refuses_what_does_not_fit(trained, run_gruta, options, message):
    _, run, path = trained
    done = run_gruta("explain", run, path, *options)
    assert (done.code, done.out) == (2, "")
    assert done.err.startswith("gruta: " + message)
