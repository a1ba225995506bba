#!/usr/bin/env bash
# polars 2.1.0: dates with years of two digits become other centuries, without a word.
#
# %Y takes two digits for a whole year: 1/2/24 read by %d/%m/%Y is the first of February of the year 24.
# %y has another turn of the century than Python's strptime: 69 is 2069 here and 1969 there.
#
# Output seen:
#   %d/%m/%Y of 1/2/24: 0024-02-01
#   %d/%m/%y of 1/2/69: polars 2069-02-01, Python 1969-02-01
set -euo pipefail
here=$(mktemp -d) && trap 'rm -rf "$here"' EXIT
python3 -m venv "$here/env"
"$here/env/bin/pip" install --quiet polars==2.1.0
"$here/env/bin/python" - << 'PYTHON'
from datetime import datetime

import polars as pl

(whole,) = pl.Series(["1/2/24"]).str.to_date("%d/%m/%Y")
(short,) = pl.Series(["1/2/69"]).str.to_date("%d/%m/%y")
python = datetime.strptime("1/2/69", "%d/%m/%y").date()
print(f"%d/%m/%Y of 1/2/24: {whole.isoformat()}")
print(f"%d/%m/%y of 1/2/69: polars {short}, Python {python}")
assert whole.year == 24, "the behaviour has changed"
assert (short.year, python.year) == (2069, 1969), "the behaviour has changed"
PYTHON
