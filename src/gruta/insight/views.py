"""What an X-ray holds: measures and words alone, which pictures, pages and terminals draw from."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from gruta.errors import InputError
from gruta.health import flow, gates, memory
from gruta.health.advice import Advice, advise
from gruta.health.passes import Pass
from gruta.insight.by_hand import ByHand, Output, by_hand
from gruta.insight.foretold import Foretold
from gruta.insight.readout import Readout
from gruta.locale import translate as _
from gruta.locale.numbers import moment, number

Array = NDArray[Any]
Labels = Sequence[str] | NDArray[np.datetime64]


def words(labels: Labels) -> list[str]:
    """What stands at each step, in words: stamps as the reader's language writes them."""
    if not isinstance(labels, np.ndarray):
        return list(labels)
    timed = bool((labels != labels.astype("M8[D]")).any())
    return [moment(stamp, timed=timed) for stamp in labels.astype("M8[us]").tolist()]


def span(labels: Labels) -> str:
    """From the first step to the last; nothing where a step is a character, which tells little."""
    told = words(labels)
    return f"{told[0]} – {told[-1]}" if any(len(word) > 1 for word in told) else ""


@dataclass(frozen=True, eq=False)
class LayerView:
    """What is found of one layer in one direction.

    end: the same pass with the gradient of the last step alone that the loss reads. fade: how that
    gradient fades; None where none reached the layer. product, exponents: of the states' Jacobians;
    None for states of more than 512 numbers.
    """

    one: Pass
    end: Pass
    numbers: dict[str, float]
    units: gates.Units
    fade: flow.Fade | None
    product: flow.Fade | None
    exponents: Array | None

    @property
    def name(self) -> str:
        """The layer's name in the model, and its pass: "encoder l0"."""
        return self.one.layer

    @property
    def steps(self) -> int:
        """How long the sequence is that it read."""
        return len(self.one.h)

    @property
    def time_constants(self) -> Array | None:
        """Of each unit's leak path, in steps."""
        return gates.time_constants(self.one)

    def to_json(self) -> dict[str, Any]:
        """The numbers, for a program."""
        found: dict[str, Any] = dict(self.numbers)
        if self.fade is not None:
            found["gradient_by_lag"] = self.fade.norms.tolist()
        if self.exponents is not None:
            found["lyapunov_exponents"] = [max(float(e), -1e3) for e in self.exponents]
        tau = self.time_constants
        if tau is not None:
            found["time_constants"] = np.minimum(tau, 1e12).tolist()
        found["dead_unit_indices"] = self.units.dead
        found["twin_units"] = self.units.twins
        return found


