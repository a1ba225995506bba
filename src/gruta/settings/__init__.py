"""Settings: what they are called, what they mean, and which values they admit.

The descriptions here are the command line's help and the estimators' documentation.
"""

from gruta.settings.fields import DATA, MODEL
from gruta.settings.network import NetworkSettings
from gruta.settings.reading import ReadingSettings, reading
from gruta.settings.resolve import least, resolve
from gruta.settings.training import SequenceSettings, StreamSettings, TrainSettings

__all__ = [
    "DATA",
    "MODEL",
    "NetworkSettings",
    "ReadingSettings",
    "SequenceSettings",
    "StreamSettings",
    "TrainSettings",
    "least",
    "reading",
    "resolve",
]
