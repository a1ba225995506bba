import numpy as np
import pytest

from gruta.tasks.forecast import statistical
from gruta.tasks.forecast.statistical import fit_at_origins

MONTHS = np.arange(140)
Y = 50 + 0.3 * MONTHS + 8 * np.sin(2 * np.pi * MONTHS / 12)
ORIGINS = np.arange(100, 130, 3)


def test_models_of_a_clean_season_and_trend_forecast_it():
    pytest.importorskip("statsforecast")
    y = Y + 0.1 * np.random.default_rng(0).normal(size=len(Y))
    found = fit_at_origins(y, ORIGINS[:2], 6, (12,))
    assert set(found.forecasts) == {"AutoETS", "AutoARIMA", "MSTL"}
    assert (found.places.tolist(), found.notes) == ([0, 1], [])
    truth = Y[ORIGINS[:2, None] + np.arange(1, 7)]
    for forecast in found.forecasts.values():
        np.testing.assert_allclose(forecast, truth, atol=1.0)


def test_long_seasons_are_left_to_stl():
    pytest.importorskip("statsforecast")
    y = np.tile(np.sin(np.arange(48) / 48 * 2 * np.pi), 30) + 0.01 * np.arange(1440) % 7
    found = fit_at_origins(y, np.array([1400]), 4, (48, 336))
    assert set(found.forecasts) == {"AutoARIMA", "MSTL"}


@pytest.fixture
def models(monkeypatch):
    """Stand-ins, and a clock that they move on; each says what history it was given."""
    clock, given = [0.0], []

    def taking(seconds, rows):
        def fit(history, horizon):
            clock[0] += seconds
            given.append(history)
            return np.full(horizon, history[-1])

        return fit, rows

    def fails(history, horizon):
        raise ValueError("no season in it")

    some = {"quick": taking(1.0, 20), "slow": taking(50.0, 30), "broken": (fails, 20)}
    monkeypatch.setattr(statistical, "_models", lambda seasons: dict(some))
    monkeypatch.setattr(statistical.time, "monotonic", lambda: clock[0])
    return given


def test_each_is_fitted_on_a_bounded_stretch_up_to_its_origin(models):
    found = fit_at_origins(Y, ORIGINS, 2, (12,), seconds=1e9)
    assert set(found.forecasts) == {"quick", "slow"}
    assert [len(history) for history in models[:2]] == [20, 30]
    assert {history[-1] for history in models} == set(Y[ORIGINS])
    assert (found.forecasts["quick"][:, 0] == Y[ORIGINS]).all()
    assert found.notes == ["broken was left out: no season in it"]


def test_what_is_too_slow_is_left_out_with_a_note(models):
    found = fit_at_origins(Y, ORIGINS, 2, (12,), seconds=200)
    assert set(found.forecasts) == {"quick"}
    assert "slow was left out: one forecast takes it 50.0 seconds." in found.notes
    assert found.places.tolist() == list(range(10))


def test_when_time_is_up_the_origins_lie_all_over(models):
    found = fit_at_origins(Y, ORIGINS, 2, (12,), seconds=57.5)  # 51 for the first
    assert found.places.tolist() == [0, 1, 2, 4, 5, 6, 8, 9]
    assert "Scored are 8 of the 10 forecasts" in found.notes[-1]
    assert found.forecasts["quick"][:, 1].tolist() == Y[ORIGINS[found.places]].tolist()


def test_missing_values_do_not_put_the_season_out_of_phase(models):
    y = Y.copy()
    y[115:118] = np.nan
    fit_at_origins(y, ORIGINS[-1:], 2, (12,), seconds=1e9)
    np.testing.assert_allclose(models[0][6:11], np.linspace(Y[114], Y[118], 5))


def test_missing_value_at_the_origin_is_not_drawn_from_what_comes(models):
    y = Y.copy()
    y[126:128] = np.nan
    fit_at_origins(y, ORIGINS[-1:], 2, (12,), seconds=1e9)
    assert models[0][-3:].tolist() == [Y[125]] * 3
