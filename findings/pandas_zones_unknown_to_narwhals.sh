#!/usr/bin/env bash
# narwhals 2.29.0 over pandas 3.1.1: a column of stamps in a zone has the dtype Datetime if the zone's
# name is of letters and slashes, as Europe/Berlin, and Unknown if it has an underscore, a digit or a
# sign, as America/Sao_Paulo, America/New_York or Etc/GMT+3. The same column handed to polars is a
# Datetime in every zone. A library that asks narwhals whether a column is temporal takes half of the
# Americas for objects, and reads stamps as text.
#
# Output seen:
#   Europe/Berlin: narwhals Datetime, temporal True; polars Datetime
#   America/Sao_Paulo: narwhals Unknown, temporal False; polars Datetime
set -euo pipefail
here=$(mktemp -d) && trap 'rm -rf "$here"' EXIT
python3 -m venv "$here/env"
"$here/env/bin/pip" install --quiet narwhals==2.29.0 pandas==3.1.1 polars==2.1.0 pyarrow==26.0.1
"$here/env/bin/python" - << 'PYTHON'
import narwhals as nw
import pandas as pd

expected = {
    "UTC": ("Datetime", True),
    "Europe/Berlin": ("Datetime", True),
    "America/Sao_Paulo": ("Unknown", False),
    "America/New_York": ("Unknown", False),
    "Etc/GMT+3": ("Unknown", False),
}
for zone, (name, temporal) in expected.items():
    frame = pd.DataFrame({"ds": pd.date_range("2018-01-01", periods=3, freq="D", tz=zone)})
    column = nw.from_native(frame, eager_only=True)["ds"]
    found = (type(column.dtype).__name__, column.dtype.is_temporal())
    in_polars = column.to_polars().dtype.base_type().__name__
    print(f"{zone}: narwhals {found[0]}, temporal {found[1]}; polars {in_polars}")
    assert found == (name, temporal), "the behaviour has changed"
    assert in_polars == "Datetime", "the behaviour has changed"
PYTHON
