"""The columns of a speaker's scores."""

from gruta.tasks.scores import Metric

METRICS = (
    Metric("distortion", "mel cepstral distortion (dB)", 2, "lowest", judged=True),
    Metric("length", "length off (%)", 0, "lowest", factor=100.0),
    Metric("ended", "ended by itself (%)", 0, "highest", factor=100.0),
)
"""distortion: of the spectra made from those recorded, brought into step by dynamic time warping.
length: how much longer or shorter what is made is, of what was recorded. ended: the share of texts
at whose end the network stopped.
"""
