"""How training went: loss and gradient norm, from the records of metrics.jsonl."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from typing import Any

import numpy as np

from gruta.locale import translate as _
from gruta.locale.numbers import number, percent
from gruta.report.charts import Curve, Stroke, lines
from gruta.report.page import Figure
from gruta.ways_to_clip import WAYS, ClipMode

Records = Sequence[Mapping[str, Any]]
NORM = "gradient_norm_before_clipping"


def loss_figure(
    name: str, metrics: Mapping[str, Records], strokes: Mapping[str, Stroke], picked: str = ""
) -> Figure:
    """Training and validation loss over the steps, of each model by its label.

    picked: which weights are kept, where they are not those of the lowest loss.
    """
    curves = []
    for model, records in metrics.items():
        thin = replace(strokes[model], width=1.0, alpha=0.55)
        dots = replace(strokes[model], marker="o", width=1.8)
        curves += [
            _curve(_("{model}, training").format(model=model), records, "loss", thin),
            _curve(_("{model}, validation").format(model=model), records, "validation_loss", dots),
        ]
    kept = _listed(
        _("{model} {loss} at step {step}").format(model=model, **_kept(records))
        for model, records in metrics.items()
    )
    picked = picked or _("with the lowest loss there")
    return Figure(
        name,
        _(
            "Loss over training: thin, the batches learned from; with dots, the validation part. "
            "Kept are the weights {picked}: {kept}."
        ).format(picked=picked, kept=kept),
        _(
            "Line chart of training and validation loss by step. The best weights, which are "
            "kept: {kept}."
        ).format(kept=kept),
        lines(curves, _("step"), _("loss"), log=_spans_decades(curves)),
    )


def gradient_figure(
    name: str,
    metrics: Mapping[str, Records],
    strokes: Mapping[str, Stroke],
    clip: ClipMode,
    threshold: float,
) -> Figure:
    """Gradient norm before clipping over the steps, of each model by its label."""
    curves = [
        _curve(model, records, NORM, replace(strokes[model], width=1.4))
        for model, records in metrics.items()
    ]
    largest = _listed(f"{model} {number(_largest(records))}" for model, records in metrics.items())
    limit = (threshold, _("clipping threshold")) if clip == "norm" else None
    return Figure(
        name,
        _("Gradient norm before clipping; largest logged: {largest}. {clipped}").format(
            largest=largest, clipped=_clipped(metrics, clip, threshold)
        ),
        _("Line chart of the gradient norm before clipping by step. Largest: {largest}.").format(
            largest=largest
        ),
        lines(curves, _("step"), _("gradient norm"), log=True, limit=limit),
    )


def _clipped(metrics: Mapping[str, Records], clip: ClipMode, threshold: float) -> str:
    """What clipping did, in words."""
    if clip == "none":
        return _(WAYS[clip].told)
    if not any(_last(records, "clipped_share") for records in metrics.values()):
        return _("None had to be clipped: the threshold is {threshold}.").format(
            threshold=number(threshold)
        )
    shares = _listed(
        _("{model} in {share} of the steps").format(
            model=model, share=percent(_last(records, "clipped_share"))
        )
        for model, records in metrics.items()
    )
    return _(WAYS[clip].told).format(threshold=number(threshold), shares=shares)


def _curve(label: str, records: Records, key: str, stroke: Stroke) -> Curve:
    with_key = [r for r in records if key in r]
    x = np.array([r["step"] for r in with_key], float)
    # JSON has null where a value was not finite: a gap in the line.
    return Curve(label, x, np.array([r[key] for r in with_key], float), stroke)


def _kept(records: Records) -> dict[str, str]:
    """Of the weights that are kept: those of the lowest criterion, which may be the loss."""
    scored = [r for r in records if r.get("validation_loss") is not None]
    if not scored:
        return {"loss": number(None), "step": number(None)}
    kept = min(scored, key=lambda r: float(r.get("criterion", r["validation_loss"])))
    return {"loss": number(kept["validation_loss"]), "step": number(kept["step"])}


def _largest(records: Records) -> float | None:
    return max((r[NORM] for r in records if r.get(NORM) is not None), default=None)


def _last(records: Records, key: str) -> float | None:
    return next((r[key] for r in reversed(records) if key in r), None)


def _spans_decades(curves: Sequence[Curve]) -> bool:
    """Whether values lie so far apart that a linear axis would flatten most of them."""
    values = np.concatenate([c.y[np.isfinite(c.y)] for c in curves])
    return bool(len(values)) and bool(values.min() > 0) and bool(values.max() > 8 * values.min())


def _listed(parts: Iterable[str]) -> str:
    # A semicolon, as numbers may hold a comma.
    return "; ".join(parts)