@dataclass(frozen=True, eq=False)
class Views:
    """One sequence seen in a model.

    influences, readouts: of each layer's stack, by the layer's name. loss: its value. labels: what
    stands at each step of a stack's sequence, where it is known (characters, stamps), by its name.
    columns: what the numbers are called that a stack reads at a step, likewise. training: what is
    known of how the model was trained (window, clipping, mode, updates), as `advise` takes it.
    tried_by: what tries a piece of advice ("": nothing does; None: it was followed already), where
    that is not Python on the layer. shown, answer: what the network reads and says, for people, if
    that is known. foretold: what it took for likely at each step, where it reads units of a text.
    contexts: the loss if every layer remembered its last so many steps alone; empty where no loss
    was given, or it cannot be run so. asks: whether the loss has a gradient at the answer.
    """

    views: tuple[LayerView, ...]
    influences: dict[str, memory.Influence]
    readouts: dict[str, Readout]
    loss: float
    labels: dict[str, Labels] = field(default_factory=dict)
    columns: dict[str, tuple[str, ...]] = field(default_factory=dict)
    training: dict[str, Any] = field(default_factory=dict)
    tried_by: Callable[[Advice], str | None] | None = None
    shown: str = ""
    answer: str = ""
    foretold: tuple[Foretold, ...] = ()
    contexts: dict[int, float] = field(default_factory=dict)
    asks: bool = True

    def by_hand(self, unit: int, at: int, layer: str | None = None) -> ByHand:
        """Unit `unit` of a layer at step `at`, every product and sum; see `by_hand.by_hand`.

        layer: the view's name; by default the last one. The linear output is there where a linear
        layer reads this one's states.
        """
        names = [view.name for view in self.views]
        if layer is not None and layer not in names:
            problem = _("expected one of {names}, got {given!r}")
            raise InputError(layer=problem.format(names=", ".join(names), given=layer))
        k = len(names) - 1 if layer is None else names.index(layer)
        one = self.views[k].one
        inputs = self.columns.get(one.stack, ()) if one.is_first else ()
        told = words(self.labels.get(one.stack, ()))
        label = told[at] if 0 <= at < len(told) else ""
        return by_hand(one, unit, at, self._output(one, at), inputs=inputs, label=label)

    def _output(self, one: Pass, at: int) -> Output | None:
        """What reads a pass's states at a step, if it is of its stack's last layer."""
        readout, H = self.readouts.get(one.stack), one.h.shape[1]
        if readout is None or not one.is_last or not 0 <= at < len(one.h):
            return None
        if np.isnan(readout.y[at, 0]):
            return None
        V = readout.V[:, H:] if one.reverse else readout.V[:, :H]
        h = one.h[len(one.h) - 1 - at if one.reverse else at]
        return Output(V, readout.a, float(readout.y[at, 0] - readout.a[0] - V[0] @ h))

    def told(self) -> list[str]:
        """What it read and what it said, a sentence each."""
        told = []
        if self.shown:
            told.append(_("It reads {shown}.").format(shown=self.shown))
        if self.answer:
            told.append(_("The network's answer: {answer}.").format(answer=self.answer))
        if self.foretold:
            right = number(sum(one.right for one in self.foretold))
            said = _("Its first guess of what comes next was right at {right} of {count} steps.")
            told.append(said.format(right=right, count=number(len(self.foretold))))
        return told

    def naming(self) -> str:
        """What the names of the layers say."""
        parts = [_("Layers are called as in the model's code: l0 is the lowest")]
        if any(view.one.reverse for view in self.views):
            parts.append(_("reverse reads from the end to the start"))
        if {"encoder", "decoder"} <= {view.one.stack for view in self.views}:
            parts.append(_("the encoder reads what was, the decoder what is to come"))
        return "; ".join(parts) + "."

    def advice(self, lag: int | None = None) -> list[Advice]:
        """At most three pieces of advice. lag: over how many steps the network has to remember, if
        that is known; else the length of the sequence is taken for it.
        """
        ends = [view.end for view in self.views]
        found = advise(ends, lag=lag, influences=self.influences, asks=self.asks, **self.training)
        if self.tried_by is None:
            return found
        tried = [(one, self.tried_by(one)) for one in found]
        return [replace(one, code=code) for one, code in tried if code is not None]

    def through_depth(self) -> dict[str, flow.Fade]:
        """How the gradient fares from a stack's last layer down, by stack of several layers."""
        stacks: dict[str, list[Pass]] = {}
        for view in self.views:
            if view.one.through:
                stacks.setdefault(view.one.stack, []).append(view.one)
        found = {name: flow.gradient_through_depth(own) for name, own in stacks.items()}
        return {name: fade for name, fade in found.items() if len(fade.norms) > 1}

    def to_json(self, lag: int | None = None) -> dict[str, Any]:
        """The numbers and the advice, for a program."""
        return {
            "loss": self.loss,
            "shown": self.shown,
            "answer": self.answer,
            "foretold": [one.to_json() for one in self.foretold],
            "layers": {view.name: view.to_json() for view in self.views},
            "gradient_by_depth": {k: f.norms.tolist() for k, f in self.through_depth().items()},
            "loss_by_context": {str(steps): loss for steps, loss in self.contexts.items()},
            "memory_horizon": {name: found.horizon for name, found in self.influences.items()},
            "advice": [found.to_json() for found in self.advice(lag)],
        }
