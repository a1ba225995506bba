"""The columns of a classifier's scores."""

from gruta.tasks.scores import Metric

METRICS = (
    Metric("accuracy", "accuracy (%)", 1, "highest", judged=True, factor=100.0),
    Metric("macro_f1", "macro F1 (%)", 1, "highest", factor=100.0),
    Metric("log_loss", "log loss", 3, "lowest"),
    Metric("calibration_error", "calibration error (%)", 1, "lowest", factor=100.0),
)
"""macro_f1: mean over the classes of 2·precision·recall / (precision + recall). log_loss: minus the
mean logarithm of the probability of what was true. calibration_error: how far certainty is from the
share of right answers, over ten bins of certainty (Guo et al. 2017, arXiv:1706.04599).
"""
