#!/usr/bin/env bash
# aeon 1.6.0: its reader of .ts files makes class labels small letters, so that "b" and "B" become one.
#
# The two cases below are of two classes. Both come back with the label "b", without a word: a
# classifier is trained and scored on one class less.
#
# Output seen:
#   labels ['b' 'b'] of a file with b and B
set -euo pipefail
here=$(mktemp -d) && trap 'rm -rf "$here"' EXIT
python3 -m venv "$here/env"
"$here/env/bin/pip" install --quiet aeon==1.6.0
cat > "$here/two.ts" << 'TS'
@problemName two
@timeStamps false
@missing false
@univariate true
@equalLength true
@seriesLength 3
@classLabel true b B
@data
1,2,3:b
4,5,6:B
TS
"$here/env/bin/python" - "$here/two.ts" << 'PYTHON'
import sys

from aeon.datasets import load_from_ts_file

_, labels = load_from_ts_file(sys.argv[1])
print(f"labels {labels} of a file with b and B")
assert list(labels) == ["b", "b"], "the behaviour has changed"
PYTHON
