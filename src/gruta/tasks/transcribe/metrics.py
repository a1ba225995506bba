"""The columns of a recogniser's scores."""

from gruta.tasks.scores import Metric

METRICS = (
    Metric("wer", "word error (%)", 1, "lowest", judged=True, factor=100.0),
    Metric("wer_error", "± (%)", 1, factor=100.0),
    Metric("cer", "character error (%)", 1, "lowest", factor=100.0),
    Metric("cer_error", "± (%)", 1, factor=100.0),
    Metric("exact", "wholly right (%)", 1, "highest", factor=100.0),
)
"""wer, cer: jiwer's edits over what was said, with their standard errors. exact: the share of
recordings that are heard without an error.
"""
