"""Advice: what the measures mean, how sure that is, and what to try.

Each rule looks at one layer or at the clipping, and gives evidence with its advice. The thresholds
come from networks whose answer is known, see README.md; at most three pieces are given at once.
"""

import math
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Literal

import numpy as np

from gruta.health import flow, gates
from gruta.health.memory import Influence
from gruta.health.passes import Pass
from gruta.locale import translate as _
from gruta.locale.numbers import brief, number, percent, scientific

Confidence = Literal["low", "medium", "high"]
MOST = 3

VANISHING = 1e-4
"""A gradient that arrives at the lag needed with less than this share of its size is lost."""

LEAK = 0.25
"""Units that last less than this share of the lag needed keep too little, by their leak alone."""

EXPLODING, SURELY = 20.0, 100.0
"""A gradient that grows beyond so many times its size on its way through a sequence explodes."""

OPEN_RESET, UNITS = 0.95, 0.5
CLIPPED, TURNED = 0.7, 0.7
UPDATES = (1e-4, 0.13)


@dataclass(frozen=True)
class Advice:
    """What was seen, and what to try.

    rule: its fixed name. layer: which it is about, or "". finding: the evidence, with numbers.
    remedy: what to do. code: Python that tries it.
    """

    rule: str
    layer: str
    confidence: Confidence
    finding: str
    remedy: str
    code: str

    @property
    def sureness(self) -> str:
        """The confidence in the reader's language."""
        return {"high": _("high"), "medium": _("medium"), "low": _("low")}[self.confidence]

    def to_json(self) -> dict[str, str]:
        """For a program."""
        return asdict(self)


def advise(
    passes: Sequence[Pass],
    *,
    lag: int | None = None,
    influences: Mapping[str, Influence] | None = None,
    window: int | None = None,
    clipping: Mapping[str, float] | None = None,
    mode: str = "norm",
    updates: Mapping[str, float] | None = None,
    asks: bool = True,
    leave_out: Collection[str] = (),
) -> list[Advice]:
    """At most three pieces of advice, the surest first.

    passes: with the gradient of a loss at their end where there is one. lag: over how many steps
    the network has to remember; where unknown, the length of the sequence stands for it, and what
    follows from it is less sure. window: that of truncated backpropagation, in steps. clipping: a
    `Clipper`'s statistics, mode: its mode. updates: `update_ratios` of the first steps of a
    training; later they are small by right. asks: whether the loss has a gradient at the answer; if
    not, none reaches a layer, whatever its state. leave_out: rules not to be told, since following
    them was tried on such models and did not help.
    """
    found: list[Advice] = []
    for one in passes:
        found += _of_memory(one, lag, asks)
        found += _of_gates(one)
        found += _of_units(one)
    found += _of_window(influences or {}, window)
    found += _of_clipping(clipping or {}, mode)
    found += _of_updates(updates or {})
    order: list[Confidence] = ["high", "medium", "low"]
    distinct: dict[str, Advice] = {}
    for one_piece in found:  # the first layer's stands for all
        if one_piece.rule not in leave_out:
            distinct.setdefault(one_piece.rule, one_piece)
    return sorted(distinct.values(), key=lambda a: order.index(a.confidence))[:MOST]


