"""The columns of a captioner's scores."""

from dataclasses import replace

from gruta.tasks.scores import Metric

METRICS = (
    Metric("bleu", "BLEU", 1, "highest", judged=True),
    Metric("cider", "CIDEr", 2, "highest"),
    Metric("exact", "wholly right (%)", 1, "highest", factor=100.0),
)
"""bleu: sacrebleu's, with its defaults. cider: CIDEr-D (`gruta.tasks.caption.cider`). exact: the
share of captions that are one of those expected.
"""


def judged_by(name: str) -> tuple[Metric, ...]:
    """The same, where another one decides."""
    return tuple(replace(metric, judged=metric.name == name) for metric in METRICS)
