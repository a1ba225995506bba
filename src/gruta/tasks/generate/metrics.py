"""The columns of a language model's scores."""

from gruta.tasks.scores import Metric

METRICS = (
    Metric("bits", "bits a character", 3, "lowest", judged=True),
    Metric("nats", "nats a character", 3, "lowest"),
    Metric("nats_a_unit", "nats a unit", 3, "lowest"),
    Metric("perplexity", "perplexity", None, "lowest"),
)
"""bits: minus the mean logarithm to base 2 of the probability of what came, over the characters of
the text, whatever the units are; nats: the natural one. nats_a_unit: over units. perplexity: e to
the power of that.
"""
