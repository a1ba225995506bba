#!/usr/bin/env bash
# torch 2.13.0: torch.nn's GRUCell, LSTMCell and RNNCell have no per-sample gradients.
#
# vmap(grad(loss)) over a batch, the recipe for per-sample gradients, fails for all three inside
# their backward pass, though the same loss with the cell's equations written out by linear layers
# works. The LSTMCell has no batching rule at all, so that plain vmap fails too.
#
# Output seen:
#   GRUCell: vmap runs, per-sample gradients raise RuntimeError
#   LSTMCell: vmap raises RuntimeError, per-sample gradients raise RuntimeError
#   RNNCell: vmap runs, per-sample gradients raise RuntimeError
#   written out: per-sample gradients run
set -euo pipefail
here=$(mktemp -d) && trap 'rm -rf "$here"' EXIT
python3 -m venv "$here/env"
"$here/env/bin/pip" install --quiet torch==2.13.0 numpy==2.4.6
"$here/env/bin/python" -W ignore - << 'PYTHON'
import torch
from torch import nn
from torch.func import functional_call, grad, vmap


class WrittenOut(nn.Module):
    def __init__(self):
        super().__init__()
        self.input, self.hidden = nn.Linear(3, 4), nn.Linear(4, 4)

    def forward(self, x):
        return torch.tanh(self.input(x) + self.hidden(x.new_zeros(x.shape[0], 4)))


def outcome(run):
    try:
        run()
    except RuntimeError:
        return "raise RuntimeError"
    return "run"


def trial(module):
    def loss(weights, x):
        out = functional_call(module, weights, (x,))
        return (out[0] if isinstance(out, tuple) else out).sum()

    weights, xs = dict(module.named_parameters()), torch.randn(2, 5, 3)
    plain = outcome(lambda: vmap(lambda x: loss(weights, x))(xs))
    return plain, outcome(lambda: vmap(grad(loss), (None, 0))(weights, xs))


found = {}
for name in ("GRUCell", "LSTMCell", "RNNCell"):
    found[name] = trial(getattr(nn, name)(3, 4))
    plain = {"run": "runs", "raise RuntimeError": "raises RuntimeError"}[found[name][0]]
    print(f"{name}: vmap {plain}, per-sample gradients {found[name][1]}")
written_out = trial(WrittenOut())
print(f"written out: per-sample gradients {written_out[1]}")
expected = {
    "GRUCell": ("run", "raise RuntimeError"),
    "LSTMCell": ("raise RuntimeError", "raise RuntimeError"),
    "RNNCell": ("run", "raise RuntimeError"),
}
assert found == expected and written_out == ("run", "run"), "the behaviour has changed"
PYTHON
