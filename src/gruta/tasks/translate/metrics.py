"""The columns of a translator's scores."""

from dataclasses import replace

from gruta.tasks.scores import Metric

METRICS = (
    Metric("bleu", "BLEU", 1, "highest", judged=True),
    Metric("chrf", "chrF", 1, "highest"),
    Metric("exact", "wholly right (%)", 1, "highest", factor=100.0),
    Metric("edit_rate", "edit rate (%)", 1, "lowest", factor=100.0),
)
"""bleu and chrf: sacrebleu's, with its defaults. exact: the share of texts that are one of those
expected. edit_rate: words (of single words: letters or sounds) to insert, leave out or replace,
over those of what was expected.
"""


def judged_by(name: str) -> tuple[Metric, ...]:
    """The same, where another one decides."""
    return tuple(replace(metric, judged=metric.name == name) for metric in METRICS)