def _of_memory(one: Pass, lag: int | None, asks: bool) -> Iterator[Advice]:
    """Whether the gradient gets as far back as it has to, and whether the state lasts so long."""
    need = min(lag, len(one.h)) if lag else len(one.h)
    reach, slope = None, 0.0
    if one.through:
        fade = flow.gradient_through_time(one)
        slope = fade.slope
        at = min(need, len(fade.norms)) - 1
        reach = float(fade.norms[at] / fade.norms[0]) if fade.norms[0] > 0 else None
    tau = gates.time_constants(one)
    lasts = None if tau is None else float(np.percentile(tau, 90))
    if one.through and not any(d.any() for d in one.through):
        yield _silence(one, asks)
        return
    growth = math.exp(min(slope * (len(one.h) - 1), 700.0))
    if growth > EXPLODING:
        yield Advice(
            "exploding",
            one.layer,
            "high" if growth > SURELY else "medium",
            _("the gradient grows by {rate} a step on its way back, {times} times in all").format(
                rate=_percent(slope), times=brief(growth)
            ),
            _("clip it by norm, and lower the learning rate"),
            'gruta.Clipper("norm", 1.0).attach(optimizer, model)',
        )
    elif reach is not None and reach < VANISHING:
        yield _vanishing(one, need, reach, lasts, _sureness(one, lag))
    elif reach is None and lasts is not None and lasts < LEAK * need:
        finding = _(
            "nine of ten units leak away within {steps} steps, of {lag} in the sequence; the leak "
            "alone does not tell all"
        ).format(steps=_steps(lasts), lag=need)
        remedy = _("if the task needs the beginning, raise the bias of the gate that keeps")
        sure: Confidence = "medium" if lag else "low"
        yield Advice("short_memory", one.layer, sure, finding, remedy, _chrono(one, need))


def _silence(one: Pass, asks: bool) -> Advice:
    if asks:
        rule = "no_gradient"
        finding = _(
            "no gradient reaches the layer: what reads it has weights of zero, or reads nothing"
        )
        remedy = _("train for longer, or at another rate; the layer adds nothing as it is")
    else:
        rule = "certain"
        finding = _("the answer is certain, and what the loss wants: no gradient comes back")
        remedy = _("nothing is amiss; to see the gradient, look at a sequence that is less certain")
    return Advice(rule, one.layer, "high", finding, remedy, "")


def _sureness(one: Pass, lag: int | None) -> Confidence:
    """How often such a network fails: nine of ten plain ones and LSTMs, four of ten GRUs, which may
    learn to open their gates. One degree less where the lag needed is a guess.
    """
    if one.kind == "gru":
        return "medium" if lag else "low"
    return "high" if lag else "medium"


def _vanishing(one: Pass, need: int, reach: float, lasts: float | None, sure: Confidence) -> Advice:
    finding = _("{lag} steps back, {share} of the gradient is left").format(
        lag=need, share=_share(reach)
    )
    if lasts is None:
        return Advice(
            "vanishing",
            one.layer,
            sure,
            finding + _bound(one),
            _("use gates: a GRU keeps a path on which it does not fade"),
            f'gruta.nn.GRU(..., init="chrono", longest_lag={need})',
        )
    kept = _("; nine of ten units leak away within {steps} steps").format(steps=_steps(lasts))
    remedy = _("start with gates that keep: chrono initialisation for a lag of {lag}")
    return Advice(
        "short_memory",
        one.layer,
        sure,
        finding + kept,
        remedy.format(lag=need),
        _chrono(one, need),
    )


def _chrono(one: Pass, lag: int) -> str:
    kind = "LSTM" if one.c is not None else "GRU"
    return f'gruta.nn.{kind}(..., init="chrono", longest_lag={lag})'


def _bound(one: Pass) -> str:
    """Where a plain RNN's weights are such that its gradient cannot but vanish, that."""
    if not one.is_plain or "w_hh" not in one.weights:
        return ""
    size = flow.spectral_norm(one.weights["w_hh"])
    if size >= 1:
        return ""
    return _("; σ_max(W_hh) is {size}, and below 1 it has to").format(size=number(size, 2))


def _of_gates(one: Pass) -> Iterator[Advice]:
    keep = one.keep
    if keep is not None and not one.hold:
        held = gates.saturation(keep)
        frozen, empty = (float((s >= 1.0).mean()) for s in (held.open, held.shut))
        if frozen > UNITS:
            yield Advice(
                "frozen_units",
                one.layer,
                "medium",
                _("{share} of the units keep over 0.9 of their state at every step").format(
                    share=_percent(frozen)
                ),
                _("they hardly take in anything: a lower bias of the gate that keeps, or fewer"),
                "gruta.nn.GRU(..., longest_lag=<shorter>)",
            )
        if empty > UNITS:
            yield Advice(
                "memoryless_units",
                one.layer,
                "medium",
                _("{share} of the units keep under 0.1 of their state at every step").format(
                    share=_percent(empty)
                ),
                _("the layer works without memory: chrono initialisation, or a layer without time"),
                _chrono(one, len(one.h)),
            )
    if "r" in one.gates and float((one.gates["r"] > gates.HIGH).mean()) > OPEN_RESET:
        yield Advice(
            "reset_unused",
            one.layer,
            "low",
            _("the reset gate is open nearly everywhere, so it does nothing"),
            _("nothing to mend; a simpler cell may do as well"),
            "gruta.nn.RNN(...)",
        )


