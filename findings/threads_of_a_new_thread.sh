#!/usr/bin/env bash
# torch 2.13.0 (CPU build with OpenMP): torch.set_num_threads is a thread's own number, and the one
# that threads begin with which have not computed yet.
#
# A number that one thread sets leaves those alone that have asked for theirs, but every thread that
# asks later begins with it: whether a library's temporary set_num_threads(1) reaches another
# thread depends on which of the two came first.
#
# Output seen:
#   a thread that had asked before: 2
#   a thread that asks after: 1
set -euo pipefail
here=$(mktemp -d) && trap 'rm -rf "$here"' EXIT
python3 -m venv "$here/env"
"$here/env/bin/pip" install --quiet torch==2.13.0 numpy==2.4.6
"$here/env/bin/python" - << 'PYTHON'
import threading

import torch

torch.set_num_threads(2)
asked, changed, found = threading.Event(), threading.Event(), {}


def early():
    torch.get_num_threads()
    asked.set()
    changed.wait()
    found["early"] = torch.get_num_threads()


def setting():
    torch.set_num_threads(1)


def late():
    found["late"] = torch.get_num_threads()


first = threading.Thread(target=early)
first.start()
asked.wait()
for work in (setting, late):
    thread = threading.Thread(target=work)
    thread.start()
    thread.join()
changed.set()
first.join()
print(f"a thread that had asked before: {found['early']}")
print(f"a thread that asks after: {found['late']}")
assert found == {"early": 2, "late": 1}, "the behaviour has changed"
PYTHON
