#!/usr/bin/env bash
# torch 2.13.0: torch.jit.script writes what __prepare_scriptable__ returns into the model it is given.
#
# A module may offer a stand-in for scripting by that method. torch.jit.script takes it for the
# scripted copy, and leaves it in the original model as well: the eager model goes on with the
# stand-in. torch.jit.script of a deep copy spares the original.
#
# Output seen:
#   before: Doubling
#   after torch.jit.script of a copy: Doubling
#   after torch.jit.script: Linear
set -euo pipefail
here=$(mktemp -d) && trap 'rm -rf "$here"' EXIT
python3 -m venv "$here/env"
"$here/env/bin/pip" install --quiet torch==2.13.0 numpy==2.4.6
cat > "$here/trial.py" << 'PYTHON'
import copy

import torch
from torch import nn


class Doubling(nn.Module):
    """Written in a way that TorchScript cannot read, with a stand-in that it can."""

    def __prepare_scriptable__(self):
        made = nn.Linear(1, 1, bias=False)
        nn.init.constant_(made.weight, 2.0)
        return made

    def forward(self, x):
        return sum(x for _ in range(2))


model = nn.Sequential(Doubling())
kinds = [type(model[0]).__name__]
torch.jit.script(copy.deepcopy(model))
kinds.append(type(model[0]).__name__)
torch.jit.script(model)
kinds.append(type(model[0]).__name__)
for when, kind in zip(("before", "after torch.jit.script of a copy", "after torch.jit.script"), kinds):
    print(f"{when}: {kind}")
assert kinds == ["Doubling", "Doubling", "Linear"], "the behaviour has changed"
PYTHON
"$here/env/bin/python" -W ignore "$here/trial.py"