def _of_units(one: Pass) -> Iterator[Advice]:
    found = gates.units(one.h)
    H = one.h.shape[1]
    idle = len(found.dead) + len({j for _, j in found.twins})
    if idle > H / 4 and len(one.h) >= 20:
        yield Advice(
            "idle_units",
            one.layer,
            "medium",
            _("{count} of {all} units never move, or move as another does").format(
                count=idle, all=H
            ),
            _("a smaller layer would do"),
            f"hidden_size={max(1, H - idle)}",
        )


def _of_window(influences: Mapping[str, Influence], window: int | None) -> Iterator[Advice]:
    for name, found in influences.items():
        if window and found.horizon >= window - 1 and found.norms.shape[1] > window:
            yield Advice(
                "window_too_short",
                name,
                "medium",
                _("what is read reaches {lag} steps back, the training window {window}").format(
                    lag=found.horizon, window=window
                ),
                _("lengthen the window of backpropagation through time"),
                f"tbptt={2 * window}",
            )


def _of_clipping(clipping: Mapping[str, float], mode: str) -> Iterator[Advice]:
    steps = clipping.get("steps", 0)
    if steps < 50 or mode == "none":
        return
    share, cosine = clipping["clipped_share"], clipping["mean_cosine"]
    if share > CLIPPED and mode == "norm":
        yield Advice(
            "clips_nearly_always",
            "",
            "medium",
            _("{share} of the steps were clipped").format(share=_percent(share)),
            _("raise the threshold to the 90th percentile of the norms, or lower the rate"),
            "clipper.propose(90)",
        )
    if share == 0 and steps >= 500:
        yield Advice(
            "never_clips",
            "",
            "low",
            _("none of {steps} steps was clipped").format(steps=int(steps)),
            _("the threshold is idle; the 90th percentile of the norms would catch leaps"),
            "clipper.propose(90)",
        )
    if mode == "value" and cosine < TURNED:
        yield Advice(
            "clipping_turns",
            "",
            "high",
            _("clipping by value turns the gradient: cosine {cosine} on average").format(
                cosine=number(cosine, 2)
            ),
            _("clip by norm, which keeps the direction"),
            'gruta.Clipper("norm", 1.0)',
        )


def _of_updates(updates: Mapping[str, float]) -> Iterator[Advice]:
    weights = {k: v for k, v in updates.items() if "weight" in k and np.isfinite(v)}
    if not weights:
        return
    middle = float(np.median(list(weights.values())))
    if UPDATES[0] <= middle <= UPDATES[1]:
        return
    large = middle > UPDATES[1]
    yield Advice(
        "updates_large" if large else "updates_small",
        "",
        "medium" if large else "high",
        _("a step changes the weights by {share} of their size").format(share=_share(middle)),
        _("lower the learning rate") if large else _("raise the learning rate"),
        "lr / 3" if large else "lr * 3",
    )


def _percent(share: float) -> str:
    return percent(share, 0 if share >= 0.095 else 1)


def _share(share: float) -> str:
    return scientific(share) if share < 1e-3 else percent(share, 0 if share >= 0.095 else 2)


def _steps(count: float) -> str:
    return number(count, 0 if count >= 10 else 1)


def first(advice: Iterable[Advice], rule: str) -> Advice | None:
    """The piece of advice by this rule, or None."""
    return next((a for a in advice if a.rule == rule), None)
