"""One run's report: what it shows, in both languages, also of data with nothing to see in it."""

import numpy as np
import polars as pl
import pytest

from gruta.codec.series.frequency import HOUR, FixedStep
from gruta.codec.series.series import Columns, Series
from gruta.locale import spoken
from gruta.report.charts import strokes
from gruta.report.page import write
from gruta.tasks.forecast import Forecaster
from gruta.tasks.forecast.chart import Panel, Window, forecasts
from gruta.tasks.forecast.conftest import SMALL
from gruta.tasks.forecast.evaluation import Evaluation
from gruta.tasks.forecast.explain.told import Told
from gruta.tasks.forecast.figures import error_figure, forecast_figures, typical_rows
from gruta.tasks.forecast.names import model_name
from gruta.tasks.forecast.report import report, verdict
from gruta.tasks.forecast.scores import point_scores
from gruta.tasks.forecast.settings import ForecastSettings
from gruta.tasks.scores import Scores

METRICS = [
    {"step": 0, "validation_loss": 0.5},
    {
        "step": 10,
        "loss": 0.3,
        "gradient_norm_before_clipping": 2.5,
        "clipped_share": 0.25,
    },
    {"step": 10, "validation_loss": 0.2},
    {
        "step": 20,
        "loss": None,
        "gradient_norm_before_clipping": None,
        "clipped_share": 0.125,
    },
]


def evaluation(origins=20, horizon=3, levels=(0.1, 0.5, 0.9), off=0.5, stride=None):
    """Forecasts that miss by `off`, baselines that miss by 1."""
    starts = np.arange(origins) * (stride or horizon)
    steps = starts[:, None] + np.arange(horizon)
    times = np.datetime64("2014-12-01", "us") + steps * np.timedelta64(1, "h")
    truth = 10 + np.sin(steps)
    quantiles = (truth + off)[..., None] + 2 * (np.array(levels) - 0.5)
    simple = {"naive": truth + 1, "seasonal naive 24": truth - 1, "linear": truth + 1}
    found = point_scores(truth, {"gru": quantiles[..., levels.index(0.5)]} | simple)
    scores = [
        Scores(m, 100, values | {"mase": 1.0, "coverage": 0.8 if m == "gru" else None})
        for m, values in found.items()
    ]
    every = times[0, 0] + np.arange(starts[-1] + horizon) * np.timedelta64(1, "h")
    none, step = np.empty((len(every), 0)), FixedStep(HOUR)
    series = Series.lone(every, np.zeros(len(every)), none, none, Columns(), step, "frame")
    return Evaluation(
        series=series,
        times=times,
        truth=truth,
        quantiles=quantiles,
        levels=levels,
        baselines=simple,
        scores=scores,
        origins=starts,
        notes=[],
    )


def page(directory, found, metrics=METRICS, **settings):
    told = report(found, metrics, ForecastSettings(**settings))
    path = write(directory, told.title, told.lead, told.sections)
    return path.read_text(encoding="utf-8")


@pytest.mark.parametrize(
    ("language", "title", "clipped"),
    [
        ("en", "Forecast of y by a GRU", "the whole to length 1: GRU in 12% of the steps"),
        ("pt_BR", "Previsão de y por uma GRU", "ao comprimento 1: GRU em 12% dos passos"),
    ],
)
def test_report_in_both_languages(tmp_path, language, title, clipped):
    with spoken(language):
        text = page(tmp_path, evaluation(), horizon=3)
    assert f"<h1>{title}</h1>" in text
    assert clipped in text
    pictures = {"forecast.png", "error.png", "coverage.png", "loss.png", "gradient.png"}
    assert {p.name for p in tmp_path.iterdir()} == pictures | {"report.html"}


def test_a_column_may_have_any_name(tmp_path):
    assert "&lt;b&gt; $\\frac$" in page(tmp_path, evaluation(), target="<b> $\\frac$")


def test_one_step_ahead_shows_differences_too(tmp_path):
    page(tmp_path, evaluation(horizon=1))
    assert (tmp_path / "forecast-difference.png").exists()


