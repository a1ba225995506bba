#!/usr/bin/env bash
# torch 2.13.0: a copy of an optimiser takes its steps without the hooks of the original.
#
# A hook registered with register_step_pre_hook runs before each step of the optimiser, and no more
# in its deep copy, nor in what pickle brings back: Optimizer.__getstate__ keeps defaults, state and
# param_groups alone. Nothing says so. Who clips in such a hook trains a copy without clipping.
#
# Output seen:
#   the original: 1 call of the hook
#   a deep copy: 0 calls of the hook
#   from a pickle: 0 calls of the hook
set -euo pipefail
here=$(mktemp -d) && trap 'rm -rf "$here"' EXIT
python3 -m venv "$here/env"
"$here/env/bin/pip" install --quiet torch==2.13.0 numpy==2.4.6
"$here/env/bin/python" - << 'PYTHON'
import copy
import pickle

import torch

calls = []


def hook(optimizer, args, kwargs):
    calls.append(optimizer)


def steps(optimizer):
    calls.clear()
    for group in optimizer.param_groups:
        for p in group["params"]:
            p.grad = torch.ones_like(p)
    optimizer.step()
    return len(calls)


optimizer = torch.optim.SGD([torch.nn.Parameter(torch.zeros(2))], 0.1)
optimizer.register_step_pre_hook(hook)
found = [steps(optimizer), steps(copy.deepcopy(optimizer)), steps(pickle.loads(pickle.dumps(optimizer)))]
names = "the original", "a deep copy", "from a pickle"
for name, count in zip(names, found):
    print(f"{name}: {count} call{'s' * (count != 1)} of the hook")
assert found == [1, 0, 0], "the behaviour has changed"
PYTHON
