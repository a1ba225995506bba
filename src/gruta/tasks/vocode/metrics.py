"""The columns of a vocoder's scores."""

from gruta.tasks.scores import Metric

METRICS = (
    Metric("nats", "nats a sample", 3, "lowest", judged=True),
    Metric("distortion", "mel distortion (dB)", 2, "lowest"),
)
"""nats: what is missing to foretell the level of a sample from those before it. distortion: how far
the spectra of what is made are from those that were asked for.
"""