@pytest.mark.parametrize(
    "found",
    [
        evaluation(origins=1),
        evaluation(origins=1, horizon=1),
        evaluation(levels=(0.5,)),
        evaluation(off=0.0),
        evaluation(horizon=1, off=0.0),
    ],
    ids=["one origin", "one value", "no interval", "no error", "no error in one step"],
)
def test_report_of_the_least_there_can_be(tmp_path, found):
    assert "GRU" in page(tmp_path, found, metrics=[])


@pytest.mark.parametrize(
    ("clip", "words"),
    [("none", "Gradients were not clipped."), ("value", "each component to ±1: GRU in 12%")],
)
@pytest.mark.usefixtures("undrawn")
def test_report_says_how_gradients_were_clipped(tmp_path, clip, words):
    with spoken("en"):
        assert words in page(tmp_path, evaluation(), clip=clip, clip_threshold=1.0)


def test_verdict_names_what_was_beaten_and_what_was_not():
    with spoken("en"):
        better, worse = verdict(evaluation(off=0.5)), verdict(evaluation(off=1.5))
    assert "the GRU missed by 0.500 on average: 50.0% less than the best" in better
    assert "It beat every simple forecast" in better
    assert worse.startswith("A simple forecast does better: over 60 values that training did not")
    assert "naive missed by 1.00 on average, the GRU by 1.50, 50.0% more." in worse
    assert "It lost to: naive; seasonal naive, 24 steps; linear." in worse


@pytest.mark.parametrize(
    ("language", "alike", "few"),
    [
        ("en", "did about as well as the best simple", "So few forecasts do not tell"),
        ("pt", "mais ou menos tão bem quanto a melhor", "Tão poucas previsões não dizem"),
    ],
)
@pytest.mark.usefixtures("undrawn")
def test_verdict_says_no_more_than_the_noise_allows(tmp_path, language, alike, few):
    found = evaluation(origins=40)
    noise = np.random.default_rng(0).normal(size=found.truth.shape)
    found.quantiles[..., 1] = found.truth + 1 + 0.3 * noise
    with spoken(language):
        assert alike in verdict(found)
        assert few not in verdict(found)
        assert few in verdict(evaluation(origins=3))
        text = page(tmp_path, found)
    assert ("about as good" if language == "en" else "mais ou menos tão boa") in text


@pytest.mark.parametrize(
    ("language", "one", "several"),
    [("en", "Over 1 value that", "Over 20 values that"), ("pt", "Em 1 valor que", "Em 20 valores")],
)
def test_verdict_counts_one_as_one(language, one, several):
    with spoken(language):
        assert verdict(evaluation(origins=1, horizon=1)).startswith(one)
        assert verdict(evaluation(horizon=1)).startswith(several)


def test_bands_are_the_widest_and_those_evenly_about_the_median():
    found = evaluation(levels=(0.025, 0.1, 0.4, 0.5, 0.9, 0.975), off=0.1)
    assert [(b.low, b.high) for b in found.bands] == [(0, 5), (1, 4)]
    assert [b.nominal for b in found.bands] == pytest.approx([0.95, 0.8])
    assert found.bands[0].by_step.tolist() == [1.0] * 3
    assert evaluation(levels=(0.5,)).bands == []
    uneven = evaluation(levels=(0.2, 0.5, 0.9)).bands
    assert [(b.low, b.high) for b in uneven] == [(0, 2)]


@pytest.mark.usefixtures("undrawn")
def test_coverage_is_told_by_step(tmp_path):
    found = evaluation(origins=50, levels=(0.025, 0.1, 0.5, 0.9, 0.975), off=0.0)
    found.truth[:25, 2] += 0.85  # beyond the inner interval, within the outer one
    inner = found.bands[1]
    assert inner.by_step.tolist() == [1.0, 1.0, 0.5]
    assert inner.errors[2] > inner.errors[0] == 0
    with spoken("en"):
        text = page(tmp_path, found)
    assert "The interval should hold 80% of what comes; it held 83.3%." in text
    assert "80%: from 50% to 100%" in text


