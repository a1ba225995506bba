"""A run directory: everything that a training leaves, written so that a kill leaves no half file.

run.json               format, task, versions, threads, the data's fingerprint
settings.toml          the settings as resolved
metrics.jsonl          a line for each logged step and each validation
checkpoint.safetensors where training stands: weights, optimiser, best weights, position
model.safetensors      the trained weights; there once training has ended
scores.json            what it scored on what was held out, beside the simple models
choice.json            what was tried before training, and which settings were chosen, if any
drift.json             of an update: what had changed since the training before
codec.json             what leads from data to numbers and back
counted.safetensors    what was counted beside the network, if anything was
inner.gruta            a model of another task that is asked beside it, if one is
members/               the networks of an ensemble, each a run of its own
report.html, *.png     for people
.lock                  the process that trains; none where nobody does

Nothing here needs PyTorch: who only reads a run need not load it.
"""

from gruta.runs.metrics import MetricsFile, read_metrics
from gruta.runs.run import CHECKPOINT, CHOICE, METRICS, MODEL, Run
from gruta.runs.tensors import read_arrays, tensors_of, write_arrays

__all__ = [
    "CHECKPOINT",
    "CHOICE",
    "METRICS",
    "MODEL",
    "MetricsFile",
    "Run",
    "read_arrays",
    "read_metrics",
    "tensors_of",
    "write_arrays",
]
