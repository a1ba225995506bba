"""The cells in PyTorch: what they share.

One call is one layer with its directions. `path.py` chooses between ways of the same meaning:
gruta's compiled kernels, which take 16-bit tensors in float32, torch's own op (other devices, for
what it can do), and the composite form, plain torch operations under autograd. For torch.jit.trace
and torch.onnx.export it becomes nodes of their graphs (`tracing.py`, `onnx.py`).
"""

from gruta.cells.op import short
from gruta.cells.op.cell import Cell, Side, Walk, product
from gruta.cells.op.compiled import threads
from gruta.cells.op.layer import Saving, run, run_layer
from gruta.cells.op.onnx import exporting
from gruta.cells.op.path import Path, choose, why
from gruta.cells.op.results import reshaped
from gruta.cells.op.tap import Tap, tapped
from gruta.cells.op.tracing import never_recorded, recording

__all__ = [
    "Cell",
    "Path",
    "Saving",
    "Side",
    "Tap",
    "Walk",
    "choose",
    "exporting",
    "never_recorded",
    "product",
    "recording",
    "reshaped",
    "run",
    "run_layer",
    "short",
    "tapped",
    "threads",
    "why",
]