def test_windows_shown_do_not_overlap():
    rows = typical_rows(evaluation(origins=300, horizon=6, stride=1))
    assert len(rows) == 32
    assert (np.diff(rows) == 6).all()


def test_stretch_shown_has_the_median_error():
    found = evaluation(origins=960, horizon=1)
    found.quantiles[:, 0, 1] = found.truth[:, 0] + np.arange(960)
    rows = typical_rows(found)
    assert (rows == np.arange(384, 384 + 192)).all()


@pytest.mark.parametrize(
    ("model", "english", "portuguese"),
    [
        ("lstm", "LSTM", "LSTM"),
        ("seasonal naive 336", "seasonal naive, 336 steps", "ingênua sazonal, 336 passos"),
        ("linear rich", "rich linear", "linear enriquecida"),
        ("other model", "other model", "other model"),
    ],
)
def test_model_names(model, english, portuguese):
    with spoken("en"):
        assert model_name(model) == english
    with spoken("pt"):
        assert model_name(model) == portuguese


def test_no_line_bridges_a_gap_in_time():
    hours = np.timedelta64(1, "h") * np.arange(4)
    start = np.datetime64("2014-12-01", "us")
    times = np.concatenate([start + hours, start + np.timedelta64(5, "D") + hours])
    window = Window(times[:4], np.ones(4), np.zeros(4), np.full(4, 2.0))
    with spoken("en"):
        drawn = forecasts(times, np.ones(8), [Panel("GRU", "#00796b", [window])], "y", 0.8)
    actual = [line for line in drawn.axes[0].get_lines() if line.get_label() == "actual"]
    assert [len(line.get_xdata()) for line in actual] == [4, 4]


def test_charts_go_around_gaps_and_show_one_series(frame, tmp_path):
    lacking = pl.when(pl.int_range(pl.len()) % 7 == 0).then(None).otherwise("y").alias("y")
    two = [
        frame.with_columns(lacking, unique_id=pl.lit("a")),
        frame[-300:].with_columns(unique_id=pl.lit("b"), y=pl.col("y") * 3),
    ]
    data = pl.concat(two)
    forecaster = Forecaster(**SMALL | {"series": "unique_id", "longest_gap": 0.5}).fit(data)
    found = forecaster.evaluate(data, stride=3)
    assert np.isnan(found.truth).any()
    assert len(set(found.series.of(found.origins[typical_rows(found)]))) == 1
    assert "The series is a." in page(tmp_path, found)
    figure = error_figure("error", found.truth, {"gru": found.median}, strokes(["gru"])).figure
    (line,) = figure.axes[0].lines
    assert np.isfinite(line.get_ydata()).all()


def test_charts_of_numbered_rows_show_their_numbers():
    rng = np.random.default_rng(0)
    rows = 40_000 + 5 * np.arange(240)
    frame = pl.DataFrame({"ds": rows, "y": np.sin(rows / 40) + 0.1 * rng.normal(size=240)})
    own = {name: value for name, value in SMALL.items() if name not in ("known", "past")}
    forecaster = Forecaster(**own).fit(frame)
    (chart,) = forecast_figures("forecast", {"gru": forecaster.evaluate(frame, stride=3)}, "y")
    told = Told(forecaster.explain(frame, at="41150"), None, "gru")
    assert told.lead.startswith("From 41150 to 41160 the forecast")
    (pictures, *_) = told.report().sections
    for picture in (chart, *pictures.content[:2]):
        picture.figure.draw_without_rendering()
        axes = picture.figure.axes[-1]
        ticks = [int(tick.get_text().replace(",", "")) for tick in axes.get_xticklabels()[1:-1]]
        assert ticks
        assert all(40_000 < tick < 41_200 for tick in ticks)
        assert axes.get_xlabel() == "row"
    backtest = forecaster.backtest(frame, windows=2)
    assert [cut.begins for cut in backtest.cuts] == ["41080", "41140"]
