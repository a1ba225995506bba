"""The columns of the scores of who writes notes."""

from gruta.tasks.scores import Metric

METRICS = (
    Metric("nats", "nats a frame", 3, "lowest", judged=True),
    Metric("bits", "bits a frame", 3, "lowest"),
    Metric("perplexity", "perplexity", None, "lowest"),
    Metric("again", "nats of keys struck again", 3, "lowest"),
)
"""nats: minus the mean logarithm of the probability of which of the 88 keys sound in a frame, over
all frames of all pieces, the first ones included. bits: to base 2. perplexity: e to the power of
nats. again: the same of which keys that sound on are struck again, where that is learned.
"""
